import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/development/embedded-postgres.js';
import { findPostgresBinaries } from '../../../src/development/postgres-binaries.js';
import { preparePostgresHome } from '../../../src/development/postgres-home.js';
import { endPostgres, removeDirectory } from '../../support/service-process.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { queryDatabase } from '../../support/test-database.js';
import { until } from '../../support/until.js';
import type { FaultDatabase } from './fault-database.js';

const surroundings = { passwdFile: '/etc/passwd', reachableFolder: '/var/lib/cufflink' };
/** Without fsync the operating system still has what was written; only a crash of the machine would lose it. */
const settings = { fsync: 'off', track_commit_timestamp: 'on', wal_keep_size: '1GB' };

/**
 * A PostgreSQL with a standby that follows it by asynchronous streaming replication, until the line between them is
 * cut.
 */
export class ReplicatedPostgres implements FaultDatabase {
  disturbedAtMs = -Infinity;
  private failedOver = false;

  private constructor(
    private readonly directories: readonly [string, string],
    private readonly primary: EmbeddedPostgres,
    private readonly standby: EmbeddedPostgres,
    private readonly line: TcpProxy,
  ) {}

  static async start(): Promise<ReplicatedPostgres> {
    const directories = [await makeDirectory(), await makeDirectory()] as const;
    let line: TcpProxy | undefined;
    try {
      const [first, second] = directories.map((directory) => join(directory, '.cufflink')) as [string, string];
      const once = await startEmbeddedPostgres({ directory: first, settings });
      await once.stop();
      await copyData(first, second);
      const primary = await startEmbeddedPostgres({ directory: first, settings });
      line = await TcpProxy.start(primary.url);
      const { hostname, port, username, password } = new URL(line.through(primary.url));
      const source = `host=${hostname} port=${port} user=${username} password=${password} application_name=standby`;
      const standby = await startEmbeddedPostgres({
        directory: second,
        settings: { ...settings, primary_conninfo: source, wal_retrieve_retry_interval: '100ms' },
      });
      return new ReplicatedPostgres(directories, primary, standby, line);
    } catch (error) {
      await line?.stop();
      await Promise.all(directories.map(removeDirectory));
      throw error;
    }
  }

  get url(): string {
    return (this.failedOver ? this.standby : this.primary).url;
  }

  /** The standby, before the failover. It takes reads only. */
  get standbyUrl(): string {
    return this.standby.url;
  }

  /** Waits until the standby has everything, and keeps from it what comes after. */
  async cutReplication(): Promise<void> {
    const [row] = await queryDatabase<{ at: string }>(
      this.primary.url,
      'SELECT pg_current_wal_insert_lsn()::text AS at',
    );
    await until('the standby has caught up', async () => {
      const behind = 'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS "hasAll"';
      const [standby] = await queryDatabase<{ hasAll: boolean }>(this.standby.url, behind, [row?.at]);
      return standby?.hasAll === true;
    });
    this.line.cut();
  }

  /** Ends the primary without a farewell, and promotes the standby. */
  async failOver(): Promise<void> {
    this.disturbedAtMs = Infinity;
    await endPostgres(this.directories[0], 'SIGQUIT');
    await queryDatabase(this.standby.url, 'SELECT pg_promote()');
    this.failedOver = true;
    this.disturbedAtMs = Date.now();
  }

  async stop(): Promise<void> {
    await this.line.stop();
    await Promise.all(this.directories.map(removeDirectory));
  }
}

function makeDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'cufflink-replicated-'));
}

/** Copies a PostgreSQL that does not run, as a standby. */
async function copyData(from: string, to: string): Promise<void> {
  await mkdir(to);
  const home = await preparePostgresHome(await realpath(to), await findPostgresBinaries(), surroundings);
  await promisify(execFile)('cp', ['-a', join(await realpath(join(from, 'postgres')), 'data'), home.folder]);
  await copyFile(join(from, 'postgres.password'), join(to, 'postgres.password'));
  await writeFile(join(home.folder, 'data/standby.signal'), '');
}
