import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { linkAccount, pathOf, startLink } from '../support/linking.js';
import { held } from '../support/fake-providers.js';
import { expectProblem } from '../support/problems.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { createTestDatabase, queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

describe('a lost database', () => {
  let proxy: TcpProxy;
  let behind: TestApplication;
  let directUrl: string;
  beforeAll(async () => {
    directUrl = await createTestDatabase();
    proxy = await TcpProxy.start(directUrl);
    behind = await startApplication({ databaseUrl: proxy.through(directUrl) });
  });
  afterEach(() => proxy.mend());
  afterAll(async () => {
    await behind.close();
    await proxy.stop();
  });

  const rows = async () => ({
    connections: await queryDatabase(directUrl, 'SELECT to_jsonb(c) AS row FROM connections c ORDER BY id'),
    links: await queryDatabase(directUrl, 'SELECT to_jsonb(l) AS row FROM links l ORDER BY id'),
  });

  it('gets 503 on every call, changes nothing, asks no provider, and is over when it is back', async () => {
    await linkAccount(behind, 'anna', 'whoop');
    const { linkWebUrl } = await startLink(behind, 'ben', 'whoop');
    const callback = await consent(linkWebUrl);
    const before = await rows();
    const calls = behind.sandbox.provider('whoop').history.length;
    proxy.cut();

    const anna = '/v1/users/anna/connections';
    const readiness = await behind.browser.get('/health/ready');
    expectProblem(readiness, 503, 'DATABASE_UNAVAILABLE', {
      checks: expect.objectContaining({
        database: expect.objectContaining({ status: 'failed' }) as unknown,
      }) as unknown,
      version: expect.any(String) as unknown,
    });
    for (const call of [
      behind.api.post(`${anna}/whoop/link`).send({}),
      behind.api.get(anna),
      behind.api.get(`${anna}/whoop`),
      behind.api.get(`${anna}/whoop/token`),
      behind.api.post(`${anna}/whoop/refresh`),
      behind.api.delete(`${anna}/whoop`),
      behind.browser.get(pathOf(callback)),
      behind.browser.get('/v1/providers').set('authorization', `Bearer cuff_0123456789abcdef01_${'A'.repeat(43)}`),
    ]) {
      const response = await call;
      expectProblem(response, 503, 'DATABASE_UNAVAILABLE');
      expect(response.headers['retry-after']).toBe('5');
      expect(response.text).not.toMatch(/postgres|ECONN|127\.0\.0\.1/i);
    }
    expect(readiness.headers['retry-after']).toBe('5');
    expect(readiness.text).not.toMatch(/postgres|ECONN|127\.0\.0\.1/i);
    await behind.browser.get('/health/live').expect(200);
    expect(behind.sandbox.provider('whoop').history).toHaveLength(calls);
    expect(await rows()).toEqual(before);

    proxy.mend();
    await until('the service is ready', async () => (await behind.browser.get('/health/ready')).status === 200);
    await behind.api.get(`${anna}/whoop/token`).expect(200);
    await behind.browser.get(pathOf(callback)).expect(200);
    await behind.api.get('/v1/users/ben/connections/whoop').expect(200);
  });

  it('between the provider and the row gets 503; the link has ended, and a new one works', async () => {
    const { linkWebUrl } = await startLink(behind, 'cleo', 'whoop');
    const callback = await consent(linkWebUrl);
    const fake = behind.sandbox.provider('whoop');
    const { connections: before } = await rows();
    const seen = fake.history.length;
    fake.misbehave({ endpoint: 'token', ...held });

    const answered = behind.browser.get(pathOf(callback)).then((response) => response);
    await until('the provider is asked', () => fake.history.length > seen);
    proxy.cut();
    fake.behave();
    expectProblem(await answered, 503, 'DATABASE_UNAVAILABLE');
    proxy.mend();

    expect((await rows()).connections).toEqual(before);
    expectProblem(await behind.browser.get(pathOf(callback)), 403, 'AUTHORIZATION_STATE_INVALID');
    await linkAccount(behind, 'cleo', 'whoop');
  });
});

describe('a lost database that calls are counted in', () => {
  it.each([
    // A call that could not be counted was not.
    ['postgres', 503, 'DATABASE_UNAVAILABLE', 401],
    // A refusal that needs no database comes as ever.
    ['memory', 401, 'API_KEY_INVALID', 429],
  ] as const)(
    'refuses a call without a key, counted in %s, with HTTP %d (AR-25)',
    async (storage, status, code, afterwards) => {
      const directUrl = await createTestDatabase();
      const proxy = await TcpProxy.start(directUrl);
      const application = await startApplication({
        databaseUrl: proxy.through(directUrl),
        environment: { RATE_LIMIT_ADDRESS_PER_MINUTE: '2', RATE_LIMIT_STORAGE: storage },
      });
      try {
        const refused = () => application.browser.get('/v1/users/anna/connections/whoop/token');
        expectProblem(await refused(), 401, 'API_KEY_INVALID');
        proxy.cut();
        expectProblem(await refused(), status, code);
        proxy.mend();
        await application.browser.get('/health/ready').expect(200);
        expect((await refused()).status).toBe(afterwards);
      } finally {
        await application.close();
        await proxy.stop();
      }
    },
  );
});
