import { applyDecorators, UseInterceptors } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';

/** Lets a call take an `Idempotency-Key`. Its module imports `IdempotencyModule`. */
export const Idempotent = (): MethodDecorator =>
  applyDecorators(
    UseInterceptors(IdempotencyInterceptor),
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      schema: { type: 'string', minLength: 1, maxLength: 255, example: '0f5b8e2c-6d1a-4b7e-9c3f-2a1d4e5f6a7b' },
      description:
        'a key of your own, such as a UUID. Repeat the call with the same key and body, and you get the same response for 24 hours',
    }),
  );

/** The errors of such a call, for its description. */
export const idempotencyProblems = ['IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_KEY_IN_PROGRESS'] as const;
