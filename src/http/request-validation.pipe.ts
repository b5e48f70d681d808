import { type ArgumentMetadata, Injectable, type Type, ValidationPipe } from '@nestjs/common';
import { RequestInvalidError } from '../errors/request.errors.js';
import { toRequestInvalidError } from './validation-error.js';

/** A class of path parameters that can check a path itself. */
interface PathClass {
  /** Whether the parameters are valid. Its rules are those of the decorators. */
  accepts(path: Readonly<Record<string, string>>): boolean;
}

/**
 * Checks the input of a request against the class that a handler asks for, and refuses unknown fields.
 *
 * Nearly every call has path parameters. A class that can check them itself does so, because class-validator takes as
 * long as reading a token from the database. The texts of refusals still come from class-validator.
 */
@Injectable()
export class RequestValidationPipe extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      forbidNonWhitelisted: true,
      transform: true,
      // Decorators run from the bottom up. Those of a list's length are below those of its elements, so that the
      // elements of a list of wrong length are not checked.
      stopAtFirstError: true,
      exceptionFactory: toRequestInvalidError,
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (
      metadata.type === 'body' &&
      (typeof value === 'string' || Array.isArray(value)) &&
      isBodyClass(metadata.metatype)
    ) {
      // A form, which the callbacks take, or something else in place of an object.
      throw new RequestInvalidError('The body must be a JSON object, sent as "Content-Type: application/json".');
    }
    return metadata.type === 'param' && isPathClass(metadata.metatype) && metadata.metatype.accepts(value as never)
      ? value
      : super.transform(value, metadata);
  }
}

/** Whether a handler declares a shape for its body. */
function isBodyClass(type: Type | undefined): boolean {
  return type !== undefined && type !== Object;
}

function isPathClass(type: (Type & Partial<PathClass>) | undefined): type is Type & PathClass {
  return type?.accepts !== undefined;
}
