import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { errorStatuses } from '../errors/app-error.filter.js';
import { errorActors, type ErrorCode } from '../errors/error-code.js';

/** Codes that any call behind an API key can return. */
const everywhere: readonly ErrorCode[] = [
  'REQUEST_INVALID',
  'API_KEY_INVALID',
  'USER_TOKEN_INVALID',
  'USER_KEYS_UNAVAILABLE',
  'SCOPE_MISSING',
  'RATE_LIMITED',
  'ACCESS_DENIED',
  'KEY_UNAVAILABLE',
  'DATABASE_UNAVAILABLE',
  'INTERNAL_ERROR',
];

/** Name of the shape of every error among the schemas of the OpenAPI description. */
export const problemSchemaName = 'Problem';

/** The shape of every error: {@link ProblemResponse} as a schema of OpenAPI. */
export const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'act', 'request_id'],
  properties: {
    type: { type: 'string', example: 'urn:cufflink:error:TOKEN_REVOKED' },
    title: { type: 'string', example: 'token revoked' },
    status: { type: 'integer', example: 409 },
    detail: { type: 'string', example: 'Says what happened and what to do.' },
    code: {
      type: 'string',
      enum: Object.keys(errorActors),
      example: 'TOKEN_REVOKED',
      description: 'branch on this field',
    },
    act: {
      type: 'string',
      enum: [...new Set(Object.values(errorActors))],
      example: 'user',
      description: 'the party that must act',
    },
    request_id: {
      type: 'string',
      example: 'req-12345',
      description: 'identifies the call in the log and the audit trail',
    },
    retry_after_seconds: { type: 'integer', example: 5, description: 'present if a later retry can succeed' },
  },
};

/** Documents the errors of a call behind an API key: its own, and those that any such call can return. */
export function ApiProblems(...codes: ErrorCode[]): MethodDecorator {
  return ApiPublicProblems(...codes, ...everywhere);
}

/**
 * Documents exactly these errors of a call in the OpenAPI description, with one response for each status and one
 * example for each code.
 */
export function ApiPublicProblems(...codes: ErrorCode[]): MethodDecorator {
  const byStatus = Map.groupBy(new Set(codes), (code) => errorStatuses[code]);
  return applyDecorators(
    ...[...byStatus].map(([status, statusCodes]) =>
      ApiResponse({
        status,
        description: statusCodes.join(', '),
        content: {
          'application/problem+json': {
            schema: { $ref: `#/components/schemas/${problemSchemaName}` },
            examples: Object.fromEntries(statusCodes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
          },
        },
      }),
    ),
  );
}

/** One example of a problem for each code, for the components of the OpenAPI description. */
export const problemExamples: Readonly<Record<string, { readonly value: object }>> = Object.fromEntries(
  (Object.keys(errorActors) as ErrorCode[]).map((code) => [code, { value: exampleProblem(code) }]),
);

function exampleProblem(code: ErrorCode): object {
  return {
    type: `urn:cufflink:error:${code}`,
    title: code.toLowerCase().replaceAll('_', ' '),
    status: errorStatuses[code],
    detail: 'Says what happened and what to do.',
    code,
    act: errorActors[code],
    request_id: 'req-12345',
  };
}
