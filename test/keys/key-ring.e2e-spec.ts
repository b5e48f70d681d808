import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { DataSource } from 'typeorm';
import { Database, type Statement } from '../../src/database/database.js';
import { keyPurposes } from '../../src/vault/key-purposes.js';
import { KeyAdministration } from '../../src/vault/key-administration.js';
import { KeyRing } from '../../src/vault/key-ring.js';
import { KeyStore } from '../../src/vault/key-store.js';
import { KeySourceUnavailableError } from '../../src/vault/key-source.errors.js';
import { KeySource } from '../../src/vault/key-source.js';
import { vaultConfig, type VaultConfig } from '../../src/vault/vault.config.js';
import { VaultService } from '../../src/vault/vault.service.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { addReplica } from '../support/key-rotation.js';
import { changeRows, deleteRows, passTimeInRows, rowsOf } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const running: TestApplication[] = [];

/** Another instance of the same deployment, or the first one. */
async function start(first?: TestApplication): Promise<TestApplication> {
  const shared =
    first === undefined
      ? {}
      : { databaseUrl: first.databaseUrl, rootKey: first.rootKey, sandbox: first.sandbox, clock: first.clock };
  const application = await startApplication(shared);
  running.push(application);
  return application;
}

afterEach(async () => {
  jest.restoreAllMocks();
  for (const application of running.splice(0).reverse()) {
    await application.close();
  }
});

/** Holds a statement back until a second caller wants to run it too, so that both have read the same state before. */
class MeetingDatabase extends Database {
  private waiting: (() => void) | undefined;

  constructor(
    dataSource: DataSource,
    private readonly statementName: string,
  ) {
    super(dataSource);
  }

  override async query<Row extends object>(statement: Statement, values?: readonly unknown[]): Promise<Row[]> {
    if (statement.name === this.statementName) {
      const release = this.waiting;
      this.waiting = undefined;
      await (release === undefined ? new Promise<void>((resolve) => (this.waiting = resolve)) : release());
    }
    return super.query<Row>(statement, values);
  }
}

describe('the key ring', () => {
  it('gives the same digest for the same fields only, and another one for every purpose (CR-11)', async () => {
    const vault = (await start()).app.get(VaultService);
    const digests = [
      vault.digest('audit.user', ['user-1']),
      vault.digest('erasures.user', ['user-1']),
      vault.digest('audit.user', ['user-2']),
      vault.digest('audit.user', ['user', '-1']),
    ].map((digest) => digest.toString('hex'));
    expect(vault.digest('audit.user', ['user-1']).toString('hex')).toBe(digests[0]);
    expect(new Set(digests).size).toBe(4);
  });

  it('makes one active key a purpose, also when two instances make them at the same moment', async () => {
    const { app, databaseUrl } = await start();
    await deleteRows(databaseUrl, 'vault_keys');
    const database = new MeetingDatabase(app.get(DataSource), 'vault-insert-active-key');
    const rings = [1, 2].map(
      () => new KeyRing(new KeyStore(database), app.get(KeySource), app.get<VaultConfig>(vaultConfig.KEY)),
    );
    await Promise.all(rings.map((ring) => ring.onModuleInit()));
    const keys = await queryDatabase<{ kid: string }>(databaseUrl, `SELECT kid FROM vault_keys WHERE state = 'active'`);
    expect(keys).toHaveLength(keyPurposes.length);
    expect(rings.map((ring) => keys.some(({ kid }) => kid === ring.getActive('connections.sealed').kid))).toEqual([
      true,
      true,
    ]);
  });

  it('finds a key that another instance made later, by the id in the envelope (CR-05)', async () => {
    const first = await start();
    await changeRows(first.databaseUrl, 'vault_keys', { state: 'decrypt_only' });
    const second = await start(first);
    await linkAccount(second, 'user-1', 'whoop');
    await first.api.get('/v1/users/user-1/connections/whoop/token').expect(200);
  });

  it('does not call a value unreadable while its key is unavailable (CR-14)', async () => {
    const first = await start();
    await changeRows(first.databaseUrl, 'vault_keys', { state: 'decrypt_only' });
    const second = await start(first);
    await linkAccount(second, 'user-1', 'whoop');
    const source = first.app.get(KeySource, { strict: false });
    jest.spyOn(source, 'unwrap').mockRejectedValue(new KeySourceUnavailableError('It does not respond.'));
    const response = await first.api.get('/v1/users/user-1/connections/whoop/token').expect(503);
    expect(response.body).toMatchObject({ code: 'KEY_UNAVAILABLE' });
    jest.restoreAllMocks();
    await first.api.get('/v1/users/user-1/connections/whoop/token').expect(200);
  });

  it('adds a failed report to the next one (CR-04)', async () => {
    const { app, databaseUrl } = await start();
    const [ring, store] = [app.get(KeyRing, { strict: false }), app.get(KeyStore, { strict: false })];
    const operations = async (): Promise<number> => {
      const [row] = await queryDatabase<{ sum: number }>(
        databaseUrl,
        'SELECT sum(operations)::float8 AS sum FROM vault_keys',
      );
      return row?.sum ?? 0;
    };
    await ring.reload();
    const before = await operations();
    const context = { rowId: randomUUID(), userId: 'user-1', registrationId: 'whoop:1', generation: 1 };
    for (let count = 0; count < 3; count += 1) {
      app.get(VaultService, { strict: false }).seal({ count }, { purpose: 'connections.sealed', ...context });
    }
    jest.spyOn(store, 'countOperations').mockRejectedValueOnce(new Error('It went away.'));
    await expect(ring.reload()).rejects.toThrow('It went away.');
    expect(await operations()).toBe(before);
    await ring.reload();
    expect(await operations()).toBe(before + 3);
  });

  it('takes the age of a key from when it was requested, not from when the key source responded (CR-14)', async () => {
    const { app } = await start();
    const ring = app.get(KeyRing, { strict: false });
    const source = app.get(KeySource, { strict: false });
    const unwrap = source.unwrap.bind(source);
    const now = performance.now.bind(performance);
    let passedMs = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now() + passedMs);
    jest.spyOn(source, 'unwrap').mockImplementation(async (...call) => {
      passedMs += 1_000_000;
      return unwrap(...call);
    });
    // Every key is due to be unwrapped again.
    passedMs = 100_000_000;
    await ring.reload();
    for (const held of ring.list()) {
      expect(held.ageMs(performance.now())).toBeGreaterThanOrEqual(1_000_000);
    }
  });

  it('reads the keys once for simultaneous callers, and again for a key made during that (CR-05)', async () => {
    const { app } = await start();
    const [ring, store] = [app.get(KeyRing, { strict: false }), app.get(KeyStore, { strict: false })];
    const list = store.list.bind(store);
    const held = Promise.withResolvers<void>();
    const lists = jest.spyOn(store, 'list').mockImplementationOnce(async () => {
      const keys = await list();
      await held.promise;
      return keys;
    });
    const reading = Promise.all(Array.from({ length: 10 }, () => ring.reload()));
    await until('the keys are being read', () => lists.mock.calls.length === 1);
    const made = await ring.createKey('connections.sealed');
    await store.insertPending(made);
    const finding = ring.find(made.kid);
    held.resolve();
    expect(await finding).toMatchObject({ kid: made.kid });
    await reading;
    expect(lists).toHaveBeenCalledTimes(2);
  });

  it('changes no wrapping and no check value that another process has changed (CR-07, CR-10)', async () => {
    const { app, databaseUrl } = await start();
    const store = app.get(KeyStore, { strict: false });
    const read = () => rowsOf(databaseUrl, 'vault_keys', {}, 'kid');
    const before = await read();
    const [key] = await store.list();
    const wrapped = { blob: randomBytes(60), keyRef: 'local:other' };
    expect(await store.rewrap(key?.kid ?? '', randomBytes(60), wrapped)).toBe(false);
    await store.setKeyCheck(key?.kid ?? '', randomBytes(16));
    expect(await read()).toEqual(before);
    expect(await store.rewrap(key?.kid ?? '', key?.wrappedKey ?? Buffer.alloc(0), wrapped)).toBe(true);
  });

  it('keeps a replica among the living for three rounds, so that a late one is still waited for (CR-07)', async () => {
    const { databaseUrl, app } = await start();
    const { reloadMs } = app.get<VaultConfig>(vaultConfig.KEY, { strict: false });
    const [row] = await queryDatabase<{ ms: number }>(
      databaseUrl,
      'SELECT (extract(epoch FROM max(live_until) - now()) * 1000)::float8 AS ms FROM vault_replicas',
    );
    expect(row?.ms).toBeGreaterThan(2 * reloadMs);
    expect(row?.ms).toBeLessThanOrEqual(3 * reloadMs);
  });

  it('waits at a promotion for living replicas that lack the key, and for no dead ones (CR-07)', async () => {
    const { app, databaseUrl } = await start();
    const [ring, store] = [app.get(KeyRing, { strict: false }), app.get(KeyStore, { strict: false })];
    await deleteRows(databaseUrl, 'vault_replicas');
    const replica = randomUUID();
    await addReplica(databaseUrl, replica);
    const { kid, ...made } = await ring.createKey('connections.sealed');
    await store.insertPending({ kid, ...made });
    expect(await store.promote(kid, false)).toBe(false);
    expect(await store.findReplicasLacking(kid)).toEqual([replica]);
    await passTimeInRows(databaseUrl, 'vault_replicas', ['live_until'], 3_601);
    expect(await store.findReplicasLacking(kid)).toEqual([]);
    expect(await store.promote(kid, false)).toBe(true);
    expect(await store.promote(kid, true)).toBe(false);
    // Promoted twice, it stays the active one.
    expect((await store.list()).find((each) => each.kid === kid)).toMatchObject({ state: 'active' });
  });

  it('waits at a promotion for processes that do not know the suite of the key, even when forced (CR-07)', async () => {
    const { app, databaseUrl } = await start();
    const [ring, store] = [app.get(KeyRing, { strict: false }), app.get(KeyStore, { strict: false })];
    const { kid, ...made } = await ring.createKey('connections.sealed');
    await store.insertPending({ kid, ...made });
    // A process of version 1.0.0 loads any key, and writes no generation.
    await addReplica(databaseUrl, randomUUID(), [kid]);
    await expect(app.get(KeyAdministration, { strict: false }).promote(kid, 0, true)).rejects.toThrow(
      /1 live processes of an older version do not know suite 2/,
    );
    await passTimeInRows(databaseUrl, 'vault_replicas', ['live_until'], 3_601);
    expect(await store.promote(kid, false)).toBe(true);
  });

  it('announces usable keys to other replicas, and none that is too old (CR-07, CR-14)', async () => {
    const { app } = await start();
    const ring = app.get(KeyRing, { strict: false });
    expect(ring.usableKids()).toHaveLength(ring.list().length);
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + 1e12);
    expect(ring.usableKids()).toEqual([]);
    expect(ring.list().length).toBeGreaterThan(0);
    // Nor does it open anything.
    await expect(ring.find(ring.list()[0]?.kid ?? '')).rejects.toMatchObject({ code: 'KEY_UNAVAILABLE' });
  });

  it('tries a key in memory by sealing with it before a refresh token is spent (CR-14)', async () => {
    const { app } = await start();
    const ring = app.get(KeyRing, { strict: false });
    const vault = app.get(VaultService, { strict: false });
    expect(() => vault.ensureCanSeal('connections.sealed')).not.toThrow();
    const broken = { kid: randomUUID(), key: generateKeyPairSync('ed25519').publicKey, suite: 2 as const };
    jest.spyOn(ring, 'checkSeal').mockReturnValue(broken);
    expect(() => vault.ensureCanSeal('connections.sealed')).toThrow();
  });

  it('does not try other keys: an envelope that names an unknown one is unreadable, and the connection lives (CR-05)', async () => {
    const application = await start();
    await linkAccount(application, 'user-1', 'whoop');
    const unknown = Buffer.from(randomUUID().replaceAll('-', ''), 'hex');
    const [row] = await rowsOf<{ sealed: Buffer }>(application.databaseUrl, 'connections');
    const sealed = row?.sealed ?? Buffer.alloc(0);
    const renamed = Buffer.concat([sealed.subarray(0, 4), unknown, sealed.subarray(20)]);
    await changeRows(application.databaseUrl, 'connections', { sealed: renamed });

    const response = await application.api.get('/v1/users/user-1/connections/whoop/token').expect(500);
    expect(response.body).toMatchObject({ code: 'TOKEN_UNREADABLE', act: 'operator' });
    const status = await application.api.get('/v1/users/user-1/connections/whoop').expect(200);
    expect(status.body).toMatchObject({ status: 'active', last_error: null });

    await changeRows(application.databaseUrl, 'connections', { sealed });
    await application.api.get('/v1/users/user-1/connections/whoop/token').expect(200);
  });

  it('does not open a token set that was moved to the row of another user (CR-03)', async () => {
    const application = await start();
    await linkAccount(application, 'victim', 'whoop', { account: '1001' });
    await linkAccount(application, 'attacker', 'whoop', { account: '1002' });
    await queryDatabase(
      application.databaseUrl,
      `UPDATE connections SET sealed = victim.sealed, secret_gen = victim.secret_gen, id = victim.id
       FROM connections victim WHERE connections.user_id = 'attacker' AND victim.user_id = 'victim'`,
    );
    const response = await application.api.get('/v1/users/attacker/connections/whoop/token').expect(500);
    expect(response.body).toMatchObject({ code: 'TOKEN_UNREADABLE' });
  });

  it('does not start with a wrapped key that was altered (CR-10)', async () => {
    const application = await start();
    await changeRows(application.databaseUrl, 'vault_keys', { wrapped_key: randomBytes(60) });
    await expect(start(application)).rejects.toThrow(/ENCRYPTION_ROOT_KEY/);
  });

  it('does not start when a key does not match its check value (CR-10)', async () => {
    const application = await start();
    await changeRows(application.databaseUrl, 'vault_keys', { key_check: randomBytes(16) });
    await expect(start(application)).rejects.toThrow(/cannot be unwrapped/);
  });

  it('gives a key of an older release its check value at the next start (CR-10)', async () => {
    const application = await start();
    const { databaseUrl } = application;
    const read = () =>
      queryDatabase<{ key_check: Buffer }>(databaseUrl, 'SELECT key_check FROM vault_keys ORDER BY kid');
    const before = await read();
    await changeRows(databaseUrl, 'vault_keys', { key_check: null });
    await start(application);
    await expect(read()).resolves.toEqual(before);
  });
});
