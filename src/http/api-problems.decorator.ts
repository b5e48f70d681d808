import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { errorStatuses } from '../errors/app-error.filter.js';
import { errorActors, type ErrorCode } from '../errors/error-code.js';

/** Codes that any call behind an API key can answer with. */
const everywhere: readonly ErrorCode[] = [
  'REQUEST_INVALID',
  'API_KEY_INVALID',
  'USER_TOKEN_INVALID',
  'USER_KEYS_UNAVAILABLE',
  'SCOPE_MISSING',
  'RATE_LIMITED',
  'ACCESS_DENIED',
  'DATABASE_UNAVAILABLE',
  'INTERNAL_ERROR',
];

/** Documents the errors of a call in the OpenAPI description: one response a status, one example a code. */
export function ApiProblems(...codes: ErrorCode[]): MethodDecorator {
  const byStatus = Map.groupBy(new Set([...codes, ...everywhere]), (code) => errorStatuses[code]);
  return applyDecorators(
    ...[...byStatus].map(([status, statusCodes]) =>
      ApiResponse({
        status,
        description: statusCodes.join(', '),
        content: {
          'application/problem+json': {
            schema: { type: 'object', required: ['type', 'title', 'status', 'detail', 'code', 'act', 'request_id'] },
            examples: Object.fromEntries(statusCodes.map((code) => [code, { value: exampleProblem(code) }])),
          },
        },
      }),
    ),
  );
}

function exampleProblem(code: ErrorCode): object {
  return {
    type: `urn:cufflink:error:${code}`,
    title: code.toLowerCase().replaceAll('_', ' '),
    status: errorStatuses[code],
    detail: 'A sentence that says what happened and what to do.',
    code,
    act: errorActors[code],
    request_id: 'req-1',
  };
}
