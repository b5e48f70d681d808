import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KeptEntries } from './kept-entries.js';

const keepMs = 3_600_000;
const nowMs = Date.UTC(2026, 10, 30);

describe('KeptEntries', () => {
  let directory: string;
  let kept: KeptEntries;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cufflink-kept-'));
    kept = new KeptEntries(directory, { keepMs, maxBytes: 10_000 });
  });
  afterEach(() => rm(directory, { recursive: true }));

  /** Writes a file as a process leaves it, with an entry for each id. */
  async function write(name: string, ids: readonly string[], ageMs = 0): Promise<string> {
    const file = join(directory, name);
    await writeFile(file, ids.map((id) => `${lineOf(id)}\n`).join(''));
    const at = new Date(nowMs - ageMs);
    await utimes(file, at, at);
    return file;
  }

  async function readAll(): Promise<string[]> {
    const all: string[] = [];
    await kept.readNewestFirst(async (lines) => void all.push(...lines));
    return all;
  }

  it('keeps a file under another name, with the age of its last entry', async () => {
    const id = randomUUID();
    await kept.keep(await write('one.journal', [id], 1_000));
    expect(await readdir(directory)).toEqual(['one.kept']);
    expect((await stat(join(directory, 'one.kept'))).mtimeMs).toBe(nowMs - 1_000);
    expect(await readAll()).toEqual([lineOf(id)]);
  });

  it('keeps nothing when it is switched off, nor a file that somebody else has taken', async () => {
    await new KeptEntries(directory, { keepMs: 0, maxBytes: 1 }).keep(await write('one.journal', [randomUUID()]));
    await kept.keep(join(directory, 'other.journal'));
    expect(await readdir(directory)).toEqual([]);
  });

  it('does not keep entries of connections that have ended (TE-11)', async () => {
    const [gone, stays] = [randomUUID(), randomUUID()];
    await kept.keep(await write('one.journal', [gone, stays, gone]), new Set([gone]));
    await kept.keep(await write('two.journal', [gone]), new Set([gone]));
    expect(await readdir(directory)).toEqual(['one.kept']);
    expect(await readAll()).toEqual([lineOf(stays)]);
  });

  it('erases all entries of a connection and no other, and no file gets younger by it (LOG-08)', async () => {
    const [gone, stays] = [randomUUID(), randomUUID()];
    await write('one.kept', [gone, stays], 2_000);
    await write('two.kept', [gone], 1_000);
    await write('three.kept', [stays], 0);
    await Promise.all([kept.erase(gone), kept.erase(randomUUID())]);
    expect((await readdir(directory)).sort()).toEqual(['one.kept', 'three.kept']);
    expect(await readAll()).toEqual([lineOf(stays), lineOf(stays)]);
    expect((await stat(join(directory, 'one.kept'))).mtimeMs).toBe(nowMs - 2_000);
  });

  it('reads the newest entries first, and reads a file again that was renamed while others were read', async () => {
    const ids = Array.from({ length: 4 }, () => randomUUID());
    await write('a.kept', ids.slice(0, 1), 3_000);
    const file = await write('b.journal', ids.slice(1, 3), 2_000);
    await write('c.kept', ids.slice(3), 1_000);
    const all: string[] = [];
    await kept.readNewestFirst(async (lines) => {
      if (all.length === 0) {
        await rename(file, join(directory, 'b.kept'));
      }
      all.push(...lines);
    });
    expect(all).toEqual([ids[3], ids[0], ids[2], ids[1]].map((id) => lineOf(id ?? '')));
  });

  it('ignores half a line at the end of a file', async () => {
    const id = randomUUID();
    const file = await write('one.kept', [id]);
    await writeFile(file, (await readFile(file, 'utf8')) + lineOf(randomUUID()).slice(0, 60));
    expect(await readAll()).toEqual([lineOf(id)]);
  });

  it('removes entries that are too old, and leaves uncommitted ones', async () => {
    await write('old.kept', [randomUUID()], keepMs + 1);
    await write('old.kept.1.unfinished', [randomUUID()], keepMs + 1);
    await write('young.kept', [randomUUID()], keepMs);
    await write('old.journal', [randomUUID()], 2 * keepMs);
    expect(await kept.prune(nowMs)).toBeUndefined();
    expect((await readdir(directory)).sort()).toEqual(['old.journal', 'young.kept']);
  });

  it('removes the oldest files beyond the limit of bytes, and returns the time that they were kept', async () => {
    const ids = Array.from({ length: 50 }, () => randomUUID());
    const { size } = await stat(await write('first.kept', ids, 1_000));
    expect(size).toBeGreaterThan(3_334);
    expect(size).toBeLessThan(5_000);
    await write('second.kept', ids, 2_000);
    await write('third.kept', ids, 3_000);
    await write('fourth.kept', ids, 4_000);
    expect(await kept.prune(nowMs)).toBe(3_000);
    expect((await readdir(directory)).sort()).toEqual(['first.kept', 'second.kept']);
  });
});

function lineOf(id: string): string {
  return `{"owner":"AAAA","provider":"whoop","id":"${id}"}`;
}
