import { describe, expect, it } from '@jest/globals';
import { findRevealingFlags } from './process-flags.js';

describe('findRevealingFlags', () => {
  it.each([
    '--inspect',
    '--inspect=0.0.0.0:9229',
    '--inspect-brk',
    '--heapsnapshot-signal=SIGUSR2',
    '--heapsnapshot-near-heap-limit=1',
    '--abort-on-uncaught-exception',
    '--report-on-signal',
  ])('CR-17 finds %s on the command line and in NODE_OPTIONS', (flag) => {
    expect(findRevealingFlags(['--enable-source-maps', flag], undefined)).toEqual([flag]);
    expect(findRevealingFlags([], `--max-old-space-size=300 ${flag}`)).toEqual([flag]);
  });

  it('lets others be', () => {
    expect(findRevealingFlags(['--enable-source-maps'], '--max-old-space-size=300  --no-warnings')).toEqual([]);
    expect(findRevealingFlags([], undefined)).toEqual([]);
  });
});
