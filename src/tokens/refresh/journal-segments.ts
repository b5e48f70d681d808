import { randomUUID } from 'node:crypto';
import { appendFileSync, closeSync, fdatasync, openSync } from 'node:fs';
import { access, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MicroBatch } from '../../database/micro-batch.js';

/** File extension of the journal. */
export const segmentExtension = '.journal';
/** Size and age at which a segment takes no more entries. A segment that exists for longer was left over. */
const maxSegmentBytes = 1024 * 1024;
const maxSegmentAgeMs = 1_000;

/**
 * How long an empty file waits for new entries, in milliseconds. A sweep forgets a group of entries right before the
 * next group.
 */
const lingerMs = 100;
/** Unlimited: every entry is in its file before it waits for the flush, so rejecting one would help nobody. */
const limits = { maxItems: 1_000, maxWaiting: Infinity };

const flushData = promisify(fdatasync);

interface Segment {
  readonly file: string;
  readonly descriptor: number;
  readonly openedAt: number;
  bytes: number;
  /** Entries that are not forgotten yet. */
  entries: number;
  /** Entries whose flush has not ended. */
  unflushed: number;
  /** Whether its name is on the disk. */
  isNamed: boolean;
  /** Whether it takes no more entries. */
  isRetired: boolean;
  isClosed: boolean;
  isDisposed: boolean;
}

interface Entry {
  readonly key: string;
  readonly line: string;
  /** The segment in which it waits for its flush; `undefined` when it does not wait. */
  segment: Segment | undefined;
}

/**
 * The part of the journal that this process writes: files to which entries are appended, one per line.
 *
 * An entry is written to its file at once, by calls that finish before `append` returns. From then on it survives a
 * killed process. Only a power loss needs the flush of file and directory that follows. Entries that arrive during one
 * flush share the next, so that many simultaneous refreshes cost one flush. A file is removed soon after all its
 * entries are forgotten.
 *
 * Another process may take over a file by renaming it, and remove it when its entries are committed. So the name is
 * checked after each flush. If it is gone, the entry may have been missed, and is written again to a new file.
 */
export class JournalSegments {
  private readonly flushes = new MicroBatch<Entry, void>((group) => this.flush(group), limits);
  private current: Segment | undefined;
  private lingering: NodeJS.Timeout | undefined;
  private readonly segmentOf = new Map<string, Segment>();

  /**
   * @param directory - where the files are
   * @param dispose - receives each file whose entries are all forgotten, once nothing is written to it; removes the
   *   file if absent
   */
  constructor(
    private readonly directory: string,
    private readonly dispose: (file: string) => Promise<void> = (file) => rm(file, { force: true }),
  ) {}

  /**
   * Writes an entry, and returns when it is flushed. The entry is in its file as soon as this function returns its
   * promise.
   *
   * @param key - to forget it by
   * @param line - without a line end
   * @throws the file system's error; the entry may or may not be on the disk
   */
  async append(key: string, line: string): Promise<void> {
    const entry: Entry = { key, line, segment: undefined };
    this.write(entry);
    await this.flushes.add(entry);
  }

  /** Whether an entry was written here and is not forgotten: its tokens may not be committed yet. */
  has(key: string): boolean {
    return this.segmentOf.has(key);
  }

  /** Forgets an entry that need not be replayed. Does nothing when it is unknown. */
  async forget(key: string): Promise<void> {
    const segment = this.segmentOf.get(key);
    if (segment === undefined) {
      return;
    }
    this.segmentOf.delete(key);
    segment.entries -= 1;
    if (segment !== this.current) {
      await this.settle(segment);
    } else if (segment.entries === 0) {
      clearTimeout(this.lingering);
      this.lingering = setTimeout(() => this.settleBehind(this.clear()), lingerMs).unref();
    }
  }

  /** Removes the file that waits for entries, if it has none. */
  async clear(): Promise<void> {
    if (this.current?.entries === 0) {
      await this.close();
    }
  }

  /** Closes the current file; it stays while it has entries. */
  async close(): Promise<void> {
    clearTimeout(this.lingering);
    if (this.current !== undefined) {
      await this.retire(this.current);
    }
  }

  /** Writes an entry to the file at hand, without a turn of the event loop in between. */
  private write(entry: Entry): void {
    clearTimeout(this.lingering);
    const segment = this.reserve();
    segment.entries += 1;
    segment.unflushed += 1;
    entry.segment = segment;
    const bytes = Buffer.from(`${entry.line}\n`, 'utf8');
    try {
      appendFileSync(segment.descriptor, bytes);
      segment.bytes += bytes.length;
    } catch (error) {
      this.giveUp(entry);
      throw error;
    }
  }

  private reserve(): Segment {
    const { current } = this;
    if (current !== undefined) {
      if (current.bytes < maxSegmentBytes && performance.now() - current.openedAt < maxSegmentAgeMs) {
        return current;
      }
      this.settleBehind(this.retire(current));
    }
    const file = join(this.directory, `${randomUUID()}${segmentExtension}`);
    const descriptor = openSync(file, 'ax', 0o600);
    this.current = {
      file,
      descriptor,
      openedAt: performance.now(),
      bytes: 0,
      entries: 0,
      unflushed: 0,
      isNamed: false,
      isRetired: false,
      isClosed: false,
      isDisposed: false,
    };
    return this.current;
  }

  private async flush(group: readonly Entry[]): Promise<void[]> {
    let waiting = group;
    try {
      while (waiting.length > 0) {
        const gone: Entry[] = [];
        for (const [segment, entries] of Map.groupBy(waiting, (entry) => entry.segment)) {
          if (segment !== undefined && (await this.flushSegment(segment))) {
            entries.forEach((entry) => this.acknowledge(entry, segment));
          } else {
            gone.push(...entries);
          }
        }
        waiting = gone;
        for (const entry of gone) {
          this.giveUp(entry);
          this.write(entry);
        }
      }
      return group.map(() => undefined);
    } catch (error) {
      waiting.forEach((entry) => this.giveUp(entry));
      throw error;
    }
  }

  /** @returns whether the file still has its name */
  private async flushSegment(segment: Segment): Promise<boolean> {
    await flushData(segment.descriptor);
    try {
      if (!segment.isNamed) {
        await flushDirectory(this.directory);
        segment.isNamed = true;
      }
      await access(segment.file);
      return true;
    } catch (error) {
      if (!isAbsent(error)) {
        throw error;
      }
      return false;
    }
  }

  private acknowledge(entry: Entry, segment: Segment): void {
    entry.segment = undefined;
    this.segmentOf.set(entry.key, segment);
    segment.unflushed -= 1;
    this.settleBehind(this.settle(segment));
  }

  /** Takes an entry out of a file that takes no more lines: the next line must not continue half of this one. */
  private giveUp(entry: Entry): void {
    const { segment } = entry;
    if (segment !== undefined) {
      entry.segment = undefined;
      segment.entries -= 1;
      segment.unflushed -= 1;
      this.settleBehind(this.retire(segment));
    }
  }

  private retire(segment: Segment): Promise<void> {
    if (this.current === segment) {
      this.current = undefined;
    }
    segment.isRetired = true;
    return this.settle(segment);
  }

  /** Closes a retired file when no flush of it is under way, and disposes of it when its entries are forgotten. */
  private async settle(segment: Segment): Promise<void> {
    if (!segment.isRetired || segment.unflushed > 0) {
      return;
    }
    if (!segment.isClosed) {
      segment.isClosed = true;
      closeSync(segment.descriptor);
    }
    if (segment.entries === 0 && !segment.isDisposed) {
      segment.isDisposed = true;
      // A file without a complete line is of no use.
      await (segment.bytes === 0 ? rm(segment.file, { force: true }) : this.dispose(segment.file));
    }
  }

  /** A file that could not be removed is replayed later, without effect. */
  private settleBehind(settling: Promise<void>): void {
    settling.catch(() => undefined);
  }
}

/** Whether an error means that a file does not exist. */
export function isAbsent(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}

/** Flushes a directory: only then a new name in it survives a loss of power. */
async function flushDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
