import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Erasure } from './erasure-store.js';
import { usersConfig, type UsersConfig } from './users.config.js';

const lineSchema = z.object({
  user_digest: z.string().regex(/^[0-9a-f]{64}$/),
  erased_at: z.coerce.date(),
});

/**
 * Erasures in a file outside the database. A restored backup lacks the erasures since then; this file repeats them
 * there (LOG-08). It has one JSON object a line, with a keyed digest in place of the user's id. Without a file nothing
 * is written.
 */
@Injectable()
export class ErasureLog {
  constructor(@Inject(usersConfig.KEY) private readonly config: UsersConfig) {}

  /** Appends an erasure and flushes it to the disk. */
  async append({ userDigest, erasedAt }: Erasure): Promise<void> {
    const { erasureLogFile } = this.config;
    if (erasureLogFile === undefined) {
      return;
    }
    const line = { user_digest: userDigest.toString('hex'), erased_at: erasedAt.toISOString() };
    await mkdir(dirname(erasureLogFile), { recursive: true, mode: 0o700 });
    const handle = await open(erasureLogFile, 'a+', 0o600);
    try {
      await handle.appendFile(`${(await isCutOff(handle)) ? '\n' : ''}${JSON.stringify(line)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /**
   * Reads a file of erasures.
   *
   * @param file - that of the settings unless given
   * @throws Error when it cannot be read, or a line of it is not an erasure. A cut-off line at the end is ignored.
   */
  async read(file = this.config.erasureLogFile): Promise<Erasure[]> {
    if (file === undefined) {
      return [];
    }
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw new Error(`The erasure log ${file} cannot be read. Nothing was erased.`, { cause: error });
    });
    const lines = text.split('\n').slice(0, -1);
    return lines.flatMap((line, index) => {
      const parsed = lineSchema.safeParse(parseJson(line));
      if (parsed.success) {
        return [{ userDigest: Buffer.from(parsed.data.user_digest, 'hex'), erasedAt: parsed.data.erased_at }];
      }
      if (isBeginning(line)) {
        return [];
      }
      throw new Error(`Line ${index + 1} of the erasure log is not a valid erasure. Nothing was erased.`);
    });
  }
}

/** Tells whether a file ends in the middle of a line: its process was killed, or the disk was full. */
async function isCutOff(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat();
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
  return size > 0 && buffer.toString() !== '\n';
}

function isBeginning(line: string): boolean {
  const first = '{"user_digest":';
  return line.slice(0, first.length) === first.slice(0, line.length) && !line.endsWith('}');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
