import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { OAuth2ProviderModule } from '../../src/provider-kit/provider-module.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { newUser, pathOf, startLink } from '../support/linking.js';
import { definePeer } from '../support/peer-provider.js';
import { StrictAuthorizationServer } from '../support/strict-authorization-server.js';
import { resetCircuitBreakers, passTimeAtCircuitBreakers, type Row } from '../support/subject.js';
import { changeRows, passTimeInRows, rowsOf } from '../support/rows.js';
import { responseCases, type ResponseCase } from '../support/token-responses.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import { TokenVault } from '../../src/tokens/store/token-vault.js';

const slug = 'peer-strict';
const server = new StrictAuthorizationServer();
let application: TestApplication;

const module = OAuth2ProviderModule(
  definePeer(slug, 'body', {
    pkce: 'unsupported',
    defaultScopes: ['activity', 'sleep'],
    account: { from: 'token-response', field: 'user_id' },
    revocation: undefined,
  }),
);

beforeAll(async () => {
  await server.start();
  application = await startApplication({
    modules: [module],
    environment: {
      PEER_STRICT_CLIENT_ID: 'not-a-real-client',
      PEER_STRICT_CLIENT_SECRET: 'not-a-real-secret',
      PEER_STRICT_TOKEN_URL: `${server.url}/token`,
      ACCOUNT_SHARING: 'allow',
    },
  });
});
afterEach(() => {
  server.behave();
  server.reuses = 0;
  return resetCircuitBreakers(application);
});
afterAll(async () => {
  await application.close();
  await server.stop();
});

/** Sends the callback of a link, with any outcome. */
async function sendCallback(user: string, code: string): Promise<{ status: number; body: unknown }> {
  const { linkWebUrl, state } = await startLink(application, user, slug);
  const callback = new URL(new URL(linkWebUrl).searchParams.get('redirect_uri') ?? '');
  callback.search = new URLSearchParams({ code, state }).toString();
  const response = await application.browser.get(pathOf(callback));
  return { status: response.status, body: response.body as unknown };
}

async function linked(): Promise<string> {
  const user = newUser();
  expect(await sendCallback(user, server.issueCode())).toMatchObject({ status: 200 });
  return user;
}

const pathOfConnection = (user: string): string => `/v1/users/${user}/connections/${slug}`;

async function refresh(user: string): Promise<{ status: number; body: object }> {
  const response = await application.api.post(`${pathOfConnection(user)}/refresh`);
  return { status: response.status, body: response.body as object };
}

async function token(user: string): Promise<string> {
  const response = await application.api.get(`${pathOfConnection(user)}/token`).expect(200);
  return (response.body as { access_token: string }).access_token;
}

async function rowOf(user: string): Promise<Row> {
  const [row] = await rowsOf<Row>(application.databaseUrl, 'connections', { user_id: user });
  return row as Row;
}

async function storedRefreshToken(user: string): Promise<string> {
  const connection = await application.app.get(ConnectionStore).find(user, slug);
  const tokens = connection && (await application.app.get(TokenVault).open(connection));
  return tokens?.refreshToken ?? '';
}

/** Lets an hour pass for the pauses after failures, and for the provider as a whole. */
async function passAnHour(user: string): Promise<void> {
  const columns = ['retry_at', 'suspect_since', 'attempt_started_at'];
  await passTimeInRows(application.databaseUrl, 'connections', columns, 3_600, { user_id: user });
  await passTimeAtCircuitBreakers(application, 3_600);
}

/** The connection is as it should be: what is stored is what the server takes, now and once more. */
async function expectHealthy(user: string): Promise<void> {
  server.behave();
  await resetCircuitBreakers(application);
  expect(await refresh(user)).toMatchObject({ status: 200, body: { status: 'active', last_error: null } });
  expect(server.isLiveAccessToken(await token(user))).toBe(true);
  expect(await refresh(user)).toMatchObject({ status: 200 });
  expect(server.reuses).toBe(0);
}

async function expectScopes(user: string, { scopes }: ResponseCase): Promise<void> {
  const response = await application.api.get(pathOfConnection(user)).expect(200);
  if (scopes !== undefined) {
    expect(response.body).toMatchObject({
      scopes_granted: scopes,
      ...(scopes === null ? { scopes_missing: null } : {}),
    });
  }
}

describe('a refresh at a server that ends all tokens when a spent one comes back', () => {
  /**
   * Checks after the staged response. They end with a connection that works, if the server still has its grant.
   */
  const outcomes: Readonly<Record<ResponseCase['expected'], (user: string, each: ResponseCase) => Promise<void>>> = {
    async read(user, each) {
      expect(await refresh(user)).toMatchObject({ status: 200, body: { status: 'active', last_error: null } });
      expect(server.isLiveAccessToken(await token(user))).toBe(true);
      await expectScopes(user, each);
      await expectHealthy(user);
    },
    async rotated(user) {
      expect(await refresh(user)).toMatchObject({ status: 502, body: { code: 'TOKEN_RESPONSE_INVALID' } });
      await passAnHour(user);
      await expectHealthy(user);
    },
    async 'in-doubt'(user, { isDone }) {
      const sent = await storedRefreshToken(user);
      expect((await refresh(user)).status).toBeGreaterThanOrEqual(500);
      server.behave();
      // The pause after a failure is over; what is in doubt rests all the same.
      await changeRows(application.databaseUrl, 'connections', { retry_at: 'now' }, { user_id: user });
      await resetCircuitBreakers(application);
      for (let call = 0; call < 3; call += 1) {
        expect(await refresh(user)).toMatchObject({ status: 503, body: { code: 'TOKEN_REFRESH_PENDING' } });
      }
      expect(server.timesSent(sent)).toBe(1);
      expect(await rowOf(user)).toMatchObject({ status: 'active', suspect_since: null });
      if (!isDone) {
        await passAnHour(user);
        await expectHealthy(user);
      }
    },
    async 'no-evidence'(user) {
      for (let round = 0; round < 3; round += 1) {
        expect(await refresh(user)).toMatchObject({ status: 503, body: { code: 'PROVIDER_UNAVAILABLE' } });
        await passAnHour(user);
      }
      expect(await rowOf(user)).toMatchObject({ status: 'active', suspect_since: null, attempt_started_at: null });
      await expectHealthy(user);
    },
    async refused(user) {
      expect(await refresh(user)).toMatchObject({ status: 503, body: { code: 'TOKEN_REFRESH_PENDING' } });
      expect(await rowOf(user)).toMatchObject({ status: 'active', last_error_code: 'TOKEN_REVOKED' });
      expect((await rowOf(user)).suspect_since).not.toBeNull();
      await passAnHour(user);
      await expectHealthy(user);
    },
  };

  it.each(responseCases)('$expected: $title (TE-04, R-13)', async (each) => {
    const user = await linked();
    server.stage(each);
    await outcomes[each.expected](user, each);
    expect(server.reuses).toBe(0);
  });
});

describe('an exchange at a server that ends all tokens when a spent code comes back', () => {
  it.each(responseCases)('$expected: $title (TE-04)', async (each) => {
    const [user, code] = [newUser(), server.issueCode()];
    server.stage(each);
    const { status } = await sendCallback(user, code);
    if (each.expected === 'read') {
      expect(status).toBe(200);
      expect(server.isLiveAccessToken(await token(user))).toBe(true);
      await expectScopes(user, each.keepsScopes === true ? { ...each, scopes: null } : each);
      await expectHealthy(user);
    } else {
      expect(status).toBeGreaterThanOrEqual(400);
      await application.api.get(pathOfConnection(user)).expect(404);
    }
    expect(server.timesSent(code)).toBe(1);
    expect(server.reuses).toBe(0);
  });
});

it('has enough cases', () => {
  expect(responseCases.length).toBeGreaterThanOrEqual(80);
});
