import { describe, expect, it } from '@jest/globals';
import { UnsecuredJWT } from 'jose';
import { Clock } from '../../clock/clock.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { readProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import { checkSameUser } from '../../provider-kit/responses/same-user.js';
import { createPlainProvider } from '../../provider-kit/testing/plain-provider.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import { TokenResponse } from '../../provider-kit/token-response.js';
import { huaweiHealthKitSandbox } from './huawei-health-kit.sandbox.js';
import { huaweiHealthKitDefinition } from './huawei-health-kit.definition.js';

describeProviderContract(huaweiHealthKitDefinition);

describe('Huawei Health Kit', () => {
  describe('with the plain callback', () => {
    const plain = { ...huaweiHealthKitSandbox, callback: 'redirect', codeParameter: 'code' } as const;
    describeProviderContract({ ...huaweiHealthKitDefinition, sandbox: plain });
  });

  /** The query of the authorisation request. */
  async function authorizeParameters(scopes: readonly string[]): Promise<URLSearchParams> {
    const settings = readProviderSettings(huaweiHealthKitDefinition, {
      HUAWEI_HEALTH_KIT_CLIENT_ID: 'id',
      HUAWEI_HEALTH_KIT_CLIENT_SECRET: 'secret',
    });
    const client = new OAuth2Client(new ProviderHttpClient(), new Clock());
    const provider = createPlainProvider(huaweiHealthKitDefinition, settings, client);
    const handshake = { state: 'a-state', redirectUri: settings.redirectUri, scopes };
    return new URL((await provider.begin(handshake)).authorizeUrl).searchParams;
  }

  it('sends a PKCE challenge, which the provider takes though it does not insist', async () => {
    const parameters = await authorizeParameters(huaweiHealthKitDefinition.defaultScopes);
    expect(parameters.get('code_challenge')).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(parameters.get('code_challenge_method')).toBe('S256');
  });

  it('asks for openid first', async () => {
    const scope = (await authorizeParameters(huaweiHealthKitDefinition.defaultScopes)).get('scope');
    expect(scope).toMatch(/^openid https:/);
  });

  describe('knows a user by openid', () => {
    const settings = readProviderSettings(huaweiHealthKitDefinition, {
      HUAWEI_HEALTH_KIT_CLIENT_ID: 'id',
      HUAWEI_HEALTH_KIT_CLIENT_SECRET: 'not-a-real-secret',
    });
    const idToken = (claims: object): string =>
      new UnsecuredJWT({ iss: 'https://accounts.huawei.com', aud: 'id', ...claims }).encode();
    const refreshed = (claims: object, providerUserId: string): TokenResponse => {
      const tokenResponse = new TokenResponse({
        accessToken: 'not-a-real-at',
        idToken: idToken(claims),
        requestedAt: new Date(0),
      });
      return checkSameUser({ definition: huaweiHealthKitDefinition, settings }, tokenResponse, { providerUserId });
    };

    it('and learns it at a refresh of a connection that was known by sub (AR-18)', () => {
      expect(refreshed({ openid: 'open-1', sub: 'union-1' }, 'union-1')).toMatchObject({
        providerUserId: 'open-1',
        formerUserId: 'union-1',
      });
      expect(refreshed({ openid: 'open-1', sub: 'union-1' }, 'open-1').providerUserId).toBeUndefined();
    });

    it('and refuses a refresh that is about another user (AR-18)', () => {
      for (const known of ['union-1', 'open-1']) {
        expect(() => refreshed({ openid: 'open-2', sub: 'union-2' }, known)).toThrow(
          expect.objectContaining({ code: 'TOKEN_RESPONSE_INVALID' }),
        );
      }
    });
  });

  it('ends a grant with the token alone, and sends no client secret along', () => {
    expect(huaweiHealthKitDefinition.revocation).toMatchObject({ proof: 'token' });
  });
});

describe('error codes of Huawei', () => {
  const readCode = (body: unknown): string | undefined => huaweiHealthKitDefinition.parseErrorCode?.(body);

  it.each([
    { error: 1203, sub_error: 11_205, error_description: 'not-a-real-token' },
    { error: 1203, sub_error: 31_204 },
    { error: '1203', sub_error: '11205' },
  ])('takes %j for a dead refresh token', (body) => {
    expect(readCode(body)).toBe('invalid_grant');
  });

  it.each([
    { error: 1101, sub_error: 12_304, error_description: 'invalid client_secret' },
    { error: '1101', sub_error: '12304' },
  ])('takes %j for a wrong client secret (TE-14)', (body) => {
    expect(readCode(body)).toBe('invalid_client');
  });

  it.each([{ error: 1203 }, { error: 1203, sub_error: 11_204 }, { error: 1101, sub_error: 11_205 }, { error: '1101' }])(
    'treats %j as an outage, because nothing says that the grant is dead',
    (body) => {
      expect(readCode(body)).toBe('server_error');
    },
  );

  it.each([undefined, null, 'text', [], {}, { error: 'invalid_client' }, { sub_error: 11_205 }, { error: {} }])(
    'finds no code in %j',
    (body) => {
      expect(readCode(body)).toBeUndefined();
    },
  );
});
