import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { startApplication } from '../support/application.js';
import { type CommandResult, type CommandSubject, runCommandLine, startCommandLine } from '../support/command-line.js';
import { linkAccount } from '../support/linking.js';
import { removeDirectory } from '../support/service-process.js';
import { createUndistributedDatabase, queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const distribute = ['distribute', '--shards', '4'];

describe('a distribution that is killed while it changes the connections', () => {
  let directory: string;
  let blocker: pg.Client;
  let databaseUrl: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cufflink-distribution-'));
    databaseUrl = await createUndistributedDatabase();
    blocker = new pg.Client({ connectionString: databaseUrl });
    await blocker.connect();
  });
  afterEach(async () => {
    await blocker.end();
    await removeDirectory(directory);
  });

  async function linkAll(rootKey: string, users: readonly string[]): Promise<void> {
    const application = await startApplication({ databaseUrl, rootKey });
    for (const user of users) {
      await linkAccount(application, user, 'whoop');
    }
    await application.close();
  }

  /** Kills the command in the transaction in which it distributes the connections, and waits for the end of that. */
  async function killMidway(service: CommandSubject): Promise<void> {
    await blocker.query('BEGIN');
    await blocker.query('LOCK TABLE connections IN ACCESS SHARE MODE');
    const command = startCommandLine(service, distribute, directory);
    await until('the command waits for the connections', async () => {
      expect(command.child.exitCode === null ? '' : command.output()).toBe('');
      return (await waiting()) > 0;
    });
    await command.stop('SIGKILL');
    await blocker.query('ROLLBACK');
    await until('its transaction has ended', async () => (await holders()) === 0);
  }

  async function waiting(): Promise<number> {
    const rows = await queryDatabase(
      databaseUrl,
      `SELECT 1 FROM pg_locks WHERE relation = 'connections'::regclass AND NOT granted`,
    );
    return rows.length;
  }

  async function holders(): Promise<number> {
    const rows = await queryDatabase(
      databaseUrl,
      `SELECT 1 FROM pg_locks WHERE relation = 'vault_replicas'::regclass AND mode = 'ExclusiveLock'`,
    );
    return rows.length;
  }

  async function isOnePlainTable(): Promise<boolean> {
    const [row] = await queryDatabase<{ hasGuard: boolean; kind: string }>(
      databaseUrl,
      `SELECT relkind AS kind, to_regclass('connections_one_per_account') IS NOT NULL AS "hasGuard"
       FROM pg_class WHERE oid = 'connections'::regclass`,
    );
    return row?.kind === 'r' && row.hasGuard;
  }

  /** What the command has done, a step each. */
  function stepsOf({ status, json, output }: CommandResult): unknown {
    expect({ status, output: status === 0 ? '' : output }).toEqual({ status: 0, output: '' });
    return json['distributed'];
  }

  it('leaves them whole, and the next run does the rest', async () => {
    const onCitus = process.env['CITUS_DATABASE_URL'] !== undefined;
    // Without Citus only empty tables become partitions.
    const users = onCitus ? ['user-1', 'user-2', 'user-3', 'user-4', 'user-5'] : [];
    const service = {
      databaseUrl,
      rootKey: randomBytes(32).toString('base64'),
      sandbox: { url: 'http://127.0.0.1:1' },
    };
    if (onCitus) {
      await linkAll(service.rootKey, users);
    }

    await killMidway(service);
    expect(await isOnePlainTable()).toBe(true);

    const steps = stepsOf(await runCommandLine(service, distribute, directory));
    const expected = ['connections by user', 'local copies removed'];
    expect(steps).toEqual(onCitus ? expected : ['partitions by hash, 16 of each table']);
    expect(stepsOf(await runCommandLine(service, distribute, directory))).toEqual([]);

    const after = await startApplication({ databaseUrl, rootKey: service.rootKey });
    try {
      await linkAccount(after, 'user-6', 'whoop');
      for (const user of [...users, 'user-6']) {
        await after.api.get(`/v1/users/${user}/connections/whoop/token`).expect(200);
      }
      await after.api.post('/v1/users/user-6/connections/whoop/refresh').expect(200);
      const list = await after.api.get('/v1/connections').expect(200);
      expect((list.body as { connections: unknown[] }).connections).toHaveLength(users.length + 1);
    } finally {
      await after.close();
    }
  });
});
