import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const startTimeoutMs = 180_000;
const stopTimeoutMs = 30_000;

/** A process of its own that takes commands over a channel. */
export interface Child {
  readonly processId: number;
  /**
   * Sends a command and waits for its result.
   *
   * @throws Error when the process fails or ends
   */
  call<Result>(command: object): Promise<Result>;
  /** Memory that the process holds in RAM now, in MiB. */
  residentMiB(): Promise<number>;
  /** Time on processors that the process has had so far, in seconds. */
  processorSeconds(): Promise<number>;
  stop(): Promise<void>;
}

/** A message over the channel. */
export interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/**
 * Starts a file below this folder with Node.
 *
 * @param file - relative to this folder
 * @param environment - all that the process gets beside PATH and HOME
 * @param flags - for Node
 */
export function startChild(
  file: string,
  environment: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Child {
  const { PATH = '', HOME = '' } = process.env;
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [], {
    // Not the checkout: a `.env` there is for development.
    cwd: tmpdir(),
    env: { PATH, HOME, ...environment },
    execArgv: [...flags],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let calls = 0;
  child.on('message', ({ id, result, error }: Reply) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) {
      call?.resolve(result);
    } else {
      call?.reject(new Error(`${file}: ${error}`));
    }
  });
  child.once('exit', (status, signal) => {
    for (const call of waiting.values()) {
      call.reject(new Error(`${file} ended with ${signal ?? status}.`));
    }
    waiting.clear();
  });
  return {
    processId: child.pid ?? 0,
    call: <Result>(command: object) => {
      const call = Promise.withResolvers<unknown>();
      calls += 1;
      waiting.set(calls, call);
      child.send({ id: calls, ...command });
      return call.promise as Promise<Result>;
    },
    residentMiB: () => residentMiB(child.pid ?? 0),
    processorSeconds: () => processorSeconds(child.pid ?? 0),
    stop: () => stop(child, file),
  };
}

/** Returns the flags with which `npm run start:prod` runs Node. */
export async function productionFlags(): Promise<string[]> {
  const { scripts } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
    scripts: Readonly<Record<string, string>>;
  };
  return scripts['start:prod']?.match(/--\S+/g) ?? [];
}

/** Waits until the service says that it is ready. */
export async function waitUntilReady(url: string): Promise<void> {
  const giveUpAt = Date.now() + startTimeoutMs;
  while (Date.now() < giveUpAt) {
    if (
      await fetch(`${url}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    ) {
      return;
    }
    await sleep(50);
  }
  throw new Error(`${url} did not get ready.`);
}

async function stop(child: ChildProcess, file: string): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const ended = once(child, 'exit', { signal: AbortSignal.timeout(stopTimeoutMs) });
  child.kill('SIGTERM');
  await ended.catch(async () => {
    process.stderr.write(`${file} does not stop; killing it.\n`);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
}

async function residentMiB(processId: number): Promise<number> {
  const status = await readFile(`/proc/${processId}/status`, 'utf8').catch(() => undefined);
  const kibibytes =
    status === undefined
      ? (await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(processId)])).stdout
      : /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return Number(kibibytes) / 1024;
}

/**
 * Time on processors that a process has had so far, in seconds. Linux counts hundredths; elsewhere `ps` prints them.
 */
export async function processorSeconds(processId: number): Promise<number> {
  const stat = await readFile(`/proc/${processId}/stat`, 'utf8').catch(() => undefined);
  if (stat !== undefined) {
    // The second field is the name in parentheses, which may hold spaces; user and system time are the 14th and the
    // 15th.
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    return (Number(user) + Number(system)) / 100;
  }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'time=', '-p', String(processId)]);
  return stdout
    .trim()
    .split(':')
    .reduce((sum, part) => sum * 60 + Number(part), 0);
}
