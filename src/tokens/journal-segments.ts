import { randomUUID } from 'node:crypto';
import { access, type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Files of the journal end with this. */
export const segmentExtension = '.journal';
/** A segment takes no more entries when it is this large, or this old; a segment that stays for longer was left over. */
const maxSegmentBytes = 1024 * 1024;
const maxSegmentAgeMs = 1_000;

interface Segment {
  readonly file: string;
  readonly handle: FileHandle;
  readonly openedAt: number;
  bytes: number;
  /** Entries that nobody has forgotten yet. */
  entries: number;
}

interface WaitingEntry {
  readonly key: string;
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The part of the journal that this process writes: files to which entries are appended, a line each.
 *
 * Entries that come while others are being flushed to the disk go together with the next flush, so that many refreshes at once
 * pay for one. A file is removed when all its entries are forgotten.
 *
 * Somebody else may take a file over by giving it another name, and remove it when its entries are committed. So the name is
 * looked at after each flush: if it is gone, what was flushed may not have been seen, and is written again, to a new file.
 */
export class JournalSegments {
  private waiting: WaitingEntry[] = [];
  private writing: Promise<void> | undefined;
  private current: Segment | undefined;
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
    return new Promise((resolve, reject) => {
      this.waiting.push({ key, line, resolve, reject });
      this.writing ??= this.writeAll();
    });
  }

  /** Forgets an entry that need not be replayed any more. Does nothing when it is not known. */
  async forget(key: string): Promise<void> {
    const segment = this.segmentOf.get(key);
    if (segment === undefined) {
      return;
    }
    this.segmentOf.delete(key);
    segment.entries -= 1;
    if (segment.entries === 0) {
      if (segment === this.current) {
        this.current = undefined;
        await segment.handle.close();
      }
      await rm(segment.file, { force: true });
    }
  }

  private async writeAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const group = this.waiting;
      this.waiting = [];
      try {
        await this.write(group);
        group.forEach(({ resolve }) => resolve());
      } catch (error) {
        group.forEach(({ reject }) => reject(error));
      }
    }
    // In the same turn as the last look at the queue: an entry that comes later has to start a new run.
    this.writing = undefined;
  }

  private async write(group: readonly WaitingEntry[]): Promise<void> {
    const bytes = Buffer.from(group.map(({ line }) => `${line}\n`).join(''), 'utf8');
    for (;;) {
      const segment = await this.reserve(group.length);
      try {
        await segment.handle.appendFile(bytes);
        await segment.handle.datasync();
        segment.bytes += bytes.length;
        await access(segment.file);
        group.forEach(({ key }) => this.segmentOf.set(key, segment));
        return;
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
    this.current = { file, handle, openedAt: performance.now(), bytes: 0, entries };
    await flushDirectory(this.directory);
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
