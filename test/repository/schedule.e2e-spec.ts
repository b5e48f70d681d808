import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { checkout } from '../support/service-process.js';

describe('the simulation of the scheduler', () => {
  it('keeps up below its rate, and works off an hour of standstill without exceeding it (R-27)', async () => {
    const connections = 200_000;
    const perSecond = 80;
    const sizes = { connections, processes: 4, rate: perSecond / 4, responseMs: 100, stop: 3_600, sample: 1 };
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(checkout, 'bench/schedule.ts'),
      ...Object.entries(sizes).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ]);
    const figures = JSON.parse(stdout) as Readonly<Record<string, number>>;

    // Due 300 s before the end of an hour, less up to a tenth of it: 3,120 s on average.
    expect(figures['refreshes a second before the stop']).toBeGreaterThan((connections / 3_120) * 0.99);
    expect(figures['refreshes a second before the stop']).toBeLessThan((connections / 3_120) * 1.01);
    expect(figures['longest wait before the stop, s']).toBeLessThan(60);
    // Each was due within 3,300 s.
    expect(figures['due at the end of the stop']).toBe(connections);
    // A process that has just started may begin one second's worth at once.
    expect(figures['most refreshes that began in a second']).toBe(perSecond);
    expect(figures['backlog worked off after, s']).toBeGreaterThan(connections / perSecond - 5);
    expect(figures['backlog worked off after, s']).toBeLessThan((connections / perSecond) * 1.05);
    expect(figures['longest wait, the stop included, s']).toBeLessThan(3_610);
    expect(figures['backlog at the end']).toBeLessThan(perSecond * 10);
  });
});
