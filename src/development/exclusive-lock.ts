import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

const SQLITE_BUSY = 5;
const POLL_INTERVAL_MS = 50;

/**
 * Runs an action while no one else, in this process or another, runs one under the same lock file.
 *
 * The lock is an open transaction on an empty SQLite file, hence a lock of the operating system. It ends with the
 * process that holds it, however that process ends. A file with a process id would have to be taken from dead owners.
 * Two waiting processes cannot do that without a race, and process ids are used again.
 *
 * @param file - created when absent and left in place; nothing else may open it
 * @param timeoutMs - how long to wait for the lock
 * @param action - runs while the lock is held
 * @returns the result of the action
 * @throws Error when the lock is not free within `timeoutMs`, or its file cannot be written; and the errors of the
 *   action
 */
export async function withExclusiveLock<Result>(
  file: string,
  timeoutMs: number,
  action: () => Promise<Result>,
): Promise<Result> {
  const release = await takeExclusiveLock(file, timeoutMs);
  if (release === undefined) {
    throw new Error(`Another process holds ${file} for more than ${timeoutMs / 1000} s; stop that process.`);
  }
  try {
    return await action();
  } finally {
    release();
  }
}

/**
 * Takes the same lock until it is released, or until the process ends.
 *
 * @returns a function that releases it; `undefined` if it is not free within `timeoutMs`
 * @throws Error when the file cannot be written
 */
export async function takeExclusiveLock(file: string, timeoutMs: number): Promise<(() => void) | undefined> {
  // Loaded here, because Node 20 has no such module and may still run the parts of the application that need no lock.
  const { DatabaseSync } = await import('node:sqlite');
  const giveUpAtMs = Date.now() + timeoutMs;
  const lock = new DatabaseSync(file, { timeout: 0, open: false });
  let isTaken = false;
  try {
    while (!(isTaken = tryToTake(file, lock))) {
      if (Date.now() >= giveUpAtMs) {
        return undefined;
      }
      await sleep(POLL_INTERVAL_MS);
    }
    return () => lock.close();
  } finally {
    if (!isTaken && lock.isOpen) {
      lock.close();
    }
  }
}

function tryToTake(file: string, lock: DatabaseSync): boolean {
  try {
    if (!lock.isOpen) {
      lock.open();
    }
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) {
      return false;
    }
    throw new Error(`Cannot lock ${file}; it may belong to another user.`, { cause: error });
  }
}
