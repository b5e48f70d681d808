import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { JournalSegments } from './journal-segments.js';

describe('JournalSegments', () => {
  let directory: string;
  let segments: JournalSegments;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cufflink-segments-'));
    segments = new JournalSegments(directory);
  });
  afterEach(async () => {
    await segments.close();
    await rm(directory, { recursive: true });
  });

  /** All lines in all files. */
  async function lines(): Promise<string[]> {
    const texts = await Promise.all((await readdir(directory)).map((file) => readFile(join(directory, file), 'utf8')));
    return texts.flatMap((text) => text.split('\n').slice(0, -1)).sort();
  }

  const names = Array.from({ length: 50 }, (_, index) => `entry-${index}`).sort();

  it('has every entry on the disk when its append resolves (R-01)', async () => {
    const appends = names.map(async (name) => {
      await segments.append(name, name);
      expect(await lines()).toContain(name);
    });
    await Promise.all(appends);
    expect(await lines()).toEqual(names);
  });

  it('has an entry in its file before its flush begins, and before those of earlier entries end (R-01)', async () => {
    const appends: Promise<void>[] = [];
    for (const name of names) {
      appends.push(segments.append(name, name));
      const texts = readdirSync(directory).map((file) => readFileSync(join(directory, file), 'utf8'));
      expect(texts.join('')).toContain(`${name}\n`);
    }
    await Promise.all(appends);
  });

  it('begins the next file without waiting for the flush of the last one (R-01)', async () => {
    const large = 'x'.repeat(2 * 1024 * 1024);
    const appends = ['one', 'two', 'three'].map((name) => segments.append(name, name + large));
    expect(readdirSync(directory)).toHaveLength(3);
    await Promise.all(appends);
    expect(await lines()).toEqual(['one', 'three', 'two'].map((name) => name + large));
  });

  it('disposes of a file when all its entries are forgotten, once, and with nothing written to it afterwards', async () => {
    const disposed: string[] = [];
    const kept = new JournalSegments(directory, async (file) => {
      disposed.push(await readFile(file, 'utf8'));
      await rm(file);
    });
    for (const round of ['a', 'b', 'c']) {
      const entries = names.map((name) => `${round}-${name}`);
      await Promise.all(entries.map((name) => kept.append(name, name)));
      expect(disposed.join('')).not.toContain(round);
      await Promise.all([...entries.map((name) => kept.forget(name)), kept.clear()]);
      await kept.close();
      expect(disposed.pop()?.split('\n').sort()).toEqual(['', ...entries]);
    }
    expect(disposed).toEqual([]);
  });

  it('removes a file when all its entries are forgotten, and only then', async () => {
    await Promise.all(names.map((name) => segments.append(name, name)));
    await Promise.all(names.slice(1).map((name) => segments.forget(name)));
    expect(await lines()).toContain(names[0]);
    await segments.forget(names[0] ?? '');
    await segments.clear();
    expect(await readdir(directory)).toEqual([]);
  });

  it('removes a file without being asked to', async () => {
    await segments.append('entry', 'entry');
    await segments.forget('entry');
    while ((await readdir(directory)).length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });

  it('keeps entries that are appended while others are forgotten', async () => {
    for (const name of names) {
      const appended = segments.append(name, name);
      await Promise.all([appended, segments.forget(`${name}-before`)]);
      await Promise.all([segments.append(`${name}-next`, `${name}-next`), segments.forget(name)]);
      expect(await lines()).toContain(`${name}-next`);
      await segments.forget(`${name}-next`);
      await segments.clear();
    }
    expect(await readdir(directory)).toEqual([]);
  });

  it('writes an entry again when its file was taken over before it was flushed (R-01)', async () => {
    await segments.append('first', 'first');
    const [file = ''] = await readdir(directory);
    await rename(join(directory, file), join(directory, 'taken'));
    await segments.append('second', 'second');
    await rm(join(directory, 'taken'));
    expect(await lines()).toEqual(['second']);
    await Promise.all([segments.forget('first'), segments.forget('second')]);
    await segments.clear();
    expect(await readdir(directory)).toEqual([]);
  });

  it('loses nothing to a process that takes a file over while it is written (R-01)', async () => {
    const taken: string[] = [];
    const takeOver = async (): Promise<void> => {
      for (const file of await readdir(directory)) {
        const name = join(directory, `${file}-taken`);
        await rename(join(directory, file), name);
        taken.push(...(await readFile(name, 'utf8')).split('\n').slice(0, -1));
        await rm(name);
      }
    };
    for (const name of names) {
      await Promise.all([segments.append(name, name), takeOver()]);
    }
    expect([...new Set([...taken, ...(await lines())])].sort()).toEqual(names);
  });

  it('reports that it cannot write', async () => {
    await rm(directory, { recursive: true });
    await expect(segments.append('entry', 'entry')).rejects.toMatchObject({ code: 'ENOENT' });
    await mkdir(directory);
    await segments.append('entry', 'entry');
    expect(await lines()).toEqual(['entry']);
  });
});
