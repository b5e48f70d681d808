import { describe, expect, it } from '@jest/globals';
import { OAuth1Verifier, type ParameterPlace, type SignedRequest } from '../../sandbox/oauth1/oauth1-verifier.js';
import type { ProviderRequest } from '../http/http-message.js';
import { oauth1Request } from './oauth1-request.js';
import { exampleOAuth1, exampleSettings } from '../testing/example-definition.js';

const now = new Date('2026-11-22T10:00:00Z');
const settings = exampleSettings('https://provider.example');
const places: readonly ParameterPlace[] = ['header', 'form', 'query'];
const secrets = {
  findClientSecret: () => settings.clientSecret.reveal(),
  findTokenSecret: () => "secret of 'token' ü&%",
};

function requestIn(place: ParameterPlace, url = 'https://provider.example/token?a=b%20c&a=%2B'): ProviderRequest {
  const tokens = { accessToken: 'token ü+&=%', tokenSecret: "secret of 'token' ü&%" };
  const extraOAuthParams = { oauth_verifier: 'verifier +&=%ü' };
  return oauth1Request(exampleOAuth1, settings, { method: 'POST', url, tokens: tokens, extraOAuthParams }, now, place);
}

/** As it arrives at the provider. */
function arrived({ method, url, headers = {}, body = '' }: ProviderRequest): SignedRequest {
  const { protocol, host, pathname, search } = new URL(url);
  return {
    method,
    scheme: protocol.slice(0, -1),
    host,
    target: pathname + search,
    authorization: headers['authorization'],
    contentType: headers['content-type'],
    body: String(body),
  };
}

function verified(request: ProviderRequest, place: ParameterPlace): ReadonlyMap<string, string> {
  return new OAuth1Verifier('HMAC-SHA1', () => now.getTime()).verify(arrived(request), secrets, place);
}

/** RFC 5849 section 3.5. */
describe('the place of the protocol parameters', () => {
  it.each(places)('is the %s alone, and an independent verifier finds the signature right there (O1-01)', (place) => {
    const request = requestIn(place);
    expect(verified(request, place).get('oauth_verifier')).toBe('verifier +&=%ü');
    expect(verified(request, place).get('oauth_token')).toBe('token ü+&=%');
    const has = {
      header: request.headers?.['authorization']?.startsWith('OAuth ') === true,
      form: String(request.body ?? '').includes('oauth_signature='),
      query: request.url.includes('oauth_signature='),
    };
    expect(Object.entries(has).filter(([, is]) => is)).toEqual([[place, true]]);
  });

  it.each(places.flatMap((place) => places.filter((other) => other !== place).map((other) => [place, other] as const)))(
    'is refused in the %s by a provider that takes the %s (O1-01)',
    (place, other) => {
      expect(() => verified(requestIn(place), other)).toThrow(expect.objectContaining({ problem: 'parameter_absent' }));
    },
  );

  it.each(places)('is refused by a provider when something in it is changed (%s) (O1-01)', (place) => {
    const request = requestIn(place);
    const change = (text: string): string => text.replace(/verifier(%20|\+| )/, 'verifiex$1');
    const headers = Object.entries(request.headers ?? {}).map(
      ([name, value]) => [name, change(String(value))] as const,
    );
    const body = change(String(request.body ?? ''));
    const changed = { ...request, url: change(request.url), headers: Object.fromEntries(headers), body };
    expect(changed).not.toEqual({ ...request, body: String(request.body ?? '') });
    expect(() => verified(changed, place)).toThrow(expect.objectContaining({ problem: 'signature_invalid' }));
  });

  it('is the first query of a URL that has none', () => {
    const request = requestIn('query', 'https://provider.example/token');
    expect(request.url).toMatch(/^https:\/\/provider\.example\/token\?oauth_consumer_key=/);
    expect(verified(request, 'query').size).toBeGreaterThan(5);
  });
});
