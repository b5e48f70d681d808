import type { ValidationError } from '@nestjs/common';
import { RequestInvalidError } from '../errors/request.errors.js';

/** Converts the errors of class-validator into one error. Its message names every wrong field, never a value. */
export function toRequestInvalidError(errors: ValidationError[]): RequestInvalidError {
  const problems = errors.flatMap(({ property, constraints }) =>
    constraints?.['whitelistValidation'] === undefined
      ? Object.values(constraints ?? { nested: `${property} is not valid` })
      : [`${property} is not a field of this call`],
  );
  return new RequestInvalidError(`${problems.join('; ')}.`.slice(0, 1_000));
}
