import type { ValidationError } from '@nestjs/common';
import { RequestInvalidError } from '../errors/request.errors.js';

/** Turns what class-validator found into one error whose message names every wrong field, never a value. */
export function toRequestInvalidError(errors: ValidationError[]): RequestInvalidError {
  const problems = errors.flatMap((error) =>
    Object.values(error.constraints ?? { nested: `${error.property} is not valid` }),
  );
  return new RequestInvalidError(`${problems.join('; ')}.`.slice(0, 1_000));
}
