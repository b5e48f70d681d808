import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The checkout that the tests run in. */
export const checkout = fileURLToPath(new URL('../..', import.meta.url));
/** Several processes start at once, on machines that have other things to do. */
const startTimeoutMs = 180_000;
const pollMs = 20;

/** A process of the built program, in a directory and an environment of its own. */
export interface ServiceProcess {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Both in the order of arrival. */
  output(): string;
  /** Waits until standard output has this text. */
  waitFor(text: string): Promise<void>;
  /** Sends the signal unless the process has ended, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ending>;
  /** Waits for the end. */
  ended(): Promise<Ending>;
}

export interface Ending {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Starts `node` with the given arguments.
 *
 * @param environment - all that the process gets beside PATH and HOME
 */
export function startProcess(
  args: readonly string[],
  directory: string,
  environment: Readonly<Record<string, string>>,
): ServiceProcess {
  return startCommand([process.execPath, ...args], directory, environment);
}

/** Starts any command; see {@link startProcess}. */
export function startCommand(
  [command = '', ...args]: readonly string[],
  directory: string,
  environment: Readonly<Record<string, string>>,
): ServiceProcess {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(command, args, {
    cwd: directory,
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed: Promise<Ending> = once(child, 'close').then(() => ({
    status: child.exitCode,
    signal: child.signalCode,
  }));
  const chunks: { readonly error: boolean; readonly text: string }[] = [];
  for (const [stream, error] of [
    [child.stdout, false],
    [child.stderr, true],
  ] as const) {
    stream.setEncoding('utf8').on('data', (text: string) => chunks.push({ error, text }));
  }
  const text = (wanted: (error: boolean) => boolean): string =>
    chunks
      .filter(({ error }) => wanted(error))
      .map((chunk) => chunk.text)
      .join('');
  const service: ServiceProcess = {
    child,
    stdout: () => text((error) => !error),
    stderr: () => text((error) => error),
    output: () => text(() => true),
    waitFor: async (wanted) => {
      const giveUpAt = Date.now() + startTimeoutMs;
      while (!service.stdout().includes(wanted)) {
        if (child.exitCode !== null || child.signalCode !== null || Date.now() > giveUpAt) {
          throw new Error(`The process did not print "${wanted}":\n${service.output()}`);
        }
        await sleep(pollMs);
      }
    },
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      return closed;
    },
    ended: () => closed,
  };
  return service;
}

/**
 * Starts `dist/main.js`.
 *
 * @param program - the checkout whose built program runs
 */
export function startService(
  directory: string,
  environment: Readonly<Record<string, string>>,
  program = checkout,
): ServiceProcess {
  return startProcess([join(program, 'dist/main.js')], directory, environment);
}

/** Starts `dist/main.js` where files cannot grow beyond 512 bytes, as on a disk that is almost full. */
export function startServiceOnFullDisk(
  directory: string,
  environment: Readonly<Record<string, string>>,
): ServiceProcess {
  const limited = ['/bin/sh', '-c', 'ulimit -f 1 && exec "$0" "$1"'];
  return startCommand([...limited, process.execPath, join(checkout, 'dist/main.js')], directory, environment);
}

/** Calls until the response is 200: a production process tells nobody when it is up. */
export async function waitUntilReady(service: ServiceProcess, url: string): Promise<void> {
  const giveUpAt = Date.now() + startTimeoutMs;
  for (;;) {
    const ready = await fetch(`${url}/health/ready`).then(
      ({ status }) => status === 200,
      () => false,
    );
    if (ready) {
      return;
    }
    if (service.child.exitCode !== null || Date.now() > giveUpAt) {
      throw new Error(`The service did not get ready:\n${service.output()}`);
    }
    await sleep(pollMs);
  }
}

/** The id of the PostgreSQL that runs on the data of a development directory, if one does. */
export async function findPostgres(directory: string): Promise<number | undefined> {
  const file = join(directory, '.cufflink/postgres/data/postmaster.pid');
  const processId = Number((await readFile(file, 'utf8').catch(() => '')).split('\n', 1)[0]);
  return processId > 0 && isAlive(processId) ? processId : undefined;
}

/** Ends that PostgreSQL and waits until it has. */
export async function endPostgres(directory: string, signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void> {
  const processId = await findPostgres(directory);
  if (processId === undefined) {
    return;
  }
  process.kill(processId, signal);
  const giveUpAt = Date.now() + startTimeoutMs;
  while (isAlive(processId)) {
    if (Date.now() > giveUpAt) {
      throw new Error(`PostgreSQL, process ${processId}, does not end.`);
    }
    await sleep(pollMs);
  }
}

/** Removes a development directory, with the data that root had to put elsewhere. */
export async function removeDirectory(directory: string): Promise<void> {
  await endPostgres(directory, 'SIGINT');
  const entry = join(directory, '.cufflink/postgres');
  const data = await realpath(entry).catch(() => entry);
  await rm(data, { recursive: true, force: true, maxRetries: 5 });
  await rm(`${data}.origin`, { force: true });
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
