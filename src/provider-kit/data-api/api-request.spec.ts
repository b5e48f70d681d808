import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OAuth1Verifier } from '../../sandbox/oauth1/oauth1-verifier.js';
import { apiRequest, formOf, type ApiCall } from './api-request.js';
import { apiUrl } from './api-url.js';
import type { ProviderRequest } from '../http/http-message.js';
import { exampleOAuth1, exampleOAuth2, exampleSettings } from '../testing/example-definition.js';

const baseUrl = 'https://api.provider.example/v1';
const settings = exampleSettings('https://provider.example');
const now = new Date('2026-11-23T00:00:00Z');
const tokens = { accessToken: 'token+/ü', tokenSecret: 'secret&%' };
const formType = 'application/x-www-form-urlencoded';

/** Text as forms and queries have it, right and a little wrong. */
const component = fc
  .tuple(
    fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('a', 'b', '~', "!*'()", '+', '%', '&=', 'x y')),
    fc.nat(2),
  )
  .map(
    ([text, how]) =>
      [encodeURIComponent(text.toWellFormed()), new URLSearchParams({ '': text }).toString().slice(1)][how] ?? 'a',
  );
const form = fc
  .array(fc.tuple(component, component), { maxLength: 6 })
  .map((pairs) => pairs.map((pair) => pair.join('=')).join('&'));

/** Verifies the signature as a peer that has only the request: an independent implementation. */
function verify(
  request: ProviderRequest,
  changes: { body?: string; method?: string } = {},
): ReadonlyMap<string, string> {
  const { protocol, host, pathname, search } = new URL(request.url);
  return new OAuth1Verifier('HMAC-SHA1', () => now.getTime()).verify(
    {
      method: changes.method ?? request.method,
      scheme: protocol.slice(0, -1),
      host,
      target: pathname + search,
      authorization: request.headers?.['authorization'],
      contentType: request.headers?.['content-type'],
      body: changes.body ?? request.body?.toString() ?? '',
    },
    { findClientSecret: () => settings.clientSecret.reveal(), findTokenSecret: () => tokens.tokenSecret },
  );
}

describe('a request of a data API', () => {
  const call: ApiCall = {
    method: 'PUT',
    url: apiUrl(baseUrl, 'a?b=1'),
    headers: { accept: 'application/json', 'content-type': 'application/octet-stream' },
    body: Buffer.from([0, 255]),
  };

  it('has the token of OAuth 2.0 in the header, and everything else as it came', () => {
    expect(apiRequest({ definition: exampleOAuth2, settings }, call, tokens, now)).toEqual({
      ...call,
      headers: { ...call.headers, authorization: `Bearer ${tokens.accessToken}` },
      timeoutMs: 30_000,
      maxResponseBytes: 10 * 1024 * 1024,
    });
  });

  it('is signed over any query and form so that an independent peer accepts it (O1-01, O1-02)', () => {
    fc.assert(
      fc.property(form, form, fc.constantFrom('POST', 'PUT', 'DELETE'), (query, body, method) => {
        const request = apiRequest(
          { definition: exampleOAuth1, settings },
          {
            method,
            url: apiUrl(baseUrl, `a?${query}`),
            headers: { 'content-type': formType },
            body: Buffer.from(body),
          },
          tokens,
          now,
        );
        expect(verify(request).get('oauth_token')).toBe(tokens.accessToken);
        expect(() => verify(request, { body: `${body}&added=1` })).toThrow('signature_invalid');
        expect(() => verify(request, { method: 'GET' })).toThrow('signature_invalid');
      }),
      { seed: 20261123, numRuns: 500 },
    );
  });

  it.each([formType, `${formType}; charset=utf-8`, 'Application/X-WWW-Form-Urlencoded ;charset=utf-8'])(
    'is signed with its body as %s (O1-01)',
    (type) => {
      const headers = { 'content-type': type };
      const request = apiRequest(
        { definition: exampleOAuth1, settings },
        { ...call, headers, body: Buffer.from('a=1') },
        tokens,
        now,
      );
      expect(verify(request).get('oauth_token')).toBe(tokens.accessToken);
      expect(() => verify(request, { body: 'a=2' })).toThrow('signature_invalid');
    },
  );

  it.each(['application/json', 'text/plain', `${formType}2`, undefined])(
    'is signed without its body as %s (O1-01)',
    (type) => {
      const headers = type === undefined ? {} : { 'content-type': type };
      const request = apiRequest(
        { definition: exampleOAuth1, settings },
        { ...call, headers, body: Buffer.from('a=1') },
        tokens,
        now,
      );
      expect(verify(request, { body: 'a=2' }).get('oauth_token')).toBe(tokens.accessToken);
    },
  );

  it.each<[what: string, headers: Record<string, string>, body: Buffer]>([
    ['bytes beyond ASCII', {}, Buffer.from('a=\u00fc')],
    ['bytes that are no UTF-8', {}, Buffer.from([0x61, 0x3d, 0xff])],
    ['compression', { 'content-encoding': 'gzip' }, gzipSync('access_token=x')],
  ])('is not made of a form with %s, which cannot be looked at nor signed (TE-02, O1-01)', (_what, headers, body) => {
    const form = { ...call, headers: { ...headers, 'content-type': formType }, body };
    const refused = expect.objectContaining({ code: 'REQUEST_INVALID' }) as unknown;
    expect(() => formOf(form)).toThrow(refused);
    expect(() => apiRequest({ definition: exampleOAuth1, settings }, form, tokens, now)).toThrow(refused);
    const other = { ...form, headers: { ...headers, 'content-type': 'application/json' } };
    expect(apiRequest({ definition: exampleOAuth1, settings }, other, tokens, now).body).toEqual(body);
  });

  it('has another nonce each time (O1-03)', () => {
    const nonces = Array.from({ length: 100 }, () =>
      verify(apiRequest({ definition: exampleOAuth1, settings }, call, tokens, now)).get('oauth_nonce'),
    );
    expect(new Set(nonces).size).toBe(100);
  });
});
