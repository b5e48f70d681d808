import { expect } from '@jest/globals';
import type { Response } from 'supertest';
import { errorActors, type ErrorCode } from '../../src/errors/error-code.js';

/**
 * Checks that a response is problem details with this code, and the one who has to act.
 *
 * @param members - what this problem has beside the usual members
 */
export function expectProblem(response: Response, status: number, code: ErrorCode, members: object = {}): void {
  expect({ status: response.status, body: response.body as unknown }).toEqual({
    status,
    body: {
      type: `urn:cufflink:error:${code}`,
      title: code.toLowerCase().replaceAll('_', ' '),
      status,
      detail: expect.stringMatching(/^\w.{10,}[.]$/s),
      code,
      act: errorActors[code],
      request_id: response.headers['x-request-id'],
      ...(response.headers['retry-after'] === undefined
        ? {}
        : { retry_after_seconds: Number(response.headers['retry-after']) }),
      ...members,
    },
  });
  expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(response.headers['cache-control']).toBe('no-store');
  expect(String(response.headers['x-request-id'])).toMatch(/^[0-9a-f-]{36}(\.[\w-]{8,64})?$/);
}

/** The body of any response. */
export function bodyOf({ body }: { body: unknown }): unknown {
  return body;
}
