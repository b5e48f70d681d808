import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { InvalidTokenResponseError } from '../../errors/provider.errors.js';
import { knownSecrets } from '../../redaction/known-secrets.js';
import { exampleOAuth2 } from '../testing/example-definition.js';
import type { ProviderResponse } from '../http/http-message.js';
import { parseTokenResponse } from './parse-token-response.js';
import type { Remark } from './response-remarks.js';
import type { TokenResponse } from '../token-response.js';

const requestedAt = new Date('2026-03-01T12:00:00Z');
const definition = { ...exampleOAuth2, accessTokenLifetimeSeconds: 7200, refreshExpiresInField: 'refresh_expires_in' };

function response(body: unknown, contentType: string | undefined = 'application/json'): ProviderResponse {
  return {
    status: 200,
    headers: { 'content-type': contentType },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

function parse(body: unknown, overrides: Partial<typeof definition> = {}): TokenResponse {
  return parseTokenResponse(response(body), { ...definition, ...overrides }, requestedAt);
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

describe('token responses that are taken (TE-04)', () => {
  it('reads every part', () => {
    const tokenResponse = parse({
      ...good,
      refresh_expires_in: 7_776_000,
      scope: 'sleep  heart',
      user_id: 'U1',
      more: { a: 1 },
    });
    expect({ ...tokenResponse }).toEqual({
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

  it.each<[title: string, body: unknown, expected: Partial<TokenResponse>]>([
    ['token_type in lower case', { ...good, token_type: 'bearer' }, { accessToken: 'AT' }],
    ['token_type in upper case', { ...good, token_type: 'BEARER' }, { accessToken: 'AT' }],
    ['expires_in as a numeric string', { ...good, expires_in: '28800' }, { expiresInSeconds: 28_800 }],
    ['expires_in of ten years', { ...good, expires_in: 315_360_000 }, { expiresInSeconds: 315_360_000 }],
    ['expires_in with a fraction, cut', { ...good, expires_in: 3599.5 }, { expiresInSeconds: 3599 }],
    ['expires_in as a string with a fraction', { ...good, expires_in: ' 3599.5 ' }, { expiresInSeconds: 3599 }],
    ['no token_type', { access_token: 'AT' }, { accessToken: 'AT' }],
    ['token_type null', { ...good, token_type: null }, { accessToken: 'AT' }],
    ['an empty token_type', { ...good, token_type: '' }, { accessToken: 'AT' }],
    ['token_type "Bearer "', { ...good, token_type: 'Bearer ' }, { accessToken: 'AT' }],
    ['no expires_in: the documented life', withoutExpiry, { expiresInSeconds: 7200 }],
    ['expires_in null: the documented life', { ...good, expires_in: null }, { expiresInSeconds: 7200 }],
    ['no refresh_token: keep the old one', withoutRefreshToken, { refreshToken: undefined }],
    ['an empty refresh_token: keep the old one', { ...good, refresh_token: '' }, { refreshToken: undefined }],
    ['refresh_token null: keep the old one', { ...good, refresh_token: null }, { refreshToken: undefined }],
    ['every visible character in a token', { ...good, access_token: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~' }, {}],
    ['a long token', { ...good, access_token: 'x'.repeat(8000) }, { accessToken: 'x'.repeat(8000) }],
    ['no scope: the provider did not say', good, { grantedScopes: undefined }],
    ['an empty scope: none told', { ...good, scope: '' }, { grantedScopes: [] }],
    ['scope null: none told', { ...good, scope: null }, { grantedScopes: [] }],
    ['scope of another kind: unknown', { ...good, scope: 7 }, { grantedScopes: null }],
    ['scope with what PostgreSQL cannot store: unknown', { ...good, scope: 'a\0b' }, { grantedScopes: null }],
    ['scope with half a character: unknown', { ...good, scope: 'a \ud800' }, { grantedScopes: null }],
    ['a list of scopes', { ...good, scope: ['a', 'b'] }, { grantedScopes: ['a', 'b'] }],
    ['a list that holds more than scopes: unknown', { ...good, scope: ['a', 'b c'] }, { grantedScopes: null }],
    ['an empty list of scopes: unknown', { ...good, scope: [] }, { grantedScopes: null }],
    ['a numeric account id', { ...good, user_id: 123_456 }, { providerUserId: '123456' }],
    [
      'an account id beyond 2^53, with every digit',
      `{"access_token":"AT","token_type":"bearer","user_id":12345678901234567890}`,
      { providerUserId: '12345678901234567890' },
    ],
    ['an account id with an exponent: left out', `{"access_token":"AT","user_id":1e19}`, { providerUserId: undefined }],
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

  it('does not take an inherited property for a field of the response', () => {
    Object.defineProperty(Object.prototype, 'user_id', { value: 'evil', configurable: true });
    try {
      expect(parse(good).providerUserId).toBeUndefined();
    } finally {
      Reflect.deleteProperty(Object.prototype, 'user_id');
    }
  });

  it('has no expiry when none is sent and none documented', () => {
    const undocumented = { ...exampleOAuth2, accessTokenLifetimeSeconds: undefined };
    expect(parseTokenResponse(response(withoutExpiry), undocumented, requestedAt).expiresInSeconds).toBeUndefined();
  });

  it.each(['a b c', 'a,b,c', 'a, b, c', ' a  b\tc\n', 'a b,c'])('splits the scopes %j at each provider', (scope) => {
    for (const scopeSeparator of [' ', ','] as const) {
      expect(parse({ ...good, scope }, { scopeSeparator }).grantedScopes).toEqual(['a', 'b', 'c']);
    }
  });

  it.each(['callback', 'nowhere'] as const)('ignores the scope when scopes are read from: %s', (grantedScopesIn) => {
    expect(parse({ ...good, scope: 'a b' }, { grantedScopesIn }).grantedScopes).toBeUndefined();
  });

  it.each([
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/vnd.example.v1+json',
    ' application/json ',
    'application/json, application/json',
    'application/json-seq',
    'text/plain; charset=utf-8',
    'text/html',
    'text/json',
    'text/javascript',
    'application/x-www-form-urlencoded',
    'nonsense',
    '',
    undefined,
  ])('takes content type %j', (contentType) => {
    expect(parseTokenResponse(response(good, contentType), definition, requestedAt).accessToken).toBe('AT');
  });

  it.each([
    ['a form', 'access_token=AT&token_type=bearer&expires_in=3600&refresh_token=RT&scope=a+b'],
    ['a form with a line end', 'access_token=AT&expires_in=3600&refresh_token=RT&scope=a%20b&\r\n'],
    [
      'JSON behind a notice',
      `\nNotice: Undefined index in /x.php on line 3\n${JSON.stringify({ ...good, scope: 'a b' })}`,
    ],
    [
      'JSON behind a notice in HTML',
      `<br />\n<b>Notice</b>: {x} in <b>/x.php</b> on line <b>3</b><br />${JSON.stringify({ ...good, scope: 'a b' })}`,
    ],
    [
      'JSON behind a byte order mark',
      new TextDecoder().decode(Buffer.from(`\ufeff${JSON.stringify({ ...good, scope: 'a b' })}`)),
    ],
  ])('takes %s, under any content type', (_, text) => {
    for (const contentType of ['text/html', 'application/json', undefined]) {
      expect({ ...parseTokenResponse(response(text, contentType), definition, requestedAt) }).toMatchObject({
        accessToken: 'AT',
        refreshToken: 'RT',
        expiresInSeconds: 3600,
        grantedScopes: ['a', 'b'],
      });
    }
  });

  it.each<[title: string, body: object, remarks: Remark[]]>([
    ['nothing', { ...good, scope: 'a', user_id: '7' }, []],
    ['a missing token_type', { ...good, token_type: ' ' }, ['no-token-type']],
    ['an unreadable expires_in', { ...good, expires_in: 'soon' }, ['lifetime-unreadable']],
    ['an unreadable scope', { ...good, scope: {} }, ['scopes-unreadable']],
    ['an unreadable account id', { ...good, user_id: { id: 1 } }, ['account-unreadable']],
  ])('remarks on %s', (_, body, expected) => {
    const remarks: Remark[] = [];
    parseTokenResponse(response(body), definition, requestedAt, (remark) => remarks.push(remark));
    expect(remarks).toEqual(expected);
  });

  it.each([
    0,
    -1,
    Infinity,
    315_360_001,
    1_772_366_400_000,
    'soon',
    '',
    '-1',
    '0x10',
    '1e3',
    '9'.repeat(13),
    true,
    [3600],
    {},
  ])('takes expires_in %j for not told', (expires_in) => {
    const text = `{"access_token":"AT","expires_in":${expires_in === Infinity ? '1e309' : JSON.stringify(expires_in)}}`;
    const undocumented = { ...definition, accessTokenLifetimeSeconds: undefined };
    expect(parseTokenResponse(response(text), undocumented, requestedAt).expiresInSeconds).toBeUndefined();
    expect(parseTokenResponse(response(text), definition, requestedAt).expiresInSeconds).toBe(7200);
  });

  it('redacts itself in text', () => {
    const tokenResponse = parse({ ...good, access_token: 'canary' });
    expect(`${inspect(tokenResponse)} ${JSON.stringify(tokenResponse)}`).not.toContain('canary');
  });
});

describe('token responses that are refused (TE-04)', () => {
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
    ['token_type mac', { ...good, access_token: canary, token_type: 'mac' }, 'token_type'],
    ['token_type "BearerToken"', { ...good, token_type: 'BearerToken' }, 'token_type'],
    ['token_type in a list', { ...good, token_type: ['bearer'] }, 'token_type'],
    ['a numeric refresh_token', { ...good, refresh_token: 7 }, 'refresh_token'],
    ['refresh_token false', { ...good, refresh_token: false }, 'refresh_token'],
    ['a line break in refresh_token', { ...good, refresh_token: `${canary}\n` }, 'refresh_token'],
    ['the tokens inside __proto__', '{"__proto__":{"access_token":"AT","token_type":"bearer"}}', 'access_token'],
    ['the tokens inside another object', { body: good }, 'access_token'],
  ])('names the field for %s', (_, body, field) => {
    const error = thrownBy(() => parse(body));
    expect(error).toMatchObject({
      code: 'TOKEN_RESPONSE_INVALID',
      message: `The token response of Example has no valid "${field}".`,
    });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(canary);
  });

  it.each([
    ['a sound one', canary, canary],
    ['an empty one', '', undefined],
    ['one that is none', 1, undefined],
  ])('hands on %s as the refresh token, and shows it to nobody', (_title, refresh_token, expected) => {
    const error = thrownBy(() => parse({ ...good, refresh_token, token_type: 'mac' })) as InvalidTokenResponseError;
    expect(error.refreshToken).toBe(expected);
    expect(error.isInDoubt).toBe(expected === undefined);
    expect(`${inspect(error, { showHidden: true })} ${JSON.stringify(error)}`).not.toContain(canary);
  });

  it('makes the refresh token of a response that is refused known to the log, which then hides it (LOG-01)', () => {
    const word = 'ordinaryword';
    expect(knownSecrets.hide(`sent ${word} again`)).toBe(`sent ${word} again`);
    thrownBy(() => parse({ ...good, refresh_token: word, token_type: 'mac' }));
    expect(knownSecrets.hide(`sent ${word} again`)).toBe('sent [secret] again');
  });

  it.each([
    ['an HTML page', `<html>${canary}</html>`],
    ['nothing', ''],
    ['a blank', ' \n'],
    ['a cut-off object', `{"access_token":"${canary}`],
    ['a cut-off object that ends in a sound one', `{"a":1,\n"tokens":\n{"access_token":"${canary}"}`],
    ['an object with text behind', `{"access_token":"${canary}"}<!-- 3 ms -->`],
    ['two objects', `{"a":1}\n{"access_token":"${canary}"}`],
    ['JSON behind text on its line', `OK {"access_token":"${canary}"}`],
    ['null', 'null'],
    ['a list', `[{"access_token":"${canary}","token_type":"bearer"}]`],
    ['a string', `"${canary}"`],
    ['a number', '42'],
    ['a form without a token', `token=${canary}&token_type=bearer`],
    ['a form with a field twice', `access_token=${canary}&access_token=x`],
    ['a call of a function', `callback({"access_token":"${canary}"});`],
  ])('cannot say whether anything was done when the body is %s', (_, text) => {
    for (const contentType of ['application/json', 'text/html', undefined]) {
      const error = thrownBy(() => parseTokenResponse(response(text, contentType), definition, requestedAt));
      expect(error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'unknown' });
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(canary);
    }
  });

  it('reads a body of many line ends in time that grows with it', () => {
    const text = `${'\n \t'.repeat(300_000)}<html>`;
    expect(() => parseTokenResponse(response(text), definition, requestedAt)).toThrow('cannot be read');
  });
});
