import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { checkout, startProcess } from './support/service-process.js';

describe('node dist/main.js in production', () => {
  it.each([
    ['--heapsnapshot-signal=SIGUSR2', {}],
    ['--enable-source-maps', { NODE_OPTIONS: '--heapsnapshot-signal=SIGUSR2' }],
  ])('CR-17 does not start with %s and %j, which let others read its memory', async (flag, options) => {
    const service = startProcess([flag, join(checkout, 'dist/main.js')], checkout, {
      NODE_ENV: 'production',
      ...options,
    });
    const { status } = await service.ended();
    expect({ status, text: service.stderr() }).toEqual({
      status: 1,
      text: expect.stringContaining('--heapsnapshot-signal=SIGUSR2 would let others read'),
    });
  });
});
