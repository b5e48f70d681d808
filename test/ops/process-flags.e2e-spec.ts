import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { checkout, startProcess } from '../support/service-process.js';

describe.each([
  ['dist/main.js', [], 1],
  ['dist/main.js', ['worker'], 1],
  ['dist/cli/main.js', ['keys', 'inventory'], 2],
])('node %s %j in production', (file, args, exitStatus) => {
  it.each([
    ['--heapsnapshot-signal=SIGUSR2', '', '--heapsnapshot-signal=SIGUSR2'],
    ['--report_on_signal', '', '--report_on_signal'],
    ['--enable-source-maps', '"--heapsnapshot_signal=SIGUSR2"', '--heapsnapshot_signal=SIGUSR2'],
    ['--enable-source-maps', '--tls-keylog=keys.log', '--tls-keylog=keys.log'],
  ])(
    'does not start with %s and NODE_OPTIONS=%s, which let others read its memory (CR-17)',
    async (flag, options, named) => {
      const service = startProcess([flag, join(checkout, file), ...args], checkout, {
        NODE_ENV: 'production',
        NODE_OPTIONS: options,
      });
      const { status } = await service.ended();
      expect({ status, text: service.stderr() }).toEqual({
        status: exitStatus,
        text: expect.stringContaining(`${named}: these Node flags can let others read`),
      });
    },
  );
});
