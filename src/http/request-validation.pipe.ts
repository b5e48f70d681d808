import { type ArgumentMetadata, Injectable, type Type, ValidationPipe } from '@nestjs/common';
import { RequestInvalidError } from '../errors/request.errors.js';
import { toRequestInvalidError } from './validation-error.js';

/** A class of path parameters that can tell at once whether a path has them all. */
interface PathClass {
  /** Whether the parameters are what the class asks for. Says the same as its decorators. */
  accepts(path: Readonly<Record<string, string>>): boolean;
}

/**
 * Checks what a request brings against the class that a handler asks for, and refuses what that class does not know.
 *
 * Paths, which nearly every call has, are looked at by the class itself where it can: class-validator takes as long as
 * reading a token from the database. It words the refusals all the same.
 */
@Injectable()
export class RequestValidationPipe extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      forbidNonWhitelisted: true,
      transform: true,
      // Decorators run from the bottom up: those of a list's length stand below those of its elements, which then are
      // not looked at.
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
