import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { OAuth2ProviderStrategy } from '../../provider-kit/strategies/oauth2-provider.strategy.js';
import { readProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { startRecordingServer, type RecordingServer } from '../../provider-kit/testing/recording-server.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import { withingsSignature } from './withings-signature.js';
import { withingsDefinition } from './withings.definition.js';
import { WithingsProvider } from './withings.provider.js';

/** Not the time of this machine. */
class FixedClock extends Clock {
  override now(): Date {
    return now;
  }
}

describeProviderContract(
  withingsDefinition,
  (settings, client) =>
    new WithingsProvider(
      withingsDefinition,
      settings,
      new OAuth2ProviderStrategy(withingsDefinition, settings, client),
      client,
    ),
);

const http = new ProviderHttpClient();
const now = new Date('2030-01-01T00:00:00Z');
const closing: (() => Promise<void>)[] = [];
const tokens = { accessToken: 'not-a-real-at', refreshToken: 'not-a-real-rt', providerUserId: '4711' };

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});
afterAll(() => http.onApplicationShutdown());

function providerAt(SANDBOX_URL: string): WithingsProvider {
  const settings = readProviderSettings(withingsDefinition, { SANDBOX_URL });
  const client = new OAuth2Client(http, new FixedClock());
  return new WithingsProvider(
    withingsDefinition,
    settings,
    new OAuth2ProviderStrategy(withingsDefinition, settings, client),
    client,
  );
}

/** A provider that responds to each call with the next of these, the last one again and again. */
async function respondingWith(...responses: readonly object[]): Promise<RecordingServer> {
  const rest = [...responses];
  const server = await startRecordingServer(() => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(rest.length > 1 ? rest.shift() : rest[0]),
  }));
  closing.push(server.close);
  return server;
}

it('has hosts of its own in the US medical cloud', () => {
  const environment = { WITHINGS_CLIENT_ID: 'id', WITHINGS_CLIENT_SECRET: 'not-a-real-secret', WITHINGS_SERVER: 'us' };
  expect(readProviderSettings(withingsDefinition, environment).endpoints).toMatchObject({
    authorizeUrl: 'https://account.us.withingsmed.com/oauth2_user/authorize2',
    tokenUrl: 'https://wbsapi.us.withingsmed.net/v2/oauth2',
    apiBaseUrl: 'https://wbsapi.us.withingsmed.net',
    revokeUrl: 'https://wbsapi.us.withingsmed.net/v2/oauth2',
  });
});

describe('link with Withings', () => {
  it('reads scopes and user out of the envelope', async () => {
    const handshake = { state: 'state', redirectUri: 'http://localhost/callback', scopes: ['user.info'] };
    const body = { userid: '4711', access_token: 'at', refresh_token: 'rt', scope: 'user.info,user.metrics' };
    const server = await respondingWith({ status: 0, body: { ...body, token_type: 'Bearer' } });
    const provider = providerAt(server.url);
    const { secrets } = await provider.begin(handshake);
    const tokenResponse = await provider.complete({ code: 'code', state: 'state' }, handshake, secrets);
    expect({ ...tokenResponse }).toMatchObject({
      grantedScopes: ['user.info', 'user.metrics'],
      expiresInSeconds: 10_800,
    });
    expect(await provider.findProviderUserId(tokenResponse)).toBe('4711');
  });
});

describe('revocation at Withings', () => {
  it('fetches a nonce and names the user, signed, with neither token nor secret', async () => {
    const server = await respondingWith({ status: 0, body: { nonce: 'nonce-1' } }, { status: 0, body: {} });
    const provider = providerAt(server.url);
    const { clientId, clientSecret } = provider.settings;
    await expect(provider.revoke(tokens)).resolves.toBe('revoked');
    const [first, second] = server.requests.map(({ method, target, headers, body }) => ({
      call: `${method} ${target}`,
      authorization: headers.authorization,
      form: Object.fromEntries(new URLSearchParams(body)),
    }));
    const timestamp = String(now.getTime() / 1_000);
    const sign = (parameters: Record<string, string>): string => withingsSignature(parameters, clientSecret.reveal());
    expect(first).toEqual({
      call: 'POST /withings/v2/signature',
      authorization: undefined,
      form: {
        action: 'getnonce',
        client_id: clientId,
        timestamp,
        signature: sign({ action: 'getnonce', client_id: clientId, timestamp }),
      },
    });
    expect(second).toEqual({
      call: 'POST /withings/v2/oauth2',
      authorization: undefined,
      form: {
        action: 'revoke',
        client_id: clientId,
        nonce: 'nonce-1',
        userid: '4711',
        signature: sign({ action: 'revoke', client_id: clientId, nonce: 'nonce-1' }),
      },
    });
  });

  it('is not attempted without the user id', async () => {
    const server = await respondingWith({ status: 0, body: { nonce: 'nonce-1' } });
    const revocation = providerAt(server.url).revoke({ accessToken: 'not-a-real-at' });
    await expect(revocation).rejects.toMatchObject({ code: 'AUTHORIZATION_FAILED' });
    expect(server.requests).toEqual([]);
  });

  it.each([
    { status: 0 },
    { status: 0, body: {} },
    { status: 0, body: { nonce: '' } },
    { status: 0, body: { nonce: 7 } },
  ])('goes no further with %j instead of a nonce', async (response) => {
    const server = await respondingWith(response);
    await expect(providerAt(server.url).revoke(tokens)).rejects.toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
    expect(server.requests).toHaveLength(1);
  });

  it('is not done when the status in the body says so', async () => {
    const server = await respondingWith({ status: 0, body: { nonce: 'nonce-1' } }, { status: 503, body: {} });
    await expect(providerAt(server.url).revoke(tokens)).rejects.toMatchObject({ code: 'AUTHORIZATION_FAILED' });
  });

  it('reports when the provider is down, at either call', async () => {
    for (const down of ['/withings/v2/signature', '/withings/v2/oauth2']) {
      const server = await startRecordingServer(({ target }) => ({
        status: target === down ? 503 : 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ status: 0, body: { nonce: 'nonce-1' } }),
      }));
      closing.push(server.close);
      await expect(providerAt(server.url).revoke(tokens)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    }
  });
});

describe('statuses of Withings', () => {
  it.each([100, 101, 102, 200, 214, 277, 2553])(
    'reads %i, which other code calls "authentication failed" or "unauthorised", as ours, with the code that holds up no other connection',
    async (status) => {
      const server = await respondingWith({ status, body: {}, error: 'free text' });
      await expect(providerAt(server.url).refresh(tokens)).rejects.toMatchObject({
        code: 'PROVIDER_MISCONFIGURED',
        refusesClient: false,
      });
    },
  );

  it.each(['Invalid Params: invalid refresh_token', 'Invalid Params: invalid refresh token'])(
    'reads 503 with "%s" as the end of the grant, although it comes with other mistakes too',
    async (error) => {
      const server = await respondingWith({ status: 503, body: {}, error });
      await expect(providerAt(server.url).refresh(tokens)).rejects.toMatchObject({ code: 'TOKEN_REVOKED' });
    },
  );

  it('reads 503 with "Invalid Params: invalid code" as a code that came too late', async () => {
    const server = await respondingWith({ status: 503, body: {}, error: 'Invalid Params: invalid code' });
    const handshake = { state: 'state', redirectUri: 'http://localhost/callback', scopes: ['user.info'] };
    const provider = providerAt(server.url);
    const { secrets } = await provider.begin(handshake);
    const redeemed = provider.complete({ code: 'code', state: 'state' }, handshake, secrets);
    await expect(redeemed).rejects.toMatchObject({ code: 'AUTHORIZATION_CODE_REFUSED' });
  });

  it.each([
    'Invalid Params: invalid client_id',
    'Invalid Params: invalid client_secret',
    'invalid refresh_token or client_secret',
    'Invalid Params: missing refresh_token',
    7,
  ])('never reads 503 with %j as the end of the grant (TE-14)', async (error) => {
    const server = await respondingWith({ status: 503, body: {}, error });
    await expect(providerAt(server.url).refresh(tokens)).rejects.toMatchObject({ code: 'PROVIDER_MISCONFIGURED' });
  });

  it.each([
    [401, 'TOKEN_REVOKED'],
    [503, 'PROVIDER_MISCONFIGURED'],
    [601, 'PROVIDER_RATE_LIMITED'],
    [2554, 'PROVIDER_MISCONFIGURED'],
    [2555, 'PROVIDER_MISCONFIGURED'],
    [522, 'PROVIDER_UNAVAILABLE'],
    [9999, 'PROVIDER_UNAVAILABLE'],
  ])('reads %i in an HTTP 200 response to a refresh as %s', async (status, code) => {
    const server = await respondingWith({ status, body: {}, error: 'free text' });
    await expect(providerAt(server.url).refresh(tokens)).rejects.toMatchObject({ code });
  });
});
