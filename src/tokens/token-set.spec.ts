import { describe, expect, it } from '@jest/globals';
import type { OAuth2Definition } from '../provider-kit/definition/provider-definition.js';
import { exampleOAuth2 } from '../provider-kit/testing/example-definition.js';
import { TokenResponse } from '../provider-kit/token-response.js';
import { parseTokenResponse } from '../provider-kit/responses/parse-token-response.js';
import { parseTokenSet, toTokenSet, type TokenSet } from './token-set.js';

const linkedAt = new Date('2026-03-01T10:00:00.000Z');
const refreshedAt = new Date('2026-03-01T11:00:00.000Z');

const previous: TokenSet = {
  accessToken: 'at-1',
  tokenSecret: undefined,
  refreshToken: 'rt-1',
  expiresAt: new Date('2026-03-01T11:00:00.000Z'),
  refreshExpiresAt: new Date('2026-06-01T10:00:00.000Z'),
  grantedScopes: ['sleep', 'heartrate'],
  providerUserId: '4711',
  obtainedAt: linkedAt,
};

/** Builds the set that follows from a token response, read as the kit does. */
function afterResponse(fields: object, before = previous): TokenSet {
  return toTokenSet(readResponse(fields), before);
}

function readResponse(fields: object): TokenResponse {
  const definition: OAuth2Definition = {
    ...exampleOAuth2,
    grantedScopesIn: 'token-response',
    accessTokenLifetimeSeconds: undefined,
    refreshExpiresInField: 'refresh_token_expires_in',
    account: { from: 'token-response', field: 'user_id' },
  };
  const response = {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ access_token: 'at-2', token_type: 'bearer', ...fields }),
  };
  return parseTokenResponse(response, definition, refreshedAt);
}

describe('toTokenSet', () => {
  it('keeps everything that a first grant brings', () => {
    const response = new TokenResponse({
      accessToken: 'at-1',
      refreshToken: 'rt-1',
      expiresInSeconds: 3_600,
      refreshExpiresInSeconds: 7_776_000,
      grantedScopes: ['sleep'],
      providerUserId: '4711',
      requestedAt: linkedAt,
    });
    expect(toTokenSet(response)).toEqual({
      accessToken: 'at-1',
      tokenSecret: undefined,
      refreshToken: 'rt-1',
      expiresAt: new Date('2026-03-01T10:59:59.000Z'),
      refreshExpiresAt: new Date('2026-05-30T09:59:59.000Z'),
      grantedScopes: ['sleep'],
      providerUserId: '4711',
      obtainedAt: linkedAt,
    });
  });

  it('keeps the secret of an OAuth 1.0a token, which has neither expiry nor refresh token', () => {
    const response = new TokenResponse({ accessToken: 'token', tokenSecret: 'secret', requestedAt: linkedAt });
    const tokens = toTokenSet(response);
    expect(tokens).toMatchObject({ accessToken: 'token', tokenSecret: 'secret' });
    expect([tokens.expiresAt, tokens.refreshToken, tokens.refreshExpiresAt]).toEqual([undefined, undefined, undefined]);
  });

  it('ends the life of both tokens a second before it seems to end from the instant before the request left (R-12)', () => {
    const tokens = afterResponse({ expires_in: 60, refresh_token: 'rt-2', refresh_token_expires_in: 120 });
    expect(tokens.expiresAt).toEqual(new Date('2026-03-01T11:00:59.000Z'));
    expect(tokens.refreshExpiresAt).toEqual(new Date('2026-03-01T11:01:59.000Z'));
    expect(tokens.obtainedAt).toEqual(refreshedAt);
  });

  it('does not carry the old expiry over to a token that came without one', () => {
    expect(afterResponse({ refresh_token: 'rt-2' }).expiresAt).toBeUndefined();
  });

  it.each([
    ['no', {}],
    ['an empty', { refresh_token: '' }],
    ['a null', { refresh_token: null }],
  ])('keeps the old refresh token and its expiry when the response has %s refresh token (R-16, TE-04)', (_, fields) => {
    expect(afterResponse(fields)).toMatchObject({
      accessToken: 'at-2',
      refreshToken: 'rt-1',
      refreshExpiresAt: previous.refreshExpiresAt,
    });
  });

  it('prefers a new expiry of the old refresh token', () => {
    const tokens = afterResponse({ refresh_token_expires_in: 120 });
    expect(tokens).toMatchObject({ refreshToken: 'rt-1', refreshExpiresAt: new Date('2026-03-01T11:01:59.000Z') });
  });

  it('replaces the refresh token by a new one and forgets the expiry of the old', () => {
    const tokens = afterResponse({ refresh_token: 'rt-2' });
    expect(tokens.refreshToken).toBe('rt-2');
    expect(tokens.refreshExpiresAt).toBeUndefined();
  });

  it('keeps scopes and account when the response does not say, and takes them when it does', () => {
    expect(afterResponse({})).toMatchObject({ grantedScopes: ['sleep', 'heartrate'], providerUserId: '4711' });
    expect(afterResponse({ scope: 'sleep', user_id: '4712' })).toMatchObject({
      grantedScopes: ['sleep'],
      providerUserId: '4712',
    });
  });

  it.each(['', ' ', ',', null])('keeps the known scopes when a refresh has %j for them (TE-04)', (scope) => {
    const tokens = afterResponse({ scope });
    expect(tokens).toMatchObject({ grantedScopes: ['sleep', 'heartrate'], scopesUnknown: undefined });
  });

  it.each(['', ' ', null, [], 7])('makes the scopes unknown when a link has %j for them (TE-04)', (scope) => {
    expect(toTokenSet(readResponse({ scope }))).toMatchObject({ grantedScopes: undefined, scopesUnknown: true });
  });

  it('treats unreadable scopes as unknown, until readable ones come (TE-04)', () => {
    const unknown = afterResponse({ scope: 7 });
    expect(unknown).toMatchObject({ grantedScopes: undefined, scopesUnknown: true });
    expect(parseTokenSet(JSON.parse(JSON.stringify(unknown)))).toMatchObject({ scopesUnknown: true });
    for (const fields of [{}, { scope: '' }]) {
      expect(afterResponse(fields, unknown)).toMatchObject({ grantedScopes: undefined, scopesUnknown: true });
    }
    expect(afterResponse({ scope: 'sleep' }, unknown)).toMatchObject({
      grantedScopes: ['sleep'],
      scopesUnknown: undefined,
    });
  });
});

describe('parseTokenSet', () => {
  it('reads stored JSON back, with instants as dates', () => {
    expect(parseTokenSet(JSON.parse(JSON.stringify(previous)))).toEqual(previous);
    const oauth1 = toTokenSet(new TokenResponse({ accessToken: 'token', tokenSecret: 's', requestedAt: linkedAt }));
    expect(parseTokenSet(JSON.parse(JSON.stringify(oauth1)))).toEqual({
      accessToken: 'token',
      tokenSecret: 's',
      obtainedAt: linkedAt,
    });
  });

  it.each([
    ['nothing', undefined],
    ['a text', 'at-1'],
    ['an object without an access token', { obtainedAt: linkedAt.toISOString() }],
    ['an access token that is no text', { accessToken: 1, obtainedAt: linkedAt.toISOString() }],
    ['an expiry that is no date', { accessToken: 'at-1', expiresAt: 'soon', obtainedAt: linkedAt.toISOString() }],
    ['no instant of issue', { accessToken: 'at-1' }],
  ])('refuses %s as unreadable', (_, opened) => {
    expect(() => parseTokenSet(opened)).toThrow(expect.objectContaining({ code: 'TOKEN_UNREADABLE' }));
  });

  it('does not quote the refused value (LOG-01)', () => {
    const canary = 'canary-4d1f';
    let refusal: unknown;
    try {
      parseTokenSet({ accessToken: [canary], refreshToken: canary });
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({ code: 'TOKEN_UNREADABLE' });
    expect(JSON.stringify(refusal, Object.getOwnPropertyNames(refusal as Error))).not.toContain(canary);
  });
});
