import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, chown, mkdir, open, readFile, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import pg from 'pg';

import { withExclusiveLock } from './exclusive-lock.js';
import { findFreePort } from './free-port.js';
import { findPostgresBinaries } from './postgres-binaries.js';
import { type PostgresHome, preparePostgresHome } from './postgres-home.js';
import { findPostmaster } from './postmaster.js';

const USER = 'cufflink';
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 5_000;
const POLL_INTERVAL_MS = 50;
const LOG_LINES_IN_ERRORS = 15;
const UNFINISHED_PREFIX = 'unfinished-';

export interface EmbeddedPostgresOptions {
  /** Directory of data, password and PostgreSQL's log; made when absent. One directory, one server. */
  readonly directory: string;
  /** Name of the database, which is created if it does not exist; `cufflink` when absent. */
  readonly database?: string;
  /** Receives progress messages, a sentence at a time, without secrets. */
  readonly log?: (line: string) => void;
  /** Server settings by name, as in postgresql.conf. They have no effect on a server that is already running. */
  readonly settings?: Readonly<Record<string, string>>;
  /** List of users, from which root picks one for PostgreSQL; `/etc/passwd` when absent. */
  readonly passwdFile?: string;
  /** Directory for data that this user could not reach in `directory`; `/var/lib/cufflink` when absent. */
  readonly reachableFolder?: string;
}

export interface EmbeddedPostgres {
  /** `postgres://user:password@127.0.0.1:port/database`; a secret. The user is a superuser. */
  readonly url: string;
  /** Whether another process had started the server before. */
  readonly attached: boolean;
  /**
   * Shuts the server down, ending its open transactions, and returns once it has ended. Does nothing when attached.
   *
   * @throws Error when the server has not ended after a minute
   */
  stop(): Promise<void>;
}

/**
 * Starts a real PostgreSQL for development and tests, or attaches to the one already running on the same directory.
 *
 * It takes over the remains of an earlier run: a server that outlived its process, a lock file of a killed server, or
 * an unfinished data directory. Processes that start at the same moment take turns, so one of them starts the server
 * and the others attach. The server outlives this process unless `stop` is called.
 *
 * It listens on 127.0.0.1 only, on a port that was free, and asks for a random password, kept in the directory with
 * mode 0600. Run as root, it becomes another user; see {@link preparePostgresHome} for the folders in that case.
 *
 * @throws Error when it cannot be started, saying why, with the end of PostgreSQL's log, and what to do
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    if (process.platform === 'win32') {
      throw new Error('It is not supported on Windows.');
    }
    await mkdir(options.directory, { recursive: true });
    const directory = await realpath(options.directory);
    return await withExclusiveLock(join(directory, 'postgres.lock'), START_TIMEOUT_MS, () =>
      startOrAttach(directory, options),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `The embedded PostgreSQL in ${options.directory} did not start. ${reason}\n` +
        'To use a PostgreSQL of your own instead, set DATABASE_URL.',
      { cause: error },
    );
  }
}

async function startOrAttach(directory: string, options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { database = 'cufflink', log = () => undefined, settings = {} } = options;
  const home = await preparePostgresHome(directory, await findPostgresBinaries(), {
    passwdFile: options.passwdFile ?? '/etc/passwd',
    reachableFolder: options.reachableFolder ?? '/var/lib/cufflink',
  });
  const dataDirectory = join(home.folder, 'data');
  const password = await readOrCreatePassword(directory, dataDirectory);
  if (!(await exists(dataDirectory))) {
    log(`Creating a PostgreSQL data directory, ${dataDirectory}.`);
    await initialiseCluster(home, dataDirectory, password);
  }

  const logFile = join(directory, 'postgres.log');
  const giveUpAtMs = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const running = await findPostmaster(dataDirectory);
    if (running?.port !== undefined && (await makeDatabase(running.port, password, database)) === 'made') {
      log(`Attached to the PostgreSQL already running on 127.0.0.1:${running.port}, process ${running.processId}.`);
      return { url: urlOf(running.port, password, database), attached: true, stop: async () => undefined };
    }
    if (running === undefined) {
      const port = await findFreePort();
      const server = await launch(home, dataDirectory, port, settings, logFile);
      if (await waitUntilUp(server, port, password, database, giveUpAtMs)) {
        log(`Started PostgreSQL on 127.0.0.1:${port}, process ${server.pid}, log in ${logFile}.`);
        return { url: urlOf(port, password, database), attached: false, stop: () => stopServer(server) };
      }
      const logEnd = await lastLines(logFile);
      // Both causes are temporary: another process took the port, or children of a killed server still run.
      if (!/could not bind|pre-existing shared memory block/.test(logEnd)) {
        throw new Error(`Its log, ${logFile}, ends with:\n${logEnd}`);
      }
    }
    if (Date.now() >= giveUpAtMs) {
      const holder =
        running === undefined ? '' : ` Process ${running.processId} runs on it but does not respond; stop it.`;
      throw new Error(`It did not respond within ${START_TIMEOUT_MS / 1000} s.${holder} Its log is ${logFile}.`);
    }
    await sleep(POLL_INTERVAL_MS);
  }
}

async function readOrCreatePassword(directory: string, dataDirectory: string): Promise<string> {
  const file = join(directory, 'postgres.password');
  if (await exists(file)) {
    return (await readFile(file, 'utf8')).trim();
  }
  if (await exists(dataDirectory)) {
    throw new Error(
      `${file} is missing. Put it back, or delete ${join(directory, 'postgres')} to begin with empty data.`,
    );
  }
  const password = randomBytes(24).toString('base64url');
  await writeFile(`${file}.new`, password, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return password;
}

/** Makes the data directory under another name first, so that one called `data` is always complete. */
async function initialiseCluster(home: PostgresHome, dataDirectory: string, password: string): Promise<void> {
  for (const name of await readdir(home.folder)) {
    if (name.startsWith(UNFINISHED_PREFIX)) {
      await rm(join(home.folder, name), { recursive: true, force: true, maxRetries: 5 });
    }
  }
  // A new name each time: an initdb whose parent was killed may still write to the earlier one.
  const unfinished = join(home.folder, `${UNFINISHED_PREFIX}${randomBytes(6).toString('hex')}`);
  const passwordFile = `${unfinished}.password`;
  try {
    await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' });
    if (home.account !== undefined) {
      await chown(passwordFile, home.account.uid, home.account.gid);
    }
    // The built-in locale sorts and compares the same way on every machine.
    await promisify(execFile)(
      join(home.binariesFolder, 'bin', 'initdb'),
      [
        `--pgdata=${unfinished}`,
        `--username=${USER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
      ],
      { ...surroundingsOf(home), encoding: 'utf8' },
    );
    await rename(unfinished, dataDirectory);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw new Error(`initdb failed: ${(error as { stderr?: string }).stderr?.trim() || String(error)}`, {
      cause: error,
    });
  } finally {
    await rm(passwordFile, { force: true });
  }
}

async function launch(
  home: PostgresHome,
  dataDirectory: string,
  port: number,
  settings: Readonly<Record<string, string>>,
  logFile: string,
): Promise<ChildProcess> {
  const allSettings = {
    max_connections: '200',
    ...settings,
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
  };
  const log = await open(logFile, 'w', 0o600);
  try {
    const server = spawn(
      join(home.binariesFolder, 'bin', 'postgres'),
      ['-D', dataDirectory, ...Object.entries(allSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      // Detached, because an interrupt from the terminal is for us, and we decide when the server stops.
      { ...surroundingsOf(home), detached: true, stdio: ['ignore', log.fd, log.fd] },
    );
    await once(server, 'spawn');
    server.unref();
    return server;
  } finally {
    await log.close();
  }
}

/** Returns the surroundings of the server, without our own environment: no secrets, no `PG…` or locale variables. */
function surroundingsOf(home: PostgresHome) {
  return { cwd: home.folder, env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' }, ...home.account };
}

/** Returns false when the server ended by itself; its log says why. */
async function waitUntilUp(
  server: ChildProcess,
  port: number,
  password: string,
  database: string,
  giveUpAtMs: number,
): Promise<boolean> {
  try {
    while (!hasEnded(server)) {
      if ((await makeDatabase(port, password, database)) === 'made') {
        return true;
      }
      if (Date.now() >= giveUpAtMs) {
        throw new Error(`It did not respond within ${START_TIMEOUT_MS / 1000} s.`);
      }
      await sleep(POLL_INTERVAL_MS);
    }
    return false;
  } catch (error) {
    await stopServer(server);
    throw error;
  }
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (hasEnded(server)) {
    return;
  }
  server.ref();
  const ended = once(server, 'exit', { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
  server.kill('SIGINT');
  await ended.catch((error: unknown) => {
    throw new Error(`PostgreSQL, process ${server.pid}, did not end within ${STOP_TIMEOUT_MS / 1000} s.`, {
      cause: error,
    });
  });
}

function hasEnded(server: ChildProcess): boolean {
  return server.exitCode !== null || server.signalCode !== null;
}

/** Creates the database unless it exists. */
async function makeDatabase(port: number, password: string, database: string): Promise<'made' | 'not up yet'> {
  const client = new pg.Client({
    connectionString: urlOf(port, password, 'postgres'),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // The awaited calls below report the same failures.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    if (rowCount === 0) {
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
    }
    return 'made';
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    if (code.startsWith('28')) {
      throw new Error('It refuses the password in postgres.password, which must be the one its data were made with.', {
        cause: error,
      });
    }
    // Only PostgreSQL's own refusals have five characters; class 57 says that it is starting or stopping.
    if (/^[0-9A-Z]{5}$/.test(code) && !code.startsWith('57') && code !== 'EPIPE') {
      throw error;
    }
    return 'not up yet';
  } finally {
    await client.end();
  }
}

function urlOf(port: number, password: string, database: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

async function lastLines(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).trimEnd().split('\n').slice(-LOG_LINES_IN_ERRORS).join('\n');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') {
        return false;
      }
      throw error;
    },
  );
}
