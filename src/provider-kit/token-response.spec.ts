import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { InvalidTokenResponseError } from '../errors/provider.errors.js';
import { exampleOAuth2 } from './testing/example-definition.js';
import type { ProviderResponse } from './http-client.js';
import {
  parseErrorAnswer,
  parseOAuth1Problem,
  parseOAuth1TokenResponse,
  parseTokenResponse,
} from './token-response.js';
import type { TokenGrant } from './token-grant.js';

const requestedAt = new Date('2026-03-01T12:00:00Z');
const definition = { ...exampleOAuth2, accessTokenLifetimeSeconds: 7200, refreshExpiresInField: 'refresh_expires_in' };

function answer(body: unknown, contentType: string | undefined = 'application/json'): ProviderResponse {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status: 200, headers: { 'content-type': contentType }, text };
}

function parse(body: unknown, overrides: Partial<typeof definition> = {}): TokenGrant {
  return parseTokenResponse(answer(body), { ...definition, ...overrides }, requestedAt);
}

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('It did not throw.');
}

const good = { access_token: 'AT', token_type: 'Bearer', expires_in: 3600, refresh_token: 'RT' };
const withoutExpiry = { access_token: 'AT', token_type: 'Bearer', refresh_token: 'RT' };
const withoutRefreshToken = { access_token: 'AT', token_type: 'Bearer', expires_in: 3600 };

describe('TE-04 token answers that are taken', () => {
  it('reads every part', () => {
    const grant = parse({
      ...good,
      refresh_expires_in: 7_776_000,
      scope: 'sleep  heart',
      user_id: 'U1',
      more: { a: 1 },
    });
    expect({ ...grant }).toEqual({
      accessToken: 'AT',
      tokenSecret: undefined,
      refreshToken: 'RT',
      expiresInSeconds: 3600,
      refreshExpiresInSeconds: 7_776_000,
      grantedScopes: ['sleep', 'heart'],
      providerUserId: 'U1',
      requestedAt,
    });
  });

  it.each<[title: string, body: unknown, expected: Partial<TokenGrant>]>([
    ['token_type in lower case', { ...good, token_type: 'bearer' }, { accessToken: 'AT' }],
    ['token_type in upper case', { ...good, token_type: 'BEARER' }, { accessToken: 'AT' }],
    ['expires_in as a numeric string', { ...good, expires_in: '28800' }, { expiresInSeconds: 28_800 }],
    ['expires_in of ten years', { ...good, expires_in: 315_360_000 }, { expiresInSeconds: 315_360_000 }],
    ['expires_in with a fraction', { ...good, expires_in: 0.5 }, { expiresInSeconds: 0.5 }],
    ['no expires_in: the documented life', withoutExpiry, { expiresInSeconds: 7200 }],
    ['expires_in null: the documented life', { ...good, expires_in: null }, { expiresInSeconds: 7200 }],
    ['no refresh_token: keep the old one', withoutRefreshToken, { refreshToken: undefined }],
    ['an empty refresh_token: keep the old one', { ...good, refresh_token: '' }, { refreshToken: undefined }],
    ['refresh_token null: keep the old one', { ...good, refresh_token: null }, { refreshToken: undefined }],
    ['every visible character in a token', { ...good, access_token: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~' }, {}],
    ['a long token', { ...good, access_token: 'x'.repeat(8000) }, { accessToken: 'x'.repeat(8000) }],
    ['no scope: the provider did not say', good, { grantedScopes: undefined }],
    ['an empty scope: the provider did not say', { ...good, scope: '' }, { grantedScopes: undefined }],
    ['scope of another kind: left out', { ...good, scope: 7 }, { grantedScopes: undefined }],
    ['scope with what PostgreSQL cannot store: left out', { ...good, scope: 'a\0b' }, { grantedScopes: undefined }],
    ['scope with half a character: left out', { ...good, scope: 'a \ud800' }, { grantedScopes: undefined }],
    ['a numeric account id', { ...good, user_id: 123_456 }, { providerUserId: '123456' }],
    [
      'an account id that lost digits: left out',
      `{"access_token":"AT","token_type":"bearer","user_id":12345678901234567890}`,
      { providerUserId: undefined },
    ],
    ['an account id of another kind: left out', { ...good, user_id: { id: 1 } }, { providerUserId: undefined }],
    [
      'a refresh token life of another kind: left out',
      { ...good, refresh_expires_in: -1 },
      { refreshExpiresInSeconds: undefined },
    ],
    [
      'a refresh token life as a numeric string',
      { ...good, refresh_expires_in: '60' },
      { refreshExpiresInSeconds: 60 },
    ],
    ['error null', { ...good, error: null }, { accessToken: 'AT' }],
    [
      '__proto__ as a field',
      `{"__proto__":{"user_id":"evil"},"access_token":"AT","token_type":"bearer"}`,
      { providerUserId: undefined },
    ],
    ['white space around the JSON', ` \n${JSON.stringify(good)}\n`, { accessToken: 'AT' }],
  ])('takes %s', (_, body, expected) => {
    expect(parse(body)).toMatchObject(expected);
  });

  it('leaves the prototype of objects alone', () => {
    parse(
      `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"access_token":"AT","token_type":"bearer"}`,
    );
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('does not take an inherited property for a field of the answer', () => {
    Object.defineProperty(Object.prototype, 'user_id', { value: 'evil', configurable: true });
    try {
      expect(parse(good).providerUserId).toBeUndefined();
    } finally {
      Reflect.deleteProperty(Object.prototype, 'user_id');
    }
  });

  it('has no expiry when none is sent and none documented', () => {
    const undocumented = { ...exampleOAuth2, accessTokenLifetimeSeconds: undefined };
    expect(parseTokenResponse(answer(withoutExpiry), undocumented, requestedAt).expiresInSeconds).toBeUndefined();
  });

  it('splits scopes at the separator of the provider', () => {
    expect(parse({ ...good, scope: 'a,b c' }, { scopeSeparator: ',' }).grantedScopes).toEqual(['a', 'b c']);
  });

  it.each(['callback', 'nowhere'] as const)('ignores the scope when scopes are read from: %s', (grantedScopesIn) => {
    expect(parse({ ...good, scope: 'a b' }, { grantedScopesIn }).grantedScopes).toBeUndefined();
  });

  it.each([
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/vnd.example.v1+json',
    ' application/json ',
  ])('takes content type %j', (contentType) => {
    expect(parseTokenResponse(answer(good, contentType), definition, requestedAt).accessToken).toBe('AT');
  });

  it('redacts the grant in text', () => {
    const grant = parse({ ...good, access_token: 'canary' });
    expect(`${inspect(grant)} ${JSON.stringify(grant)}`).not.toContain('canary');
  });
});

describe('TE-04 token answers that are refused', () => {
  const canary = 'canary5ecret';

  it.each<[title: string, body: unknown, field: string]>([
    ['an empty object', {}, 'access_token'],
    ['no access_token', { token_type: 'bearer', refresh_token: canary }, 'access_token'],
    ['an empty access_token', { ...good, access_token: '' }, 'access_token'],
    ['access_token null', { ...good, access_token: null }, 'access_token'],
    ['a numeric access_token', { ...good, access_token: 12_345 }, 'access_token'],
    ['access_token in a list', { ...good, access_token: [canary] }, 'access_token'],
    ['access_token in an object', { ...good, access_token: { value: canary } }, 'access_token'],
    ['a space in access_token', { ...good, access_token: `${canary} x` }, 'access_token'],
    ['a line break in access_token', { ...good, access_token: `${canary}\r\nX-Evil: 1` }, 'access_token'],
    ['NUL in access_token', { ...good, access_token: `${canary}\u0000` }, 'access_token'],
    ['access_token outside ASCII', { ...good, access_token: `${canary}é` }, 'access_token'],
    ['no token_type', { access_token: canary }, 'token_type'],
    ['token_type mac', { ...good, access_token: canary, token_type: 'mac' }, 'token_type'],
    ['token_type "bearer "', { ...good, token_type: 'bearer ' }, 'token_type'],
    ['token_type null', { ...good, token_type: null }, 'token_type'],
    ['expires_in 0', { ...good, expires_in: 0 }, 'expires_in'],
    ['expires_in -1', { ...good, expires_in: -1 }, 'expires_in'],
    ['expires_in 1e309', '{"access_token":"AT","token_type":"bearer","expires_in":1e309}', 'expires_in'],
    ['expires_in beyond ten years', { ...good, expires_in: 315_360_001 }, 'expires_in'],
    ['expires_in as an instant in milliseconds', { ...good, expires_in: 1_772_366_400_000 }, 'expires_in'],
    ['expires_in "soon"', { ...good, expires_in: 'soon' }, 'expires_in'],
    ['expires_in ""', { ...good, expires_in: '' }, 'expires_in'],
    ['expires_in "-1"', { ...good, expires_in: '-1' }, 'expires_in'],
    ['expires_in "0x10"', { ...good, expires_in: '0x10' }, 'expires_in'],
    ['expires_in "1e3"', { ...good, expires_in: '1e3' }, 'expires_in'],
    ['expires_in true', { ...good, expires_in: true }, 'expires_in'],
    ['expires_in in a list', { ...good, expires_in: [3600] }, 'expires_in'],
    ['a numeric refresh_token', { ...good, refresh_token: 7 }, 'refresh_token'],
    ['refresh_token false', { ...good, refresh_token: false }, 'refresh_token'],
    ['a line break in refresh_token', { ...good, refresh_token: `${canary}\n` }, 'refresh_token'],
    ['the tokens inside __proto__', '{"__proto__":{"access_token":"AT","token_type":"bearer"}}', 'access_token'],
    ['the tokens inside another object', { body: good }, 'access_token'],
  ])('names the field for %s', (_, body, field) => {
    const error = thrownBy(() => parse(body));
    expect(error).toMatchObject({
      code: 'TOKEN_RESPONSE_INVALID',
      message: `The token answer of Example has no valid "${field}".`,
    });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(canary);
  });

  it.each([
    ['a sound one', canary, canary],
    ['an empty one', '', undefined],
    ['one that is none', 1, undefined],
  ])('hands on %s as the refresh token, and shows it to nobody', (_title, refresh_token, expected) => {
    const error = thrownBy(() => parse({ ...good, refresh_token, expires_in: -1 })) as InvalidTokenResponseError;
    expect(error.refreshToken).toBe(expected);
    expect(`${inspect(error, { showHidden: true })} ${JSON.stringify(error)}`).not.toContain(canary);
  });

  it.each([
    ['null', 'null'],
    ['a list', `[{"access_token":"${canary}","token_type":"bearer"}]`],
    ['a string', `"${canary}"`],
    ['a number', '42'],
  ])('refuses JSON that is %s', (_, body) => {
    const error = thrownBy(() => parse(body));
    expect(error).toMatchObject({
      code: 'TOKEN_RESPONSE_INVALID',
      message: 'The token answer of Example is no JSON object.',
    });
    expect(inspect(error)).not.toContain(canary);
  });

  it.each([
    ['an HTML page', `<html>${canary}</html>`, 'text/html'],
    ['HTML that claims to be JSON', `<html>${canary}</html>`, 'application/json'],
    ['nothing', '', 'application/json'],
    ['a cut-off object', `{"access_token":"${canary}`, 'application/json'],
    ['JSON as text/plain', JSON.stringify(good), 'text/plain'],
    ['JSON without a content type', JSON.stringify(good), undefined],
    ['JSON as a look-alike type', JSON.stringify(good), 'application/json-seq'],
    ['a form', `access_token=${canary}&token_type=bearer`, 'application/x-www-form-urlencoded'],
  ])('treats %s as an outage', (_, text, contentType) => {
    const response = { status: 200, headers: { 'content-type': contentType }, text };
    const error = thrownBy(() => parseTokenResponse(response, definition, requestedAt));
    expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'answered' });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(canary);
  });
});

describe('error answers', () => {
  it.each<[title: string, body: unknown, code: string | undefined]>([
    ['the standard field', { error: 'invalid_grant' }, 'invalid_grant'],
    ['free text in place of a code', { error: 'Refresh token invalid: abc123' }, undefined],
    ['a code that may be a token', { error: 'a'.repeat(41) }, undefined],
    ['a code of another kind', { error: { code: 'invalid_grant' } }, undefined],
    ['no code', { message: 'no' }, undefined],
    ['a list', ['invalid_grant'], undefined],
    ['an inherited field', '{"__proto__":{"error":"invalid_grant"}}', undefined],
    ['a token beside the error', { access_token: 'AT', error: 'invalid_grant' }, undefined],
  ])('reads %s', (_, body, code) => {
    expect(parseErrorAnswer(answer(body))).toMatchObject({ isJson: true, code });
  });

  it('asks the hook of the provider first and checks what it returns', () => {
    const body = { error: 'invalid_request', kind: 'invalid_grant' };
    expect(parseErrorAnswer(answer(body), () => 'invalid_grant').code).toBe('invalid_grant');
    expect(parseErrorAnswer(answer(body), () => undefined).code).toBe('invalid_request');
    expect(parseErrorAnswer(answer(body), () => 'token abc is invalid').code).toBe('invalid_request');
  });

  it('tells a request to retry from other descriptions', () => {
    const retry = { error: 'invalid_request', error_description: 'Concurrent use. Please retry the request.' };
    expect(parseErrorAnswer(answer(retry)).asksToRetry).toBe(true);
    expect(parseErrorAnswer(answer({ error: 'invalid_request', error_hint: 'Retry.' })).asksToRetry).toBe(true);
    expect(parseErrorAnswer(answer({ error: 'invalid_request', error_description: 'retrying' })).asksToRetry).toBe(
      false,
    );
    expect(parseErrorAnswer(answer({ error: 'invalid_request', error_description: { retry: 1 } })).asksToRetry).toBe(
      false,
    );
    expect(parseErrorAnswer(answer({ error_description: { toString: 'retry' } })).asksToRetry).toBe(false);
  });

  it('says that HTML is no JSON', () => {
    expect(parseErrorAnswer(answer('<html>', 'text/html'))).toEqual({
      isJson: false,
      code: undefined,
      asksToRetry: false,
    });
  });
});

describe('O1-10 OAuth 1.0a credentials answers', () => {
  it('reads token, secret, confirmation and further fields', () => {
    const parsed = parseOAuth1TokenResponse(
      'oauth_token=a%2Fb&oauth_token_secret=c%3D&oauth_callback_confirmed=true&user=J+D%C3%BC\n',
    );
    expect(parsed).toMatchObject({ token: 'a/b', tokenSecret: 'c=', callbackConfirmed: true });
    expect(parsed.extras.get('user')).toBe('J Dü');
    expect(parsed.extras.has('oauth_token_secret')).toBe(false);
  });

  it.each(['', '&oauth_callback_confirmed=false', '&oauth_callback_confirmed=TRUE', '&oauth_callback_confirmed=1'])(
    'O1-04 does not take %j for a confirmation',
    (rest) => {
      expect(parseOAuth1TokenResponse(`oauth_token=a&oauth_token_secret=b${rest}`).callbackConfirmed).toBe(false);
    },
  );

  it.each([
    ['nothing', ''],
    ['an HTML page', '<html>canary</html>'],
    ['JSON', '{"oauth_token":"canary","oauth_token_secret":"canary"}'],
    ['no oauth_token', 'oauth_token_secret=canary'],
    ['no oauth_token_secret', 'oauth_token=canary'],
    ['an empty oauth_token', 'oauth_token=&oauth_token_secret=canary'],
    ['an empty oauth_token_secret', 'oauth_token=canary&oauth_token_secret='],
    ['oauth_token twice', 'oauth_token=canary&oauth_token=b&oauth_token_secret=c'],
    ['oauth_token twice, once escaped', 'oauth_token=canary&oauth%5Ftoken=b&oauth_token_secret=c'],
    ['another field twice', 'oauth_token=canary&oauth_token_secret=c&x=1&x=2'],
    ['a field without =', 'oauth_token=canary&oauth_token_secret=c&x'],
    ['a field without a name', 'oauth_token=canary&oauth_token_secret=c&=x'],
    ['an empty pair', 'oauth_token=canary&&oauth_token_secret=c'],
    ['a broken escape', 'oauth_token=canary%2&oauth_token_secret=c'],
    ['bytes that are no UTF-8', 'oauth_token=canary&oauth_token_secret=c&x=%FF'],
    ['a line break in a token', 'oauth_token=canary%0A&oauth_token_secret=c'],
    ['a space in a token', 'oauth_token=canary+x&oauth_token_secret=c'],
    ['a raw line break', 'oauth_token=canary\noauth_token_secret=c'],
    ['a very long run of escapes', `${'%41'.repeat(20_000)}\u0000=canary`],
  ])('refuses %s without quoting it', (_, text) => {
    const error = thrownBy(() => parseOAuth1TokenResponse(text));
    expect(error).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('canary');
  });

  it('reads oauth_problem where it has the shape of a code', () => {
    const inBody = (text: string): string | undefined => parseOAuth1Problem({ headers: {}, text });
    expect(inBody('oauth_problem=timestamp_refused&oauth_acceptable_timestamps=1-2')).toBe('timestamp_refused');
    expect(inBody('oauth_problem=token%20abc')).toBeUndefined();
    expect(inBody('<html>')).toBeUndefined();

    const inHeader = (header: string): string | undefined =>
      parseOAuth1Problem({ headers: { 'www-authenticate': header }, text: '<html>' });
    expect(inHeader('OAuth realm="x", oauth_problem="timestamp_refused"')).toBe('timestamp_refused');
    expect(inHeader('OAuth realm="x", oauth_problem="token abc"')).toBeUndefined();
    expect(inHeader('Basic oauth_problem="timestamp_refused"')).toBeUndefined();
    expect(inHeader('OAuth realm="x"')).toBeUndefined();
  });
});
