import { describe, expect, it } from '@jest/globals';
import { UnsecuredJWT } from 'jose';
import { checkSameUser } from './same-user.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import { exampleOAuth2, exampleSettings } from '../testing/example-definition.js';
import { TokenResponse, type TokenResponseFields } from '../token-response.js';

const issuer = 'https://issuer.example';
const settings = { ...exampleSettings('http://127.0.0.1'), issuers: [issuer] };
const definition: OAuth2Definition = { ...exampleOAuth2, account: { from: 'id-token' } };
const claims = { iss: issuer, aud: settings.clientId, sub: 'user-1' };

function check(
  fields: Partial<TokenResponseFields>,
  tokens: { providerUserId?: string; mustNameUser?: boolean } = { providerUserId: 'user-1' },
): () => void {
  const tokenResponse = new TokenResponse({ accessToken: 'at-of-same-user', requestedAt: new Date(0), ...fields });
  return () => checkSameUser({ definition, settings }, tokenResponse, tokens);
}

function idToken(change: object): string {
  return new UnsecuredJWT({ ...claims, ...change }).encode();
}

describe('checkSameUser', () => {
  it.each([
    ['has no ID token, and names no user', {}],
    ['has an ID token of the user', { idToken: idToken({}) }],
    ['has one without a nonce and with the authorised party', { idToken: idToken({ azp: claims.aud }) }],
    ['names the user', { providerUserId: 'user-1' }],
  ])('takes a response that %s (AR-18)', (_what, fields) => {
    expect(check(fields)).not.toThrow();
  });

  it('takes any user where the user of the connection is not known (AR-18)', () => {
    expect(check({ idToken: idToken({ sub: 'user-2' }) }, {})).not.toThrow();
  });

  it('refuses a response that names nobody, where the one before named another user (AR-18)', () => {
    const tokens = { providerUserId: 'user-1', mustNameUser: true };
    expect(check({}, tokens)).toThrow(expect.objectContaining({ code: 'TOKEN_RESPONSE_INVALID' }));
    expect(check({ providerUserId: 'user-1' }, tokens)).not.toThrow();
  });

  it.each([
    ["has another user's ID token", { idToken: idToken({ sub: 'user-2' }) }],
    ['has an ID token without a user', { idToken: idToken({ sub: undefined }) }],
    ['has an ID token of another issuer', { idToken: idToken({ iss: 'https://other.example' }) }],
    ['has an ID token for another client', { idToken: idToken({ aud: 'another-client' }) }],
    ['has an ID token for several clients', { idToken: idToken({ aud: [claims.aud, 'another-client'] }) }],
    ['has an ID token that is none', { idToken: 'not-a-jwt' }],
    ['names another user', { providerUserId: 'user-2' }],
  ])('refuses a response that %s (AR-18)', (_what, fields) => {
    expect(check(fields)).toThrow(expect.objectContaining({ code: 'TOKEN_RESPONSE_INVALID' }));
  });
});

describe('checkSameUser where the account has another id than before', () => {
  const renamed: OAuth2Definition = {
    ...exampleOAuth2,
    account: { from: 'id-token', claim: 'openid', formerClaim: 'sub' },
  };

  function checked(change: object, providerUserId?: string, mustNameUser = false): TokenResponse {
    const fields = { accessToken: 'at-of-same-user', requestedAt: new Date(0), idToken: idToken(change) };
    return checkSameUser({ definition: renamed, settings }, new TokenResponse(fields), {
      mustNameUser,
      ...(providerUserId === undefined ? {} : { providerUserId }),
    });
  }

  it('accepts the former id as the same user, and learns the new one (AR-18)', () => {
    for (const mustNameUser of [false, true]) {
      expect(checked({ openid: 'open-1' }, 'user-1', mustNameUser)).toMatchObject({
        providerUserId: 'open-1',
        formerUserId: 'user-1',
      });
    }
  });

  it('learns nothing where the new id is known, no id is known, or the response has the former id only (AR-18)', () => {
    for (const tokenResponse of [
      checked({ openid: 'open-1' }, 'open-1'),
      checked({ openid: 'open-1' }),
      checked({}, 'user-1'),
    ]) {
      expect(tokenResponse).toMatchObject({ providerUserId: undefined, formerUserId: undefined });
    }
  });

  it.each([
    ['another user by both ids', { openid: 'open-2', sub: 'user-2' }, 'user-1'],
    ['another user by the new id', { openid: 'open-2', sub: 'user-2' }, 'open-1'],
    ['the former id of a user who is known by the new one', {}, 'open-1'],
    ['nobody', { sub: undefined }, 'user-1'],
  ])('refuses a response that names %s (AR-18)', (_what, change, known) => {
    expect(() => checked(change, known)).toThrow(expect.objectContaining({ code: 'TOKEN_RESPONSE_INVALID' }));
  });
});
