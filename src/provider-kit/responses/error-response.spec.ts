import { describe, expect, it } from '@jest/globals';
import { errorCodeReader, inStandardForm, parseErrorResponse } from './error-response.js';
import type { ProviderResponse } from '../http/http-message.js';
import { defineProvider } from '../definition/provider-definition.js';
import { exampleOAuth2 } from '../testing/example-definition.js';

function response(body: unknown, contentType: string | undefined = 'application/json'): ProviderResponse {
  return {
    status: 400,
    headers: { 'content-type': contentType },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

describe('error responses', () => {
  it.each<[title: string, body: unknown, code: string | undefined]>([
    ['the standard field', { error: 'invalid_grant' }, 'invalid_grant'],
    ['free text in place of a code', { error: 'Refresh token invalid: abc123' }, undefined],
    ['a code that may be a token', { error: 'a'.repeat(41) }, undefined],
    ['a code of another kind', { error: { code: 'invalid_grant' } }, undefined],
    ['no code', { message: 'no' }, undefined],
    ['a list', ['invalid_grant'], undefined],
    ['an inherited field', '{"__proto__":{"error":"invalid_grant"}}', undefined],
    ['a token beside the error', { access_token: 'AT', error: 'invalid_grant' }, undefined],
    ['an empty token beside the error', { access_token: '', error: 'invalid_grant' }, 'invalid_grant'],
    ['a token that is null beside the error', { access_token: null, error: 'invalid_grant' }, 'invalid_grant'],
    ["Google's shape of an error", { error: { code: 429, status: 'RESOURCE_EXHAUSTED' } }, undefined],
    ["Apigee's shape of an error", { fault: { faultstring: 'invalid_grant' } }, undefined],
  ])('reads %s', (_, body, code) => {
    expect(parseErrorResponse(response(body))).toMatchObject({ isRead: true, code });
  });

  it('asks the hook of the provider first and checks its result', () => {
    const body = { error: 'invalid_request', kind: 'invalid_grant' };
    expect(parseErrorResponse(response(body), () => 'invalid_grant').code).toBe('invalid_grant');
    expect(parseErrorResponse(response(body), () => undefined).code).toBe('invalid_request');
    expect(parseErrorResponse(response(body), () => 'token abc is invalid').code).toBe('invalid_request');
  });

  it('tells a request to retry from other descriptions', () => {
    const retry = { error: 'invalid_request', error_description: 'Concurrent use. Please retry the request.' };
    expect(parseErrorResponse(response(retry)).asksToRetry).toBe(true);
    expect(parseErrorResponse(response({ error: 'invalid_request', error_hint: 'Retry.' })).asksToRetry).toBe(true);
    expect(parseErrorResponse(response({ error: 'invalid_request', error_description: 'retrying' })).asksToRetry).toBe(
      false,
    );
    expect(
      parseErrorResponse(response({ error: 'invalid_request', error_description: { retry: 1 } })).asksToRetry,
    ).toBe(false);
    expect(parseErrorResponse(response({ error_description: { toString: 'retry' } })).asksToRetry).toBe(false);
  });

  it.each(['text/plain; charset=utf-8', 'text/html', 'application/json, application/json', '', undefined])(
    'reads an error under the content type %j (TE-04)',
    (contentType) => {
      expect(parseErrorResponse(response({ error: 'invalid_grant' }, contentType)).code).toBe('invalid_grant');
    },
  );

  it('reads an error in a form, and takes no other text with a "=" for one (TE-04)', () => {
    expect(parseErrorResponse(response('error=invalid_grant&error_description=gone', 'text/plain')).code).toBe(
      'invalid_grant',
    );
    expect(parseErrorResponse(response('reason=invalid_grant', 'text/plain'))).toMatchObject({ isRead: false });
  });

  it('reads the listed errors as a dead grant, all fields of an entry together, and nothing else (R-13)', () => {
    const deadGrantErrors = [{ error: 'invalid_token' }, { 'errors.0.resource': 'RefreshToken', code: 7 }];
    const codeOf = (body: unknown) =>
      parseErrorResponse(response(body), errorCodeReader({ ...exampleOAuth2, deadGrantErrors })).code;
    expect(codeOf({ error: 'invalid_token' })).toBe('invalid_grant');
    expect(codeOf({ errors: [{ resource: 'RefreshToken' }], code: 7 })).toBe('invalid_grant');
    expect(codeOf({ errors: [{ resource: 'RefreshToken' }], code: '7' })).toBeUndefined();
    expect(codeOf({ errors: [{ resource: 'RefreshToken' }] })).toBeUndefined();
    expect(codeOf({ error: 'invalid_token_type' })).toBe('invalid_token_type');
    expect(() => defineProvider({ ...exampleOAuth2, deadGrantErrors: [{}] })).toThrow('has no field');
  });

  it('says that HTML is no JSON', () => {
    expect(parseErrorResponse(response('<html>', 'text/html'))).toEqual({
      isRead: false,
      code: undefined,
      asksToRetry: false,
    });
  });
});

describe('errors that are a plain text', () => {
  const definition = { ...exampleOAuth2, plainTextErrors: [{ status: 400, error: 'invalid_client' }] };
  const read = (body: unknown, status = 400) => inStandardForm(definition, { ...response(body), status }).body;

  it('reads the declared status with a text, or with nothing, as the error that it stands for', () => {
    expect(read('Client not found')).toBe('{"error":"invalid_client"}');
    expect(read('')).toBe('{"error":"invalid_client"}');
  });

  it.each<[title: string, body: string, status: number]>([
    ['another status', 'Client not found', 401],
    ['a page in HTML', ' <!doctype html><p>Blocked', 400],
    ['JSON', '{"error":"invalid_grant"}', 400],
  ])('leaves %s as it is', (_title, body, status) => {
    expect(read(body, status)).toBe(body);
  });

  it('changes nothing for a provider that declares none', () => {
    expect(inStandardForm(exampleOAuth2, response('Client not found')).body).toBe('Client not found');
  });
});
