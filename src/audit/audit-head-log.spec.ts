import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { BackgroundJobs } from '../clock/background-jobs.js';
import { AuditHeadLog } from './audit-head-log.js';
import { formatHead, type SignedHead } from './audit-head.js';
import type { AuditTrail } from './audit-trail.js';

describe('the log of how far the audit trail reaches (LOG-05)', () => {
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  it('logs each head once, and the last one when the process ends', async () => {
    jest.useFakeTimers();
    const lines: unknown[] = [];
    jest.spyOn(Logger.prototype, 'log').mockImplementation((line: unknown) => void lines.push(line));
    const [first, second] = [1, 2].map((sequence) => ({ writer: 1, sequence, signature: Buffer.alloc(32, sequence) }));
    const trail: { head: SignedHead | undefined } = { head: undefined };
    const jobs = new BackgroundJobs();
    const log = new AuditHeadLog(trail as AuditTrail, jobs, { headLogMs: 1_000 });
    jobs.onApplicationBootstrap();
    await jest.advanceTimersByTimeAsync(2_500);
    expect(lines).toEqual([]);
    trail.head = first;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(lines).toEqual([formatHead(first as SignedHead)]);
    trail.head = second;
    await jobs.beforeApplicationShutdown();
    log.onApplicationShutdown();
    log.onApplicationShutdown();
    expect(lines).toEqual([first, second].map((head) => formatHead(head as SignedHead)));
  });
});
