import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ApiKeyListing } from '../../src/access/api-key-store.js';
import { ApiKeysService } from '../../src/access/api-keys.service.js';
import { accessScopes } from '../../src/access/scopes.js';
import { Database } from '../../src/database/database.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { checkout, startProcess } from '../support/service-process.js';
import { stopClock } from '../support/stopped-clock.js';
import { changeRows } from '../support/rows.js';
import { until } from '../support/until.js';

const connections = '/v1/users/user-1/connections';

describe('API keys', () => {
  let application: TestApplication;
  let apiKeys: ApiKeysService;

  beforeAll(async () => {
    application = await startApplication();
    apiKeys = application.app.get(ApiKeysService);
    await linkAccount(application, 'user-1', 'whoop');
    await linkAccount(application, 'user-1', 'oura');
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(() => application.close());

  const get = (key: string, path: string) => application.browser.get(path).set('authorization', `Bearer ${key}`);
  const idOf = (key: string): string => key.slice(5, 23);

  async function listing(key: string): Promise<ApiKeyListing | undefined> {
    return (await apiKeys.list()).find(({ id }) => id === idOf(key));
  }

  describe('limited to providers', () => {
    let limited: string;
    beforeAll(async () => {
      limited = await apiKeys.create('limited', accessScopes, { providers: ['whoop'] });
    });

    it('reach those, and every one without the limit (TE-08)', async () => {
      const unlimited = await apiKeys.create('unlimited', accessScopes);
      await get(limited, `${connections}/whoop/token`).expect(200);
      await get(unlimited, `${connections}/whoop/token`).expect(200);
      await get(unlimited, `${connections}/oura/token`).expect(200);
    });

    it('are refused for any other user with the same text, whether a connection, a provider or a user exists or not (TE-08)', async () => {
      const responses = await Promise.all(
        [
          `${connections}/oura/token`,
          `${connections}/oura`,
          `${connections}/fitbit/token`,
          `${connections}/nothing/token`,
          '/v1/users/nobody/connections/oura/token',
        ].map((path) => get(limited, path)),
      );
      const bodies = responses.map(({ body, status }) => ({ ...(body as object), status, request_id: '' }));
      expect(bodies[0]).toMatchObject({ status: 403, code: 'ACCESS_DENIED', act: 'caller' });
      expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
    });

    it('start no link to, refresh and end no connection with any other (TE-08)', async () => {
      const authorization = `Bearer ${limited}`;
      const calls = [
        application.browser.post(`${connections}/oura/link`).send({}),
        application.browser.post(`${connections}/oura/refresh`),
        application.browser.delete(`${connections}/oura`),
      ];
      for (const call of calls) {
        await call.set('authorization', authorization).expect(403);
      }
      await application.api.get(`${connections}/oura`).expect(200);
    });

    it('see only the connections with those in a list (TE-08)', async () => {
      const response = await get(limited, connections).expect(200);
      const { connections: listed } = response.body as { connections: { provider: string }[] };
      expect(listed.map(({ provider }) => provider)).toEqual(['whoop']);
    });

    it('do nothing that concerns every provider (TE-08)', async () => {
      await get(limited, '/metrics').expect(403);
      await application.browser.delete('/v1/users/user-1').set('authorization', `Bearer ${limited}`).expect(403);
      await application.api.get(`${connections}/oura`).expect(200);
    });
  });

  describe('with an end', () => {
    it('are refused from then on like keys that never were', async () => {
      const key = await apiKeys.create('ended', accessScopes, { lifetimeMs: 0 });
      const unknown = await get(`cuff_${'0'.repeat(18)}_${'a'.repeat(43)}`, connections).expect(401);
      const ended = await get(key, connections).expect(401);
      expect({ ...(ended.body as object), request_id: '' }).toEqual({ ...(unknown.body as object), request_id: '' });
    });

    it('are refused then although they were used a moment before', async () => {
      const clock = stopClock();
      const lifetimeMs = 4_000;
      const key = await apiKeys.create('ending', accessScopes, { lifetimeMs });
      await get(key, connections).expect(200);
      // Before the 5 seconds are over for which a key that was read is trusted.
      clock.advance(lifetimeMs);
      await changeRows(application.databaseUrl, 'api_keys', { expires_at: 'now' }, { id: idOf(key) });
      await get(key, connections).expect(401);
    });
  });

  describe('that are rotated', () => {
    it('have a successor that may do the same, and work on for the overlap', async () => {
      const lifetimeMs = 90 * 86_400_000;
      const old = await apiKeys.create('billing', ['tokens:read'], { providers: ['whoop'], lifetimeMs });
      const successor = (await apiKeys.rotate(idOf(old), 60_000)) ?? '';
      for (const key of [old, successor]) {
        await get(key, `${connections}/whoop/token`).expect(200);
        await get(key, connections).expect(403);
      }
      const [ending, living] = [await listing(old), await listing(successor)];
      expect(living).toMatchObject({ name: 'billing', scopes: ['tokens:read'], providers: ['whoop'] });
      expect((living?.expiresAt?.getTime() ?? 0) - (living?.createdAt.getTime() ?? 0)).toBe(lifetimeMs);
      expect((ending?.expiresAt?.getTime() ?? 0) - (living?.createdAt.getTime() ?? 0)).toBe(60_000);
    });

    it('never gain time by it', async () => {
      const old = await apiKeys.create('short', accessScopes, { lifetimeMs: 60_000 });
      const before = await listing(old);
      await apiKeys.rotate(idOf(old), 86_400_000);
      expect((await listing(old))?.expiresAt).toEqual(before?.expiresAt);
    });

    it('end at once without an overlap', async () => {
      const old = await apiKeys.create('leaked', accessScopes);
      await get(old, connections).expect(200);
      const successor = (await apiKeys.rotate(idOf(old), 0)) ?? '';
      await get(old, connections).expect(401);
      await get(successor, connections).expect(200);
    });

    it('cannot be rotated when they have ended', async () => {
      const revoked = await apiKeys.create('revoked', accessScopes);
      await apiKeys.revoke(idOf(revoked));
      const expired = await apiKeys.create('expired', accessScopes, { lifetimeMs: 0 });
      expect(await apiKeys.rotate(idOf(revoked), 0)).toBeUndefined();
      expect(await apiKeys.rotate(idOf(expired), 0)).toBeUndefined();
      expect(await apiKeys.rotate('0'.repeat(18), 0)).toBeUndefined();
    });
  });

  it('are made, rotated and listed on the command line with their limits', async () => {
    const cli = async (...args: string[]): Promise<string> => {
      const environment = {
        NODE_ENV: 'production',
        ENVIRONMENT_NAME: 'test',
        DATABASE_URL: application.databaseUrl,
        ENCRYPTION_ROOT_KEY: application.rootKey,
      };
      const program = startProcess([join(checkout, 'dist/cli/main.js'), 'api-keys', ...args], tmpdir(), environment);
      expect(await program.ended()).toMatchObject({ status: 0 });
      return program.stdout().trim();
    };
    const limits = ['--providers', 'whoop,oura', '--expires', '90d'];
    const old = await cli('create', '--name', 'by-hand', '--scopes', 'tokens:read', ...limits);
    const successor = await cli('rotate', idOf(old), '--overlap', '2h');
    await get(old, `${connections}/whoop/token`).expect(200);
    await get(successor, `${connections}/oura/token`).expect(200);
    const [head, ...listed] = (await cli('list')).split('\n');
    expect(head).toMatch(/^ID +NAME +SCOPES +PROVIDERS +CREATED +LAST USED +EXPIRES +REVOKED +BOUND$/);
    const lines = listed.filter((line) => line.includes('by-hand'));
    expect(lines).toHaveLength(2);
    for (const [index, key] of [old, successor].entries()) {
      expect(lines[index]).toMatch(
        new RegExp(`^${idOf(key)}  by-hand +tokens:read +whoop,oura +2\\S+Z +\\S+ +2\\S+Z +-`),
      );
      expect(lines[index]).not.toContain(key.slice(24));
    }
  });

  it('are bound on the command line by name or all at once, and shown with their rights (AR-27)', async () => {
    const run = async (...args: readonly string[]) => {
      const program = startProcess([join(checkout, 'dist/cli/main.js'), 'api-keys', ...args], tmpdir(), {
        NODE_ENV: 'production',
        ENVIRONMENT_NAME: 'test',
        DATABASE_URL: application.databaseUrl,
        ENCRYPTION_ROOT_KEY: application.rootKey,
      });
      const { status } = await program.ended();
      return { status, output: program.output() };
    };
    const key = await apiKeys.create('of-earlier', ['tokens:read'], { providers: ['whoop'] });
    await changeRows(application.databaseUrl, 'api_keys', { mac: null }, { id: idOf(key) });

    expect(await run('bind')).toMatchObject({ status: 2, output: expect.stringContaining('use --all') });
    expect(await run('bind', '0'.repeat(18))).toMatchObject({
      status: 2,
      output: expect.stringContaining('Not bound'),
    });
    await get(key, connections).expect(401);
    expect(await run('bind', '--all')).toMatchObject({
      status: 0,
      output: expect.stringMatching(new RegExp(`${idOf(key)} +of-earlier +tokens:read +whoop +-`)),
    });
    await until('the key is read again', async () => (await get(key, `${connections}/whoop/token`)).status === 200);
    expect(await run('bind', '--all')).toEqual({ status: 0, output: 'Every active key is already bound.\n' });
  });

  it('are not made for a provider that does not exist', async () => {
    const args = ['api-keys', 'create', '--name', 'typo', '--scopes', 'tokens:read', '--providers', 'whoop,uora'];
    const program = startProcess([join(checkout, 'dist/cli/main.js'), ...args], tmpdir(), {
      NODE_ENV: 'production',
      DATABASE_URL: application.databaseUrl,
      ENCRYPTION_ROOT_KEY: application.rootKey,
    });

    expect(await program.ended()).toMatchObject({ status: 2 });
    expect(program.stderr()).toBe('Unknown provider: uora. `npm run cli -- providers` lists all providers.\n');
    expect((await apiKeys.list()).map(({ name }) => name)).not.toContain('typo');
  });

  it('are read once and their use is written once, however many calls they make', async () => {
    const key = await apiKeys.create('busy', accessScopes);
    expect(await listing(key)).toMatchObject({ lastUsedAt: null });
    const query = jest.spyOn(application.app.get(Database, { strict: false }), 'query');
    const countOf = (name: string): number => query.mock.calls.filter(([statement]) => statement.name === name).length;
    stopClock();
    for (let call = 0; call < 100; call += 1) {
      await get(key, '/v1/providers').expect(200);
    }
    expect(countOf('api-keys-find')).toBe(1);
    await until('the use is noted', async () => {
      await get(key, '/v1/providers').expect(200);
      return (await listing(key))?.lastUsedAt instanceof Date;
    });
    expect(countOf('api-keys-note-use')).toBe(1);
  });
});
