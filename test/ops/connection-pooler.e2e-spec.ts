import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chown, chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { checkPooler, poolerRemedy, type PooledClient } from '../../src/database/pooler-check.js';
import { findFreePort } from '../../src/development/free-port.js';
import { runMigrationCommand } from '../support/migration-command.js';
import { checkout, startProcess, startService } from '../support/service-process.js';
import { createTestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

describe('checkPooler', () => {
  it('accepts a PostgreSQL without a pooler', async () => {
    const pool = new pg.Pool({ connectionString: await createTestDatabase(), max: 2 });
    const [first, second] = await Promise.all([pool.connect(), pool.connect()]);

    await expect(checkPooler(first, second)).resolves.toBeUndefined();

    first.release();
    second.release();
    await pool.end();
  });

  it.each(['26000', '42P05'])('names the remedy when the pooler loses a statement (%s)', async (code) => {
    let isHeld = false;
    const second = { query: async () => void (isHeld = true) } as unknown as PooledClient;
    const first = {
      query: async () => {
        if (isHeld) {
          throw Object.assign(new Error('prepared statement'), { code });
        }
      },
    } as unknown as PooledClient;

    await expect(checkPooler(first, second)).rejects.toThrow(poolerRemedy);
  });

  it('passes other errors on', async () => {
    const broken = { query: async () => Promise.reject(new Error('gone')) } as unknown as PooledClient;

    await expect(checkPooler(broken, broken)).rejects.toThrow('gone');
  });
});

/** The version of PgBouncer on this machine, such as 1.18; `undefined` without one. */
function findPgBouncer(): number | undefined {
  try {
    return Number(/PgBouncer (\d+\.\d+)/.exec(execFileSync('pgbouncer', ['--version'], { encoding: 'utf8' }))?.[1]);
  } catch {
    return undefined;
  }
}

const version = findPgBouncer();

/** Debian's PgBouncer is older than 1.21, which is what this needs. */
(version !== undefined && version < 1.21 ? describe : describe.skip)('behind a PgBouncer that is too old', () => {
  let folder: string;
  let pooler: ChildProcess;
  let environment: Record<string, string>;

  beforeAll(async () => {
    const databaseUrl = await createTestDatabase();
    await runMigrationCommand(['migration:run'], databaseUrl);
    folder = await mkdtemp(join(tmpdir(), 'cufflink-pooler-'));
    const { hostname, port, pathname, username, password } = new URL(databaseUrl);
    const ownPort = await findFreePort();
    await writeFile(
      join(folder, 'pgbouncer.ini'),
      `[databases]
* = host=${hostname} port=${port} user=${username} password=${decodeURIComponent(password)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${ownPort}
unix_socket_dir =
auth_type = any
pool_mode = transaction
ignore_startup_parameters = statement_timeout,options
`,
    );
    const account = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    if (account.uid !== undefined) {
      await chmod(folder, 0o700);
      await chown(folder, account.uid, account.gid);
      await chown(join(folder, 'pgbouncer.ini'), account.uid, account.gid);
    }
    pooler = spawn('pgbouncer', ['-q', join(folder, 'pgbouncer.ini')], { stdio: 'ignore', ...account });
    const url = new URL(`postgres://${username}:any@127.0.0.1:${ownPort}${pathname}`).href;
    await until('PgBouncer accepts connections', async () => {
      const client = new pg.Client({ connectionString: url });
      return client.connect().then(
        () => client.end().then(() => true),
        () => false,
      );
    });
    environment = {
      NODE_ENV: 'production',
      DATABASE_URL: url,
      PUBLIC_URL: 'https://link.example.com',
      RETURN_URLS: 'https://app.example.com/devices',
      ENCRYPTION_ROOT_KEY: randomBytes(32).toString('base64'),
      PORT: String(await findFreePort()),
    };
  });

  afterAll(async () => {
    pooler.kill('SIGKILL');
    if (pooler.exitCode === null && pooler.signalCode === null) {
      await once(pooler, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  });

  it('does not start, and names the version that it needs', async () => {
    const service = startService(folder, environment);

    await expect(service.ended()).resolves.toMatchObject({ status: 1 });

    expect(service.stderr()).toMatch(/^Cufflink cannot start\. .*PgBouncer needs version 1\.21 or later/);
  });

  it('is found by doctor', async () => {
    const doctor = startProcess([join(checkout, 'bin/cufflink.js'), 'doctor'], folder, environment);

    await expect(doctor.ended()).resolves.toMatchObject({ status: 1 });

    expect(doctor.stdout()).toMatch(/^WRONG +database +.*PgBouncer needs version 1\.21 or later/m);
  });
});
