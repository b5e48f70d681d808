import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { checkProcessFlags, findForbiddenFlags } from './process-flags.js';

describe('findForbiddenFlags', () => {
  it.each([
    '--inspect',
    '--inspect=0.0.0.0:9229',
    '--inspect-brk',
    '--inspect-port=1',
    '--heapsnapshot-signal=SIGUSR2',
    '--heapsnapshot_signal=SIGUSR2',
    '--heapsnapshot-near-heap-limit=1',
    '--abort-on-uncaught-exception',
    '--report-on-signal',
    '--report_on_signal',
    '--report-uncaught-exception',
    '--tls-keylog=/tmp/keys',
    '--import=./hook.js',
    '--import=./dist/main.js',
    '--import=',
    '--import',
    '--require=./hook.js',
    '-r',
    '--max-old-space-size-of-something-new=1',
  ])('finds %s on the command line and in NODE_OPTIONS (CR-17)', (flag) => {
    expect(findForbiddenFlags(['--enable-source-maps', flag], undefined)).toEqual([flag]);
    expect(findForbiddenFlags([], `--max-old-space-size=300 ${flag}`)).toEqual([flag]);
  });

  it.each([
    ['"--heapsnapshot-signal=SIGUSR2"', ['--heapsnapshot-signal=SIGUSR2']],
    ['--heapsnapshot-"signal"=SIGUSR2', ['--heapsnapshot-signal=SIGUSR2']],
    ['"--insp\\ect"', ['--inspect']],
    ['"--diagnostic-dir=/a b" --max-old-space-size=1', ['--diagnostic-dir=/a b']],
  ])('reads NODE_OPTIONS=%s as Node does (CR-17)', (nodeOptions, expected) => {
    expect(findForbiddenFlags([], nodeOptions)).toEqual(expected);
  });

  it('allows to import the tracing of Cufflink, and no other file (CR-17)', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cufflink-flags-'));
    try {
      // The place of this file after a build.
      const own = join(import.meta.dirname, '../tracing.js');
      const flag = `--import=${own}`;
      const copy = join(folder, 'tracing.js');
      await writeFile(copy, '');
      expect(findForbiddenFlags([flag], undefined)).toEqual(existsSync(own) ? [] : [flag]);
      expect(findForbiddenFlags([`--import=${copy}`], undefined)).toEqual([`--import=${copy}`]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('allows the sizes of the heap and stricter flags', () => {
    const flags = ['--max-semi-space-size=16', '--max_old_space_size=1024', '--heap-growing-percent=20'];
    expect(
      findForbiddenFlags([...flags, '--disable-sigusr1'], '--max-old-space-size=300  --enable-source-maps'),
    ).toEqual([]);
    expect(findForbiddenFlags([], undefined)).toEqual([]);
  });
});

describe('checkProcessFlags', () => {
  it('refuses a forbidden flag in production only, and lists the allowed ones (CR-17)', () => {
    const check = (mode: string) => (): void => checkProcessFlags(['--inspect'], { NODE_ENV: mode });
    expect(check('production')).toThrow(/^--inspect: .*--max-old-space-size/);
    expect(check('development')).not.toThrow();
  });
});
