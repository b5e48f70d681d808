import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { DataSource } from 'typeorm';
import { Database, type Statement } from '../src/database/database.js';
import { keyPurposes } from '../src/vault/key-purposes.js';
import { KeyRing } from '../src/vault/key-ring.js';
import { KeyStore } from '../src/vault/key-store.js';
import { KeySourceUnavailableError } from '../src/vault/key-source.errors.js';
import { KeySource } from '../src/vault/key-source.js';
import { vaultConfig, type VaultConfig } from '../src/vault/vault.config.js';
import { VaultService } from '../src/vault/vault.service.js';
import { startApplication, type TestApplication } from './support/application.js';
import { linkAccount } from './support/linking.js';
import { queryDatabase } from './support/test-database.js';

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
  it('CR-11 gives the same digest for the same fields only, and another one for every purpose', async () => {
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
    await queryDatabase(databaseUrl, 'DELETE FROM vault_keys');
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

  it('CR-05 finds a key that another instance made later, by the id in the envelope', async () => {
    const first = await start();
    await queryDatabase(first.databaseUrl, `UPDATE vault_keys SET state = 'decrypt_only'`);
    const second = await start(first);
    await linkAccount(second, 'user-1', 'whoop');
    await first.api.get('/v1/users/user-1/connections/whoop/token').expect(200);
  });

  it('CR-14 takes nothing for unreadable whose key exists and cannot be had at the moment', async () => {
    const first = await start();
    await queryDatabase(first.databaseUrl, `UPDATE vault_keys SET state = 'decrypt_only'`);
    const second = await start(first);
    await linkAccount(second, 'user-1', 'whoop');
    const source = first.app.get(KeySource, { strict: false });
    jest.spyOn(source, 'unwrap').mockRejectedValue(new KeySourceUnavailableError('It does not answer.'));
    const answer = await first.api.get('/v1/users/user-1/connections/whoop/token').expect(503);
    expect(answer.body).toMatchObject({ code: 'KEY_UNAVAILABLE' });
    jest.restoreAllMocks();
    await first.api.get('/v1/users/user-1/connections/whoop/token').expect(200);
  });

  it('CR-05 does not try other keys: an envelope that names an unknown one is unreadable, and the connection lives', async () => {
    const application = await start();
    await linkAccount(application, 'user-1', 'whoop');
    const unknown = Buffer.from(randomUUID().replaceAll('-', ''), 'hex');
    const [row] = await queryDatabase<{ sealed: Buffer }>(application.databaseUrl, 'SELECT sealed FROM connections');
    const sealed = row?.sealed ?? Buffer.alloc(0);
    const renamed = Buffer.concat([sealed.subarray(0, 4), unknown, sealed.subarray(20)]);
    await queryDatabase(application.databaseUrl, 'UPDATE connections SET sealed = $1', [renamed]);

    const answer = await application.api.get('/v1/users/user-1/connections/whoop/token').expect(500);
    expect(answer.body).toMatchObject({ code: 'TOKEN_UNREADABLE', act: 'operator' });
    const status = await application.api.get('/v1/users/user-1/connections/whoop').expect(200);
    expect(status.body).toMatchObject({ status: 'active', last_error: null });

    await queryDatabase(application.databaseUrl, 'UPDATE connections SET sealed = $1', [sealed]);
    await application.api.get('/v1/users/user-1/connections/whoop/token').expect(200);
  });

  it('CR-03 does not open a token set that was moved to the row of another user', async () => {
    const application = await start();
    await linkAccount(application, 'victim', 'whoop', { account: '1001' });
    await linkAccount(application, 'attacker', 'whoop', { account: '1002' });
    await queryDatabase(
      application.databaseUrl,
      `UPDATE connections SET sealed = victim.sealed, secret_gen = victim.secret_gen, id = victim.id
       FROM connections victim WHERE connections.user_id = 'attacker' AND victim.user_id = 'victim'`,
    );
    const answer = await application.api.get('/v1/users/attacker/connections/whoop/token').expect(500);
    expect(answer.body).toMatchObject({ code: 'TOKEN_UNREADABLE' });
  });

  it('CR-10 does not boot with a wrapped key that was altered', async () => {
    const application = await start();
    await queryDatabase(application.databaseUrl, 'UPDATE vault_keys SET wrapped_key = $1', [randomBytes(60)]);
    await expect(start(application)).rejects.toThrow(/ENCRYPTION_ROOT_KEY/);
  });

  it('CR-10 does not boot when a key is not the one that its check value was made of', async () => {
    const application = await start();
    await queryDatabase(application.databaseUrl, 'UPDATE vault_keys SET key_check = $1', [randomBytes(16)]);
    await expect(start(application)).rejects.toThrow(/cannot be unwrapped/);
  });

  it('CR-10 gives a key of an older release its check value at the next boot', async () => {
    const application = await start();
    const { databaseUrl } = application;
    const read = () =>
      queryDatabase<{ key_check: Buffer }>(databaseUrl, 'SELECT key_check FROM vault_keys ORDER BY kid');
    const before = await read();
    await queryDatabase(databaseUrl, 'UPDATE vault_keys SET key_check = NULL');
    await start(application);
    await expect(read()).resolves.toEqual(before);
  });
});
