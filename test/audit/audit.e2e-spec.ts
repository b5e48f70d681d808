import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AuditStore } from '../../src/audit/audit-store.js';
import { AuditTrail } from '../../src/audit/audit-trail.js';
import type { AuditEvent } from '../../src/audit/audit-event.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { changeRows, hideTable } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const event: AuditEvent = { action: 'link.started', outcome: 'success', actor: 'api-key:0123' };

interface Row {
  writer: number;
  sequence: string;
  recorded_at: Date;
  action: string;
  actor: string;
  user_digest: Buffer | null;
  request_id: string | null;
}

describe('the audit trail', () => {
  let application: TestApplication;
  let trail: AuditTrail;
  let append: jest.SpiedFunction<AuditStore['append']>;

  beforeEach(async () => {
    application = await startApplication();
    trail = application.app.get(AuditTrail);
    append = jest.spyOn(application.app.get(AuditStore), 'append');
  });
  afterEach(() => application.close());

  /** The entries of this test, without those of the keys that the application was started with. */
  const rows = () =>
    queryDatabase<Row>(
      application.databaseUrl,
      `SELECT * FROM audit_entries WHERE action NOT LIKE 'api_key.%' ORDER BY writer, sequence`,
    );
  const places = async () => (await rows()).map(({ writer, sequence }) => [writer, Number(sequence)]);

  it('has actor, action, time and outcome when a record resolves (LOG-05)', async () => {
    const before = application.clock.now();

    await trail.record({
      action: 'token.refresh_failed',
      outcome: 'failed',
      actor: 'api-key:0123',
      userId: 'user-1',
      provider: 'whoop',
      connectionId: '0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69',
      code: 'PROVIDER_UNAVAILABLE',
      requestId: 'req-1',
    });

    const [row] = await rows();
    expect(row).toMatchObject({
      action: 'token.refresh_failed',
      outcome: 'failed',
      actor: 'api-key:0123',
      provider: 'whoop',
      connection_id: '0b8f6c1e-6a5e-4b39-9f0e-1f2d3c4b5a69',
      code: 'PROVIDER_UNAVAILABLE',
      request_id: 'req-1',
    });
    expect(Number(row?.recorded_at) - Number(before)).toBeLessThan(10_000);
    expect(Number(row?.recorded_at)).toBeGreaterThanOrEqual(Number(before));
  });

  it('keeps a keyed digest of the user, equal for equal users, and never the id (LOG-08)', async () => {
    await trail.record({ ...event, userId: 'canary-user' });
    await trail.record({ ...event, userId: 'canary-user' });
    await trail.record({ ...event, userId: 'other-user' });

    const digests = (await rows()).map((row) => row.user_digest?.toString('hex'));
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(digests[1]).toBe(digests[0]);
    expect(digests[2]).not.toBe(digests[0]);
    const dump = await queryDatabase<{ text: string }>(
      application.databaseUrl,
      'SELECT audit_entries::text AS text FROM audit_entries',
    );
    expect(JSON.stringify(dump)).not.toContain('canary-user');
  });

  it('writes entries that arrive during a write as one group, in order and without a gap (LOG-06)', async () => {
    await Promise.all(
      Array.from({ length: 1_200 }, (_, index) => trail.record({ ...event, requestId: `request-${index}` })),
    );

    expect(append.mock.calls.map(([, entries]) => entries.length)).toEqual([500, 500, 200]);
    const stored = await rows();
    expect(stored.map(({ sequence }) => Number(sequence))).toEqual(Array.from({ length: 1_200 }, (_, at) => at + 2));
    expect(stored.map((row) => row.request_id)).toEqual(Array.from({ length: 1_200 }, (_, at) => `request-${at}`));
  });

  it('rejects when the entry cannot be written, and continues with a new chain (LOG-06)', async () => {
    await trail.record(event);
    const bringBack = await hideTable(application.databaseUrl, 'audit_entries');

    const failed = Promise.all([trail.record(event), trail.record(event)]);
    await expect(failed).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryAfterSeconds: 5 });

    await bringBack();
    await trail.record(event);
    await expect(places()).resolves.toEqual([
      [1, 2],
      [2, 1],
    ]);
  });

  it('adds nothing behind a chain that somebody has set back, and continues with a new one (LOG-05)', async () => {
    await trail.record(event);
    await trail.record(event);
    await changeRows(application.databaseUrl, 'audit_writers', { head_sequence: 1 }, { number: 1 });
    await queryDatabase(application.databaseUrl, 'DELETE FROM audit_entries WHERE writer = 1 AND sequence > 1');

    await expect(trail.record(event)).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    expect(await places()).toEqual([]);

    await trail.record(event);
    expect(await places()).toEqual([[2, 1]]);
  });

  it('takes the next number for a new chain where another process has just taken the one that was free (LOG-05)', async () => {
    const store = application.app.get(AuditStore);
    append.mockRejectedValueOnce(new Error('It went away.'));
    await expect(trail.record(event)).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    jest.spyOn(store, 'findLatestWriter').mockResolvedValueOnce(undefined);
    await trail.record(event);
    expect(await places()).toEqual([[2, 1]]);
  });

  it('is not stopped while an entry is being written (LOG-05)', async () => {
    const store = application.app.get(AuditStore);
    const held = Promise.withResolvers<void>();
    append.mockImplementationOnce(async (...call) => {
      await held.promise;
      await AuditStore.prototype.append.apply(store, call);
    });
    const recording = trail.record(event);
    await until('it is being written', () => append.mock.calls.length === 1);
    let isStopped = false;
    const stopping = trail.beforeApplicationShutdown().then(() => (isStopped = true));
    expect(await places()).toEqual([]);
    expect(isStopped).toBe(false);
    held.resolve();
    await stopping;
    expect(await places()).toEqual([[1, 2]]);
    await recording;
  });

  it('rejects at once when too many entries wait (LOG-06)', async () => {
    const waiting = Array.from({ length: 10_001 }, () => trail.record(event));
    const outcomes = await Promise.allSettled(waiting);

    expect(outcomes.slice(0, 10_000).filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(outcomes[10_000]).toMatchObject({ reason: { code: 'DATABASE_UNAVAILABLE' } });
    await expect(trail.record(event)).resolves.toBeUndefined();
  });

  it('gives every process a chain of its own, also when they begin at the same moment (LOG-05)', async () => {
    const { databaseUrl, rootKey, sandbox, clock } = application;
    const options = { databaseUrl, rootKey, sandbox, clock };
    const others = [await startApplication(options), await startApplication(options)];
    try {
      const trails = [application, ...others].map(({ app }) => app.get(AuditTrail));
      await Promise.all(trails.flatMap((each) => [each.record(event), each.record(event)]));
    } finally {
      await Promise.all(others.map((other) => other.close()));
    }

    await expect(places()).resolves.toEqual([1, 2, 3].flatMap((writer) => [2, 3].map((at) => [writer, at])));
  });

  it('writes everything that was being recorded before it stops (LOG-05)', async () => {
    const recorded = trail.record(event);
    await application.app.close();

    await expect(recorded).resolves.toBeUndefined();
    await expect(rows()).resolves.toHaveLength(1);
  });
});
