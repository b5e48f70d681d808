import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWK } from 'jose';
import { consent } from '../../sandbox/testing/consent.js';
import { Clock } from '../../clock/clock.js';
import type { HandshakeSecrets } from '../../provider-kit/handshake.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { readProviderSettings, type OAuth2Settings } from '../../provider-kit/definition/provider-settings.js';
import { createPlainProvider } from '../../provider-kit/testing/plain-provider.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { startRecordingServer, type RecordingServer } from '../../provider-kit/testing/recording-server.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import { VendorSandbox } from '../../sandbox/vendor-sandbox.js';
import { appleHealthDefinition } from './apple-health.definition.js';

const http = new ProviderHttpClient();
afterAll(() => http.onApplicationShutdown());

function createProvider(settings: OAuth2Settings, client = new OAuth2Client(http, new Clock())): HealthProvider {
  return createPlainProvider(appleHealthDefinition, settings, client);
}

const handshake = {
  state: 'state-of-this-link',
  redirectUri: 'http://localhost:3000/callback',
  scopes: appleHealthDefinition.defaultScopes,
};

describeProviderContract(appleHealthDefinition, createProvider);

describe('Sign in with Apple', () => {
  let sandbox: VendorSandbox;

  beforeAll(async () => {
    sandbox = await VendorSandbox.start({ providers: new Map([['apple-health', appleHealthDefinition.sandbox]]) });
  });
  afterAll(() => sandbox.stop());

  const provider = (): HealthProvider =>
    createProvider(readProviderSettings(appleHealthDefinition, { SANDBOX_URL: sandbox.url }));

  it('links although the callback brings a field of its own beside the code', async () => {
    const { authorizeUrl, secrets } = await provider().begin(handshake);
    const posted = Object.fromEntries((await consent(authorizeUrl, { account: '4711' })).searchParams);
    const user = JSON.stringify({ name: { firstName: 'A', lastName: 'B' }, email: 'relay@privaterelay.example' });
    const tokenResponse = await provider().complete({ ...posted, user }, handshake, secrets);
    expect(await provider().verify(tokenResponse, secrets)).toMatchObject({
      providerUserId: '4711',
      grantedScopes: undefined,
    });
  });

  it('refuses an ID token that was made for another link (AR-18)', async () => {
    const first = await provider().begin(handshake);
    const second = await provider().begin(handshake);
    const posted = Object.fromEntries((await consent(first.authorizeUrl)).searchParams);
    const tokenResponse = await provider().complete(posted, handshake, first.secrets);
    await expect(provider().verify(tokenResponse, second.secrets)).rejects.toMatchObject({
      code: 'TOKEN_RESPONSE_INVALID',
    });
  });

  it('does not count a link while the signing keys cannot be read', async () => {
    const { authorizeUrl, secrets } = await provider().begin(handshake);
    const posted = Object.fromEntries((await consent(authorizeUrl)).searchParams);
    sandbox.provider('apple-health').misbehave({ endpoint: 'jwks', type: 'status', code: 503 });
    const tokenResponse = await provider().complete(posted, handshake, secrets);
    await expect(provider().verify(tokenResponse, secrets)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
    });
  });

  it('assumes the strictest where Apple documents nothing', () => {
    expect(appleHealthDefinition.refresh).toMatchObject({ rotates: 'never', oldAccessTokenDiesOnRefresh: true });
  });

  it('may be requested a refresh once a day only', () => {
    expect(appleHealthDefinition.minRefreshIntervalSeconds).toBe(24 * 60 * 60);
  });
});

describe('the ID token of Sign in with Apple', () => {
  let server: RecordingServer;
  let applesKey: CryptoKey;
  let strangersKey: CryptoKey;
  let publicKey: JWK;
  let idToken: string | undefined;
  let settings: OAuth2Settings;
  let secrets: HandshakeSecrets;

  beforeAll(async () => {
    const pair = await generateKeyPair('RS256');
    applesKey = pair.privateKey;
    publicKey = { ...(await exportJWK(pair.publicKey)), kid: 'key-1', alg: 'RS256', use: 'sig' };
    strangersKey = (await generateKeyPair('RS256')).privateKey;
  });

  beforeEach(async () => {
    server = await startRecordingServer(({ target }) => {
      const tokens = {
        access_token: 'at-1',
        token_type: 'Bearer',
        expires_in: 3600,
        refresh_token: 'rt-1',
        id_token: idToken,
      };
      const body = JSON.stringify(target.endsWith('/auth/keys') ? { keys: [publicKey] } : tokens);
      return { headers: { 'content-type': 'application/json' }, body };
    });
    settings = readProviderSettings(appleHealthDefinition, { SANDBOX_URL: server.url });
    ({ secrets } = await createProvider(settings).begin(handshake));
  });
  afterEach(() => server.close());

  const claims = (): Record<string, unknown> => {
    const nowSeconds = Math.floor(Date.now() / 1000);
    return {
      iss: 'https://appleid.apple.com',
      aud: settings.clientId,
      sub: '001234.apple-user',
      nonce: secrets.nonce,
      iat: nowSeconds,
      exp: nowSeconds + 600,
    };
  };
  const sign = (change: object, key = applesKey): Promise<string> =>
    new SignJWT({ ...claims(), ...change }).setProtectedHeader({ alg: 'RS256', kid: 'key-1' }).sign(key);
  const complete = async (): Promise<unknown> => {
    const provider = createProvider(settings);
    const tokenResponse = await provider.complete({ code: 'code-1', state: handshake.state }, handshake, secrets);
    return provider.verify(tokenResponse, secrets);
  };

  it("returns the user's id (AR-18)", async () => {
    idToken = await sign({});
    expect(await complete()).toMatchObject({ providerUserId: '001234.apple-user' });
  });

  it.each<readonly [string, () => string | undefined | Promise<string>]>([
    ['is missing', () => undefined],
    ['has another nonce', () => sign({ nonce: 'nonce-of-another-link' })],
    ['has no nonce', () => sign({ nonce: undefined })],
    ['is signed by a stranger', () => sign({}, strangersKey)],
    ['is not signed', () => new UnsecuredJWT(claims()).encode()],
    ['is for another app', () => sign({ aud: 'another-client' })],
    ['is from somebody else', () => sign({ iss: 'https://appleid.apple.example' })],
    ['has expired', () => sign({ exp: Math.floor(Date.now() / 1000) - 61 })],
  ])('is refused when it %s (AR-18)', async (_name, make) => {
    idToken = await make();
    await expect(complete()).rejects.toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
  });
});
