import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { createApiKey, formatApiKey } from '../../src/access/api-key.js';
import { AddressLimit } from '../../src/access/address-limit.hook.js';
import { Database } from '../../src/database/database.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { CompanyLogin } from '../support/company-login.js';

const perMinute = 20;
const guesses = 10 * perMinute;
const path = '/v1/users/user-1/connections';

let application: TestApplication;

afterEach(() => application.close());

async function start(defended: boolean, environment: Readonly<Record<string, string>> = {}): Promise<void> {
  application = await startApplication({
    environment: { RATE_LIMIT_ADDRESS_PER_MINUTE: String(perMinute), ...environment },
    ...(defended
      ? {}
      : { override: (builder) => builder.overrideProvider(AddressLimit).useValue({ install: () => undefined }) }),
  });
}

const asKey = (key: string) => application.browser.get(path).set('authorization', `Bearer ${key}`);

/** Tries well-formed keys that nobody made. Returns the statements that this led to, by name. */
async function guess(): Promise<Map<string, number>> {
  const query = jest.spyOn(application.app.get(Database), 'query');
  for (let call = 0; call < guesses; call += 1) {
    expect([401, 429]).toContain((await asKey(formatApiKey(createApiKey()))).status);
  }
  const names = query.mock.calls.map(([{ name }]) => name);
  query.mockRestore();
  return new Map([...Map.groupBy(names, (name) => name)].map(([name, calls]) => [name, calls.length]));
}

describe('made-up API keys of one address', () => {
  it('are looked up until the limit is reached, and cost the database next to nothing then (AR-25)', async () => {
    await start(true);
    const statements = await guess();

    expect(statements.get('api-keys-find')).toBe(perMinute);
    // At most one in five seconds.
    expect(statements.get('api-keys-existing-ids')).toBeLessThan(perMinute);
  });

  it('are all looked up where they are counted only afterwards (AR-25)', async () => {
    await start(false);

    expect((await guess()).get('api-keys-find')).toBe(guesses);
  });

  it('are not counted in the database beyond the limit (AR-25)', async () => {
    await start(true, { RATE_LIMIT_STORAGE: 'postgres' });

    expect((await guess()).get('rate-limits-count')).toBe(perMinute + 1);
  });

  it('keep no valid key and no user at the same address out, not even at their first call (AR-25)', async () => {
    const login = await CompanyLogin.start();
    try {
      await start(true, { ...login.environment, RATE_LIMIT_ADDRESS_PER_MINUTE: '3' });
      const key = await application.createKey('connections:read');
      await guess();

      await asKey(key).expect(200);
      await asKey(await login.tokenFor('user-1')).expect(200);
      await asKey(await login.tokenFor('user-1', -60)).expect(429);
      await asKey(`${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`).expect(429);
      await asKey(`${formatApiKey(createApiKey())}`).expect(429);
    } finally {
      await login.stop();
    }
  });
});

describe('a callback without its body', () => {
  const head = (size: number) =>
    `POST /v1/oauth/whoop/callback HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\n` +
    `content-length: ${size}\r\n\r\n`;

  async function useUpTheLimit(): Promise<void> {
    for (let call = 0; call < perMinute; call += 1) {
      await application.browser.get('/v1/oauth/whoop/callback?state=made-up').expect(403);
    }
  }

  it('is refused at once from an address that is over its limit (AR-25)', async () => {
    await start(true);
    await useUpTheLimit();
    const socket = connect(Number(new URL(await application.app.getUrl()).port), '127.0.0.1');
    socket.write(head(60_000));

    const [response] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();

    expect(response.toString()).toMatch(/^HTTP\/1\.1 429 [\s\S]*"code":"RATE_LIMITED"/);
  });

  it('is waited for and read where only the guards of routes count (AR-25)', async () => {
    await start(false);
    await useUpTheLimit();
    const socket = connect(Number(new URL(await application.app.getUrl()).port), '127.0.0.1');
    let text = '';
    socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
    socket.write(head(3));
    await application.browser.get('/health/live').expect(200);
    expect(text).toBe('');

    socket.write('a=1');
    await once(socket, 'data');
    socket.destroy();

    expect(text).toMatch(/^HTTP\/1\.1 403 /);
  });
});
