import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { takeExclusiveLock, withExclusiveLock } from './exclusive-lock.js';

const TIMEOUT_MS = 10_000;
const HOLD_FOREVER = `
  import { DatabaseSync } from 'node:sqlite';
  new DatabaseSync(process.argv[1]).exec('BEGIN EXCLUSIVE');
  console.log('held');
  setInterval(() => {}, 1000);
`;

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cufflink-lock-'));
  file = join(folder, 'lock');
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('withExclusiveLock', () => {
  it('lets callers in one process take turns', async () => {
    const steps: string[] = [];
    const turn = (name: string) =>
      withExclusiveLock(file, TIMEOUT_MS, async () => {
        steps.push(`${name} in`);
        await new Promise(setImmediate);
        steps.push(`${name} out`);
      });

    await Promise.all([turn('first'), turn('second')]);

    expect(steps).toEqual(['first in', 'first out', 'second in', 'second out']);
  });

  it('is free again after an action that fails', async () => {
    const failing = withExclusiveLock(file, TIMEOUT_MS, () => Promise.reject(new Error('on purpose')));
    await expect(failing).rejects.toThrow('on purpose');

    await expect(withExclusiveLock(file, 0, async () => 'done')).resolves.toBe('done');
  });

  it('is refused while another process holds it, and free once that process is killed', async () => {
    const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLD_FOREVER, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      await expect(withExclusiveLock(file, 0, async () => 'done')).rejects.toThrow(/Another process holds/);
    } finally {
      const ended = once(holder, 'exit');
      holder.kill('SIGKILL');
      await ended;
    }

    await expect(withExclusiveLock(file, 0, async () => 'done')).resolves.toBe('done');
  });

  it('names the file when it cannot be opened', async () => {
    const unusable = join(folder, 'absent', 'lock');
    await expect(withExclusiveLock(unusable, 0, async () => 'done')).rejects.toThrow(`Cannot lock ${unusable}`);
  });
});

describe('takeExclusiveLock', () => {
  it('holds the lock until it is released', async () => {
    const release = await takeExclusiveLock(file, 0);
    await expect(takeExclusiveLock(file, 0)).resolves.toBeUndefined();
    await expect(withExclusiveLock(file, 0, () => Promise.resolve())).rejects.toThrow(/Another process holds/);
    release?.();
    const again = await takeExclusiveLock(file, 0);
    expect(again).toBeDefined();
    again?.();
  });
});
