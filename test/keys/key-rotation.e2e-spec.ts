import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { register } from 'prom-client';
import { KeyAdministration } from '../../src/vault/key-administration.js';
import { KeyRing } from '../../src/vault/key-ring.js';
import { KeyStore } from '../../src/vault/key-store.js';
import { maxOperations, operationsToWarnAt } from '../../src/vault/key-usage.js';
import { Reencryption } from '../../src/vault/reencryption.js';
import { VaultService } from '../../src/vault/vault.service.js';
import { startLink } from '../support/linking.js';
import { checkout, startProcess } from '../support/service-process.js';
import { ago, changeRows, rowsOf } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { linkMany, useSweepers } from '../support/sweeps.js';
import { neverReloaded, oftenReloaded, rotate } from '../support/key-rotation.js';

const { start, startBeside, close } = useSweepers();

const tokenPath = (userId: string): string => `/v1/users/${userId}/connections/whoop/token`;
const quiet = (): void => undefined;

describe('a new key', () => {
  it('is not promoted while a live replica lacks it, and is once the replica has it (CR-07)', async () => {
    const first = await start({ environment: oftenReloaded });
    const lagging = await startBeside(first, { environment: neverReloaded });
    const administration = first.app.get(KeyAdministration);
    const kid = await administration.add('connections.sealed');

    const store = first.app.get(KeyStore);
    await until('the first one has it', async () => (await store.findReplicasLacking(kid)).length === 1);
    await expect(administration.promote(kid, 0, false)).rejects.toThrow(/1 live replicas have not loaded/);
    expect(first.app.get(KeyRing).getActive('connections.sealed').kid).not.toBe(kid);

    await close(lagging);
    await startBeside(first, { environment: neverReloaded });
    await administration.promote(kid, 30_000, false);
    expect(first.app.get(KeyRing).getActive('connections.sealed').kid).toBe(kid);
    await expect(administration.promote(kid, 0, false)).rejects.toThrow(/is active\. Only a pending/);
  });

  it('fails no read and no write of two replicas under load, one of them lagging (CR-07)', async () => {
    const first = await start({ environment: oftenReloaded });
    const lagging = await startBeside(first, { environment: neverReloaded });
    await linkMany(first, 4);
    const statuses: number[] = [];
    let stop = false;
    const load = [first, lagging].flatMap((replica) =>
      [0, 1, 2, 3].map(async (index) => {
        for (let round = 0; !stop && round < 10_000; round += 1) {
          const refresh = round % 5 === 0 && replica === first;
          const path = `/v1/users/user-${index}/connections/whoop/`;
          const call = refresh ? replica.api.post(`${path}refresh`) : replica.api.get(`${path}token`);
          statuses.push((await call).status);
        }
      }),
    );
    for (let round = 0; round < 3; round += 1) {
      await rotate(first, 'connections.sealed');
      await first.app.get(Reencryption).run('connections.sealed', 1_000, quiet);
    }
    stop = true;
    await Promise.all(load);

    expect(statuses.length).toBeGreaterThan(20);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
  });

  it('cannot be opened by a replica that never reads the keys again (CR-07)', async () => {
    const first = await start({ environment: oftenReloaded });
    const lagging = await startBeside(first, { environment: neverReloaded });
    await linkMany(first, 1);
    lagging.app.get(KeyRing).reload = () => Promise.resolve();
    await rotate(first, 'connections.sealed');
    await first.app.get(Reencryption).run('connections.sealed', 1_000, quiet);
    await lagging.api.get(tokenPath('user-0')).expect(500);
  });

  it('cannot be had for digests, whose values have to stay findable', async () => {
    const administration = (await start()).app.get(KeyAdministration);
    await expect(administration.add('audit.user')).rejects.toThrow(/must always give the same digest/);
  });
});

describe('the use of a key', () => {
  it('is counted over all replicas and shown in the metrics (CR-04)', async () => {
    const first = await start({ environment: oftenReloaded });
    const second = await startBeside(first, { environment: oftenReloaded });
    const kid = first.app.get(KeyRing).getActive('links.sealed').kid;
    await startLink(first, 'user-1', 'whoop');
    await startLink(second, 'user-2', 'whoop');
    await startLink(second, 'user-3', 'whoop');
    await Promise.all([first, second].map(({ app }) => app.get(KeyRing).reloadNow()));
    await first.app.get(KeyRing).reloadNow();

    const [row] = await queryDatabase<{ operations: string }>(
      first.databaseUrl,
      'SELECT operations FROM vault_keys WHERE kid = $1',
      [kid],
    );
    expect(row).toEqual({ operations: '3' });
    expect(await register.metrics()).toContain('cufflink_key_operations{purpose="links.sealed"}');
  });

  it('ends at the limit: nothing is sealed under it, no refresh token is spent, and another key takes over (CR-04, CR-14)', async () => {
    const application = await start({ environment: oftenReloaded });
    const { app, api, databaseUrl } = application;
    await linkMany(application, 1);
    await app.get(KeyRing).reloadNow();
    await setOperations(databaseUrl, maxOperations - 1);
    await app.get(KeyRing).reloadNow();
    const vault = app.get(VaultService);
    vault.ensureCanSeal('connections.sealed');
    await api.post('/v1/users/user-0/connections/whoop/refresh').expect(200);

    expect(() => vault.ensureCanSeal('connections.sealed')).toThrow(
      expect.objectContaining({ code: 'KEY_UNAVAILABLE' }),
    );
    expect(() =>
      vault.seal({}, { purpose: 'connections.sealed', rowId: '', userId: '', registrationId: '', generation: 1 }),
    ).toThrow(expect.objectContaining({ code: 'KEY_UNAVAILABLE' }));
    await api.get(tokenPath('user-0')).expect(200);
    const refused = await api.post('/v1/users/user-0/connections/whoop/refresh').expect(503);
    expect(refused.body).toMatchObject({ code: 'KEY_UNAVAILABLE' });
    const { history } = application.sandbox.provider('whoop');
    expect(history.filter(({ kind }) => kind === 'refresh')).toHaveLength(1);

    await rotate(application, 'connections.sealed');
    await api.post('/v1/users/user-0/connections/whoop/refresh').expect(200);
  });

  it('shows in the list from 90 % of the limit on (CR-04)', async () => {
    const { app, databaseUrl } = await start();
    await setOperations(databaseUrl, operationsToWarnAt);
    const keys = await app.get(KeyAdministration).list();
    expect(keys.find(({ purpose }) => purpose === 'connections.sealed')).toMatchObject({
      operations: operationsToWarnAt,
      rows: 0,
      state: 'active',
    });
  });
});

async function setOperations(databaseUrl: string, operations: number): Promise<void> {
  const text = `UPDATE vault_keys SET operations = $1 WHERE purpose = 'connections.sealed' AND state = 'active'`;
  await queryDatabase(databaseUrl, text, [operations]);
}

describe('the end of a key', () => {
  it('is refused to a key with which the past is checked (CR-09)', async () => {
    const application = await start();
    const administration = application.app.get(KeyAdministration);
    const [chain] = (await administration.list()).filter(({ purpose }) => purpose === 'audit.chain');
    await expect(administration.retire(chain?.kid ?? '', 0)).rejects.toThrow('Keys of audit.chain cannot be destroyed');
  });

  it('is refused while one value is left, or too early, and makes its values unreadable (CR-09)', async () => {
    const application = await start({ environment: oftenReloaded });
    const { app, api, databaseUrl } = application;
    await linkMany(application, 2);
    const administration = app.get(KeyAdministration);
    const { kid } = app.get(KeyRing).getActive('connections.sealed');
    const [backup] = await queryDatabase<{ sealed: Buffer }>(databaseUrl, 'SELECT sealed FROM connections LIMIT 1');
    await expect(administration.retire(kid, 0)).rejects.toThrow(/is active/);
    await rotate(application, 'connections.sealed');
    await expect(administration.retire(kid, 0)).rejects.toThrow(/2 values of connections.sealed/);
    await app.get(Reencryption).run('connections.sealed', 1_000, quiet);
    await expect(administration.retire(kid, 0)).rejects.toThrow(/for 10 minutes/);
    await changeRows(databaseUrl, 'vault_keys', { retired_at: ago(2 * 86_400) }, { kid });
    await expect(administration.retire(kid, 3 * 86_400)).rejects.toThrow(/for 3 days/);
    await administration.retire(kid, 86_400);

    await api.get(tokenPath('user-0')).expect(200);
    const [row] = await queryDatabase<object>(
      databaseUrl,
      'SELECT state, wrapped_key, destroyed_at IS NOT NULL AS dated FROM vault_keys WHERE kid = $1',
      [kid],
    );
    expect(row).toEqual({ state: 'destroyed', wrapped_key: null, dated: true });

    await app.get(KeyRing).reloadNow();
    await changeRows(databaseUrl, 'connections', { sealed: backup?.sealed ?? null });
    const response = await api.get(tokenPath('user-0')).expect(500);
    expect(response.body).toMatchObject({ code: 'TOKEN_UNREADABLE' });
  });
});

describe('another root key', () => {
  it('takes over all keys while the service runs, and is enough afterwards (CR-07)', async () => {
    const first = await start();
    await linkMany(first, 1);
    const { databaseUrl, sandbox, clock, rootKey } = first;
    const environment = { ENCRYPTION_ROOT_KEY_PREVIOUS: rootKey };
    const newRootKey = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
    const shared = { databaseUrl, sandbox, clock, rootKey: newRootKey };
    await expect(start(shared)).rejects.toThrow(/ENCRYPTION_ROOT_KEY/);

    const moving = await start({ ...shared, environment });
    const kids = await moving.app.get(KeyAdministration).rewrap();
    expect(kids.length).toBeGreaterThanOrEqual(5);
    await expect(moving.app.get(KeyAdministration).rewrap()).resolves.toEqual([]);
    const after = await start(shared);
    await after.api.get(tokenPath('user-0')).expect(200);
    await first.api.get(tokenPath('user-0')).expect(200);
    await expect(start({ databaseUrl, sandbox, clock, rootKey })).rejects.toThrow(/ENCRYPTION_ROOT_KEY/);
  });
});

describe('npm run cli -- keys', () => {
  it('leads a key through its life and leaves an audit entry for each step (LOG-05, CR-16)', async () => {
    const application = await start({ environment: oftenReloaded });
    await linkMany(application, 1);
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-keys-'));
    const { databaseUrl, rootKey } = application;
    const environment = { NODE_ENV: 'test', DATABASE_URL: databaseUrl, ENCRYPTION_ROOT_KEY: rootKey };
    const keys = async (...args: string[]): Promise<string> => {
      const run = startProcess([join(checkout, 'dist/cli/main.js'), 'keys', ...args], directory, environment);
      const { status } = await run.ended();
      expect({ status, output: run.output() }).toMatchObject({ status: 0 });
      return run.stdout().trim();
    };
    try {
      const former = application.app.get(KeyRing).getActive('connections.sealed').kid;
      const kid = await keys('add', '--purpose', 'connections.sealed');
      await keys('promote', kid);
      expect(await keys('reencrypt', '--purpose', 'connections.sealed')).toContain('1 re-encrypted');
      const longAgo = `UPDATE vault_keys SET retired_at = now() - interval '90 days' WHERE kid = $1`;
      await queryDatabase(databaseUrl, longAgo, [former]);
      await keys('retire', former);
      const list = await keys('inventory');
      expect(list).toMatch(new RegExp(`${kid} +connections.sealed +active`));
      expect(list).toMatch(new RegExp(`${former} +connections.sealed +destroyed`));
      expect(list).toContain('aes-256-gcm');
      const entries = await queryDatabase<{ action: string; subject: string }>(
        databaseUrl,
        `SELECT action, subject FROM audit_entries WHERE actor = 'cli' ORDER BY recorded_at`,
      );
      expect(entries.filter(({ action }) => action.startsWith('key.'))).toEqual([
        { action: 'key.added', subject: `key:${kid}` },
        { action: 'key.promoted', subject: `key:${kid}` },
        { action: 'key.reencrypted', subject: `key:${kid}` },
        { action: 'key.retired', subject: `key:${former}` },
      ]);
      await application.api.get(tokenPath('user-0')).expect(200);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('a replica', () => {
  it('is no longer waited for once it has ended', async () => {
    const first = await start();
    const second = await startBeside(first);
    expect(await replicas(first.databaseUrl)).toBe(2);
    await close(second);
    expect(await replicas(first.databaseUrl)).toBe(1);
  });
});

async function replicas(databaseUrl: string): Promise<number> {
  return (await rowsOf(databaseUrl, 'vault_replicas')).length;
}
