import { randomUUID } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { MicroBatch } from '../../database/micro-batch.js';
import { connectionIdOf, linesOf } from './journal-entry.js';
import { isAbsent, segmentExtension } from './journal-segments.js';

/** File extension of files whose entries are all committed. */
export const keptExtension = '.kept';
/** File extension of a kept file that is being rewritten without some of its entries. */
const unfinishedExtension = '.unfinished';

const limits = { maxItems: 10_000, maxWaiting: Infinity };

interface FoundFile {
  readonly path: string;
  readonly writtenAtMs: number;
  readonly bytes: number;
}

/** Limits for kept journal files. */
export interface KeepingLimits {
  /** How long after the last entry of a file, in milliseconds; 0 keeps nothing. */
  readonly keepMs: number;
  /** Total size of all kept files; the oldest are removed first. */
  readonly maxBytes: number;
}

/**
 * The part of the journal that is already in the database. It is kept for a while, because a database can lose
 * acknowledged rows: a lagging standby is promoted, or a backup is restored.
 *
 * A file is kept by renaming it, so keeping an entry writes nothing. The age of a file is that of its last entry.
 */
export class KeptEntries {
  private readonly erasures = new MicroBatch<string, void>((ids) => this.eraseAll(ids), limits);

  constructor(
    private readonly directory: string,
    private readonly limits: KeepingLimits,
  ) {}

  /**
   * Keeps a journal file, or removes it when nothing is kept. Nobody may be writing to it.
   *
   * @param unwanted - ids of connections whose entries are not kept
   */
  async keep(file: string, unwanted: ReadonlySet<string> = new Set()): Promise<void> {
    if (this.limits.keepMs === 0) {
      await rm(file, { force: true });
      return;
    }
    const kept = `${file.slice(0, -segmentExtension.length)}${keptExtension}`;
    try {
      await rename(file, kept);
    } catch (error) {
      if (isAbsent(error)) {
        return;
      }
      throw error;
    }
    if (unwanted.size > 0) {
      await eraseFrom(kept, unwanted);
    }
  }

  /** Erases the kept entries of a connection (LOG-08). Simultaneous calls share one pass over the files. */
  erase(connectionId: string): Promise<void> {
    return this.erasures.add(connectionId);
  }

  /**
   * Reads all entries, committed or not, the newest files first, and in each the newest entries first.
   *
   * @param read - gets the lines of one file
   */
  async readNewestFirst(read: (lines: readonly string[]) => Promise<void>): Promise<void> {
    const seen = new Set<string>();
    for (;;) {
      const files = (await this.list(keptExtension, segmentExtension)).filter(({ path }) => !seen.has(path));
      if (files.length === 0) {
        return;
      }
      for (const { path } of files) {
        seen.add(path);
        // A file that was renamed is listed under its new name too.
        const bytes = await unlessAbsent(readFile(path));
        await read(bytes === undefined ? [] : linesOf(bytes).reverse());
      }
    }
  }

  /**
   * Removes files that are too old, and the oldest files beyond the size limit.
   *
   * @param nowMs - milliseconds since 1970
   * @returns how long the youngest file removed for lack of space had been kept, in milliseconds; `undefined` when
   *   there was none
   */
  async prune(nowMs: number): Promise<number | undefined> {
    const { keepMs, maxBytes } = this.limits;
    let total = 0;
    let keptForMs: number | undefined;
    for (const { path, bytes, writtenAtMs } of await this.list(keptExtension, unfinishedExtension)) {
      total += bytes;
      const ageMs = nowMs - writtenAtMs;
      if (ageMs > keepMs) {
        await rm(path, { force: true });
      } else if (total > maxBytes) {
        await rm(path, { force: true });
        keptForMs ??= ageMs;
      }
    }
    return keptForMs;
  }

  private async eraseAll(ids: readonly string[]): Promise<void[]> {
    const unwanted = new Set(ids);
    for (const { path } of await this.list(keptExtension)) {
      await eraseFrom(path, unwanted);
    }
    return ids.map(() => undefined);
  }

  /** Returns the plain files with these extensions, the newest first. */
  private async list(...extensions: string[]): Promise<FoundFile[]> {
    const names = (await readdir(this.directory)).filter((name) => extensions.some((each) => name.endsWith(each)));
    const found: FoundFile[] = [];
    for (const name of names) {
      const path = join(this.directory, name);
      const stats = await unlessAbsent(stat(path));
      if (stats?.isFile() === true) {
        found.push({ path, writtenAtMs: stats.mtimeMs, bytes: stats.size });
      }
    }
    return found.sort((one, other) => other.writtenAtMs - one.writtenAtMs);
  }
}

/** Puts a file without the unwanted entries in the place of a kept one. Its age stays. */
async function eraseFrom(path: string, unwanted: ReadonlySet<string>): Promise<void> {
  const bytes = await unlessAbsent(readFile(path));
  const lines = bytes === undefined ? [] : linesOf(bytes);
  const wanted = lines.filter((line) => !unwanted.has(connectionIdOf(line) ?? ''));
  if (wanted.length === lines.length) {
    return;
  }
  if (wanted.length === 0) {
    await rm(path, { force: true });
    return;
  }
  const times = await unlessAbsent(stat(path));
  if (times === undefined) {
    return;
  }
  const unfinished = `${path}.${randomUUID()}${unfinishedExtension}`;
  const handle = await open(unfinished, 'wx', 0o600);
  try {
    await handle.writeFile(wanted.map((line) => `${line}\n`).join(''));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await utimes(unfinished, times.atime, times.mtime);
  await rename(unfinished, path);
}

async function unlessAbsent<Result>(result: Promise<Result>): Promise<Result | undefined> {
  try {
    return await result;
  } catch (error) {
    if (isAbsent(error)) {
      return undefined;
    }
    throw error;
  }
}
