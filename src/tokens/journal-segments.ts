import { randomUUID } from 'node:crypto';
import { access, type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MicroBatch } from '../database/micro-batch.js';

/** Files of the journal end with this. */
export const segmentExtension = '.journal';
/** A segment takes no more entries when it is this large, or this old; a segment that stays for longer was left over. */
const maxSegmentBytes = 1024 * 1024;
const maxSegmentAgeMs = 1_000;

/** How long a file without entries waits for the next ones, in milliseconds. A sweep forgets a group of them right before the next. */
const lingerMs = 100;
/** No more refreshes run in a process. */
const limits = { maxItems: 1_000, maxWaiting: 10_000 };

interface Segment {
  readonly file: string;
  readonly handle: FileHandle;
  readonly openedAt: number;
  bytes: number;
  /** Entries that nobody has forgotten yet. */
  entries: number;
}

interface Entry {
  readonly key: string;
  readonly line: string;
}

/**
 * The part of the journal that this process writes: files to which entries are appended, a line each.
 *
 * Entries that come while others are being flushed to the disk go together with the next flush, so that many refreshes at once
 * pay for one. A file is removed soon after all its entries are forgotten.
 *
 * Somebody else may take a file over by giving it another name, and remove it when its entries are committed. So the name is
 * looked at after each flush: if it is gone, what was flushed may not have been seen, and is written again, to a new file.
 */
export class JournalSegments {
  private readonly batch = new MicroBatch<Entry, void>((group) => this.write(group), limits);
  private current: Segment | undefined;
  private lingering: NodeJS.Timeout | undefined;
  private readonly segmentOf = new Map<string, Segment>();

  constructor(private readonly directory: string) {}

  /**
   * Writes an entry down.
   *
   * @param key - to forget it by
   * @param line - without a line end in it
   * @returns when it is on the disk
   * @throws the file system's error; the entry may be on the disk or not
   */
  append(key: string, line: string): Promise<void> {
    return this.batch.add({ key, line });
  }

  /** Forgets an entry that need not be replayed any more. Does nothing when it is not known. */
  async forget(key: string): Promise<void> {
    const segment = this.segmentOf.get(key);
    if (segment === undefined) {
      return;
    }
    this.segmentOf.delete(key);
    segment.entries -= 1;
    if (segment.entries > 0) {
      return;
    }
    if (segment === this.current) {
      clearTimeout(this.lingering);
      // What cannot be removed is replayed later, to no effect.
      this.lingering = setTimeout(() => {
        this.clear().catch(() => undefined);
      }, lingerMs).unref();
    } else {
      await rm(segment.file, { force: true });
    }
  }

  /** Removes the file that waits for entries, if it has none. */
  async clear(): Promise<void> {
    clearTimeout(this.lingering);
    if (this.current?.entries === 0) {
      await this.retire(this.current);
    }
  }

  /** Writes no more to the file at hand; it stays while it has entries. */
  async close(): Promise<void> {
    clearTimeout(this.lingering);
    if (this.current !== undefined) {
      await this.retire(this.current);
    }
  }

  private async write(group: readonly Entry[]): Promise<void[]> {
    const bytes = Buffer.from(group.map(({ line }) => `${line}\n`).join(''), 'utf8');
    for (;;) {
      const segment = await this.reserve(group.length);
      try {
        await segment.handle.appendFile(bytes);
        await segment.handle.datasync();
        segment.bytes += bytes.length;
        await access(segment.file);
        return group.map(({ key }) => void this.segmentOf.set(key, segment));
      } catch (error) {
        segment.entries -= group.length;
        // What comes next must not be joined to half a line.
        await this.retire(segment);
        if (!isAbsent(error)) {
          throw error;
        }
      }
    }
  }

  /** Returns a file to write to, with the entries counted already: forgetting the others must not remove it meanwhile. */
  private async reserve(entries: number): Promise<Segment> {
    clearTimeout(this.lingering);
    const { current } = this;
    if (current !== undefined) {
      if (current.bytes < maxSegmentBytes && performance.now() - current.openedAt < maxSegmentAgeMs) {
        current.entries += entries;
        return current;
      }
      await this.retire(current);
    }
    const file = join(this.directory, `${randomUUID()}${segmentExtension}`);
    const handle = await open(file, 'ax', 0o600);
    try {
      await flushDirectory(this.directory);
    } catch (error) {
      await handle.close();
      throw error;
    }
    this.current = { file, handle, openedAt: performance.now(), bytes: 0, entries };
    return this.current;
  }

  private async retire(segment: Segment): Promise<void> {
    if (this.current === segment) {
      this.current = undefined;
    }
    await segment.handle.close();
    if (segment.entries === 0) {
      await rm(segment.file, { force: true });
    }
  }
}

/** Whether a file is not there. */
export function isAbsent(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}

/** A new name survives a loss of power only when its directory is on the disk as well. */
async function flushDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
