import { describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { KeyUnavailableError } from '../../src/errors/connection.errors.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import type { ConnectionKey, SealedTokenSet } from '../../src/tokens/store/connection.js';
import { RefreshLeases } from '../../src/tokens/refresh/refresh-leases.js';
import { dueConnections } from '../../src/tokens/tokens.metrics.js';
import { unreadable } from '../../src/tokens/tokens.metrics.js';
import { RefreshService } from '../../src/tokens/refresh/refresh.service.js';
import { VaultService } from '../../src/vault/vault.service.js';
import { findViolations, refreshesOf } from '../support/history-checker.js';
import { held } from '../support/fake-providers.js';
import { changeRows, damageSealedTokens, deleteRows, rowsOf } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import {
  beginSweeping,
  busiestSecond,
  dayMs,
  linkMany,
  look,
  makeDue,
  minuteMs,
  pass,
  refreshCount,
  slug,
  untilSwept,
  useSweepers,
} from '../support/sweeps.js';

/** How many connections R-25 has; 1,000 in the long form. */
const poisonCount = Number(process.env['SCHEDULER_CONNECTIONS'] ?? 200);

const { start } = useSweepers();

describe('the refresh scheduler', () => {
  it('refreshes due connections, the longest overdue first, and nothing else', async () => {
    const application = await start({ environment: { PROVIDER_CONCURRENCY: '1' } });
    const fake = application.sandbox.provider(slug);
    const connections = await linkMany(application, 4);
    const overdue = { 'user-2': 30, 'user-0': 20, 'user-3': 10 };
    for (const [userId, minutes] of Object.entries(overdue)) {
      await queryDatabase(
        application.databaseUrl,
        `UPDATE connections SET refresh_due_at = now() - $2 * interval '1 minute' WHERE user_id = $1`,
        [userId, minutes],
      );
    }

    beginSweeping(application);
    await untilSwept(application);

    const users = new Map(connections.map(({ familyId, userId }) => [familyId, userId]));
    const refreshed = fake.history.filter(({ kind }) => kind === 'refresh');
    expect(refreshed.map(({ familyId }) => users.get(familyId ?? ''))).toEqual(Object.keys(overdue));
    await expect(findViolations({ fake, vault: application.app, connections })).resolves.toEqual([]);
  });

  it('learns when each connection is due: by the link, by a refresh, by a failure, and once a day by an end', async () => {
    const application = await start({ environment: { REFRESH_CONFIRMATION_SECONDS: '0' } });
    const fake = application.sandbox.provider(slug);
    const [connection] = await linkMany(application, 1);
    const path = `/v1/users/${connection?.userId}/connections/${slug}/refresh`;
    const dueInMinutes = async (): Promise<number | null> => {
      const [row] = await queryDatabase<{ minutes: number | null }>(
        application.databaseUrl,
        'SELECT (extract(epoch FROM refresh_due_at - now()) / 60)::float8 AS minutes FROM connections',
      );
      return row?.minutes ?? null;
    };

    // An hour's token, five minutes of margin, a tenth of jitter.
    expect(await dueInMinutes()).toBeGreaterThan(48);
    expect(await dueInMinutes()).toBeLessThan(55);
    await changeRows(application.databaseUrl, 'connections', { refresh_due_at: 'now' });
    await application.api.post(path).expect(200);
    expect(await dueInMinutes()).toBeGreaterThan(48);
    fake.misbehave({ endpoint: 'refresh', type: 'status', code: 503, headers: { 'retry-after': '1200' } });
    await application.api.post(path).expect(503);
    expect(await dueInMinutes()).toBeGreaterThan(19);
    expect(await dueInMinutes()).toBeLessThan(21);
    await changeRows(application.databaseUrl, 'connections', { retry_at: null });
    await deleteRows(application.databaseUrl, 'circuit_breakers');
    fake.revokeGrant('7000');
    await application.api.post(path).expect(503);
    await changeRows(application.databaseUrl, 'connections', { retry_at: null });
    await application.api.post(path).expect(409);
    // Once more in a day, which tells a mistaken end.
    expect(await dueInMinutes()).toBeGreaterThan(21 * 60);
    expect(await dueInMinutes()).toBeLessThanOrEqual(24 * 60);
  });

  it('keeps refresh tokens alive for sixty days without a caller, without a peak (R-22)', async () => {
    const application = await start();
    const provider = 'garmin';
    const fake = application.sandbox.provider(provider);
    // Its refresh tokens die after ninety days unused; the access token alone would let them.
    fake.accessTokenLifetimeSeconds = 365 * 86_400;
    const startedAt = application.clock.now().getTime();
    const connections = await linkMany(application, 40, provider);
    beginSweeping(application);

    for (let step = 0; step < 120; step += 1) {
      await pass(application, dayMs / 2);
      if ((await look(application)).due > 0) {
        // The scheduler sleeps until what was due next; the clock it goes by was moved under it.
        beginSweeping(application);
        await untilSwept(application);
      }
    }

    const gaps = connections.flatMap(({ familyId }) => {
      const instants = [
        startedAt,
        ...refreshesOf(fake, familyId).map(({ at }) => at),
        application.clock.now().getTime(),
      ];
      return instants.slice(1).map((at, index) => at - (instants[index] ?? 0));
    });
    expect(Math.max(...gaps)).toBeLessThanOrEqual(45.5 * dayMs);
    const perHalfDay = Map.groupBy(
      fake.history.filter(({ kind }) => kind === 'refresh'),
      ({ at }) => Math.floor((at - startedAt) / (dayMs / 2)),
    );
    expect(Math.max(...[...perHalfDay.values()].map(({ length }) => length))).toBeLessThanOrEqual(10);
    await expect(findViolations({ fake, vault: application.app, connections })).resolves.toEqual([]);
  });

  it('without a scheduler refresh tokens stay unused for sixty days (R-22)', async () => {
    const application = await start();
    const connections = await linkMany(application, 1, 'garmin');
    for (let step = 0; step < 60; step += 1) {
      await pass(application, dayMs);
    }
    expect(refreshesOf(application.sandbox.provider('garmin'), connections[0]?.familyId ?? '')).toEqual([]);
  });

  it(`refreshes ${poisonCount - 1} of ${poisonCount} connections on time when the stored tokens of one do not open (R-25)`, async () => {
    const application = await start();
    const { databaseUrl, sandbox } = application;
    const fake = sandbox.provider(slug);
    const connections = await linkMany(application, poisonCount);
    const [poisoned, ...others] = connections;
    await damageSealedTokens(databaseUrl, poisoned?.userId ?? '');
    await makeDue(application);
    const errors = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const before = await total(unreadable);

    beginSweeping(application);
    await untilSwept(application);

    const counts = connections.map(({ familyId }) => refreshesOf(fake, familyId).length);
    expect(counts).toEqual([0, ...others.map(() => 1)]);
    await expect(findViolations({ fake, vault: application.app, connections: others })).resolves.toEqual([]);
    const [row] = await queryDatabase<object>(
      databaseUrl,
      `SELECT status, last_error_code, failed_attempts, attempt_started_at, retry_at,
         refresh_due_at > now() + interval '30 seconds' AS waits FROM connections WHERE user_id = $1`,
      [poisoned?.userId],
    );
    expect(row).toEqual({
      status: 'active',
      last_error_code: 'TOKEN_UNREADABLE',
      failed_attempts: 1,
      attempt_started_at: null,
      retry_at: null,
      waits: true,
    });
    expect((await total(unreadable)) - before).toBe(1);
    expect(errors.mock.calls.flat().join(' ')).toContain('TOKEN_UNREADABLE');
  });

  it('leaves the due time unchanged during a lease, so that a lease changes no index', async () => {
    const application = await start();
    await linkMany(application, 3);
    await makeDue(application);
    const dueAt = () =>
      queryDatabase(application.databaseUrl, 'SELECT user_id, refresh_due_at FROM connections ORDER BY 1');
    const before = await dueAt();
    const room = { provider: slug, wanted: 2, lengthMs: minuteMs, inDoubtHoldMs: 2 * minuteMs };
    expect(await application.app.get(RefreshLeases).acquireDue([room], 3)).toHaveLength(2);
    expect(await dueAt()).toEqual(before);
    expect(await look(application)).toEqual({ due: 3, leased: 2, in_doubt: 2 });
  });

  it('has the next refresh call the provider while the tokens of the one before are being stored', async () => {
    const stored = Promise.withResolvers<void>();
    class SlowStore extends ConnectionStore {
      override async saveRefreshed(key: ConnectionKey, tokens: SealedTokenSet): Promise<boolean> {
        await stored.promise;
        return super.saveRefreshed(key, tokens);
      }
    }
    const application = await start({
      environment: { PROVIDER_CONCURRENCY: '1' },
      override: (builder) => builder.overrideProvider(ConnectionStore).useClass(SlowStore),
    });
    const connections = await linkMany(application, 2);
    const fake = application.sandbox.provider(slug);
    const refreshing = connections.map(({ userId }) =>
      application.api.post(`/v1/users/${userId}/connections/${slug}/refresh`).then(({ status }) => status),
    );
    try {
      await until('the provider has both', () => refreshCount(fake) === connections.length);
    } finally {
      stored.resolve();
    }
    expect(await Promise.all(refreshing)).toEqual([200, 200]);
    await expect(findViolations({ fake, vault: application.app, connections })).resolves.toEqual([]);
  });

  it('leaves due connections unchanged while nothing can be sealed, and continues afterwards (CR-14)', async () => {
    const application = await start();
    const connections = await linkMany(application, 3);
    const vault = application.app.get(VaultService);
    const check = jest.spyOn(vault, 'ensureCanSeal').mockImplementation(() => {
      throw new KeyUnavailableError('the key source does not respond');
    });
    await makeDue(application);
    const rows = () => rowsOf(application.databaseUrl, 'connections', {}, 'user_id');
    const before = await rows();

    beginSweeping(application);
    await until('it has looked twice', () => check.mock.calls.length > 1);
    expect(await rows()).toEqual(before);
    expect(refreshCount(application.sandbox.provider(slug))).toBe(0);

    check.mockRestore();
    await untilSwept(application);
    expect(refreshCount(application.sandbox.provider(slug))).toBe(connections.length);
  });

  it('catches up after a long stop at its own rate, and serves callers in the meantime (R-27)', async () => {
    const { busiest, dueWhenServed } = await catchUp(40);
    expect(dueWhenServed).toBeGreaterThan(0);
    // One second's worth that was saved up, and that of the second itself.
    expect(busiest).toBeLessThanOrEqual(2 * 40);
  });

  it('without a rate the provider gets everything at once (R-27)', async () => {
    const { busiest } = await catchUp(100_000);
    expect(busiest).toBeGreaterThan(2 * 40);
  });

  /** Two hours stopped with everything due; one caller wants a token that has expired. */
  async function catchUp(ratePerSecond: number): Promise<{ busiest: number; dueWhenServed: number }> {
    const application = await start({ environment: { REFRESH_RATE_PER_SECOND: String(ratePerSecond) } });
    const fake = application.sandbox.provider(slug);
    const connections = await linkMany(application, 130);
    await pass(application, 120 * minuteMs);
    expect((await look(application)).due).toBe(connections.length);
    const begunAtMs: number[] = [];
    const service = application.app.get(RefreshService);
    const refreshLeased = service.refreshLeased.bind(service);
    jest.spyOn(service, 'refreshLeased').mockImplementation((connection) => {
      begunAtMs.push(performance.now());
      return refreshLeased(connection);
    });

    beginSweeping(application);
    await until('the provider is asked', () => refreshCount(fake) > 0);
    // Linked last, so it is due last.
    const last = connections.at(-1)?.userId;
    await application.api.get(`/v1/users/${last}/connections/${slug}/token`).expect(200);
    const { due: dueWhenServed } = await look(application);
    await untilSwept(application);

    expect(refreshCount(fake)).toBe(connections.length);
    await expect(findViolations({ fake, vault: application.app, connections })).resolves.toEqual([]);
    return { busiest: busiestSecond(begunAtMs), dueWhenServed };
  }

  it('stops at the first response that asks to wait, releases its leases, and continues after one trial (R-10, R-27)', async () => {
    const application = await start({ environment: { PROVIDER_CONCURRENCY: '2' } });
    const { databaseUrl, sandbox } = application;
    const fake = sandbox.provider(slug);
    const connections = await linkMany(application, 20);
    await makeDue(application);
    fake.misbehave({ endpoint: 'refresh', type: 'status', code: 429, headers: { 'retry-after': '600' } }, Infinity);

    beginSweeping(application);
    await until('it has stopped', async () => {
      const { leased } = await look(application);
      return refreshCount(fake) > 0 && leased === 0;
    });
    // Only the refreshes under way when the response came. The others waited for a permit.
    const refused = refreshCount(fake);
    expect(refused).toBeLessThanOrEqual(2);
    await expect(look(application)).resolves.toMatchObject({ in_doubt: 0, due: connections.length - refused });

    const tries = jest.spyOn(application.app.get(RefreshService), 'refresh');
    // Before anything is due: a sweep of before may still look.
    fake.behave();
    fake.misbehave({ endpoint: 'refresh', ...held });
    await changeRows(databaseUrl, 'circuit_breakers', { open_until: 'now' });
    await changeRows(databaseUrl, 'connections', { retry_at: null, refresh_due_at: 'now' });
    beginSweeping(application);
    await until('one tries', () => refreshCount(fake) > refused);
    expect(refreshCount(fake)).toBe(refused + 1);
    // A caller who waits for a token goes before it.
    expect(tries.mock.calls.map(([, options]) => options)).toEqual([{ priority: 'background' }]);
    fake.behave();
    await untilSwept(application);
    expect(refreshCount(fake)).toBe(refused + connections.length);
    await expect(findViolations({ fake, vault: application.app, connections })).resolves.toEqual([]);
  });

  it('lets a caller join a refresh that waits for a permit, and puts it first', async () => {
    const application = await start({ environment: { PROVIDER_CONCURRENCY: '4' } });
    const fake = application.sandbox.provider(slug);
    const connections = await linkMany(application, 8);
    await pass(application, 120 * minuteMs);
    await makeDue(application);
    fake.misbehave({ endpoint: 'refresh', ...held }, 4);
    const joined = jest.spyOn(application.app.get(RefreshService), 'refresh');

    beginSweeping(application);
    await until('four are at the provider, and four wait', async () => {
      return refreshCount(fake) === 4 && (await look(application)).leased === 8;
    });
    const asked = connections.at(-1);
    const asking = application.api
      .get(`/v1/users/${asked?.userId}/connections/${slug}/token`)
      .then(({ status }) => status);
    await until('the caller has joined', () => joined.mock.calls.length === 1);
    fake.behave();
    expect(await asking).toBe(200);
    await untilSwept(application);

    const order = fake.history.filter(({ kind }) => kind === 'refresh').map(({ familyId }) => familyId);
    expect(order).toHaveLength(8);
    expect(order.indexOf(asked?.familyId)).toBe(4);
  });

  it('reports how much is due', async () => {
    const application = await start({ environment: { REFRESH_RATE_PER_SECOND: '1' } });
    await linkMany(application, 5);
    await makeDue(application);
    dueConnections.reset();
    beginSweeping(application);
    await until('it is told', async () => (await total(dueConnections)) > 0);
    const { text } = await application.api.get('/metrics').expect(200);
    expect(text).toContain(`cufflink_refresh_due_connections{provider="${slug}"}`);
    expect(text).toMatch(/cufflink_refresh_oldest_overdue_seconds\{provider="whoop"\} 36\d\d/);
    expect(text).toContain('cufflink_refresh_batch_size_count');
  });
});

/** The sum over all labels. */
async function total(metric: { get(): Promise<{ values: { value: number }[] }> }): Promise<number> {
  const { values } = await metric.get();
  return values.reduce((sum, { value }) => sum + value, 0);
}
