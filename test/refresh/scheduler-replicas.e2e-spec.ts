import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { Clock } from '../../src/clock/clock.js';
import { findFreePort } from '../../src/development/free-port.js';
import { Database, type Statement } from '../../src/database/database.js';
import { sandboxClientId, sandboxClientSecret } from '../../src/provider-kit/definition/provider-settings.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import { connectionColumns } from '../../src/tokens/store/connection.js';
import { RefreshLeases, type LeasedConnection, type ProviderRoom } from '../../src/tokens/refresh/refresh-leases.js';
import { RefreshScheduler } from '../../src/tokens/scheduler/refresh-scheduler.js';
import { RefreshService } from '../../src/tokens/refresh/refresh.service.js';
import { RefreshConcurrency } from '../../src/tokens/refresh/refresh-concurrency.js';
import type { ApplicationOptions } from '../support/application.js';
import { findViolations, type Violation } from '../support/history-checker.js';
import { held } from '../support/fake-providers.js';
import { checkout, startProcess, waitUntilReady } from '../support/service-process.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import {
  beginSweeping,
  linkMany,
  look,
  makeDue,
  refreshCount,
  slug,
  untilSwept,
  useSweepers,
} from '../support/sweeps.js';

const restarts = Number(process.env['SCHEDULER_RESTARTS'] ?? 5);

/** Finds what is due without taking a lease: no lock, no mark, nothing for others to see. */
class CarelessLeases extends RefreshLeases {
  private readonly look: Statement = {
    name: 'test-look-at-due',
    text: `SELECT ${connectionColumns} FROM connections WHERE refresh_due_at <= now() AND provider = ANY($1) LIMIT $2`,
  };

  constructor(
    private readonly unguarded: Database,
    store: ConnectionStore,
    clock: Clock,
  ) {
    super(unguarded, store, clock);
  }

  override async acquireDue(rooms: readonly ProviderRoom[], limit: number): Promise<LeasedConnection[]> {
    const rows = await this.unguarded.query<LeasedConnection>(this.look, [
      rooms.map(({ provider }) => provider),
      limit,
    ]);
    return rows.map((row) => ({ ...row, leaseId: randomUUID(), wasInDoubt: false }));
  }
}

const { start, startBeside, close } = useSweepers();

describe('the refresh scheduler of a replica', () => {
  it('never lets two replicas refresh the same connection (R-03)', async () => {
    const outcome = await sweepTogether(3);
    expect(outcome).toEqual({ refreshes: 3 * 40, violations: [] });
  });

  it('loses connections with the leases of a sweep switched off (R-03)', async () => {
    const { violations } = await sweepTogether(1, {
      override: (builder) =>
        builder.overrideProvider(RefreshLeases).useFactory({
          factory: (database: Database, store: ConnectionStore, clock: Clock) =>
            new CarelessLeases(database, store, clock),
          inject: [Database, ConnectionStore, Clock],
        }),
    });
    const invariants = violations.map(({ invariant }) => invariant);
    expect(invariants).toContain('I1');
    expect(invariants).toContain('I3');
  });

  /** Lets two schedulers meet over the same forty connections, round for round. */
  async function sweepTogether(
    rounds: number,
    options: ApplicationOptions = {},
  ): Promise<{ refreshes: number; violations: Violation[] }> {
    const concurrency = 8;
    const environment = { PROVIDER_CONCURRENCY: String(concurrency) };
    const first = await start({ environment, ...options });
    const second = await startBeside(first, { environment, ...options });
    const fake = first.sandbox.provider(slug);
    const connections = await linkMany(first, 40);
    for (let round = 1; round <= rounds; round += 1) {
      await makeDue(first);
      fake.misbehave({ endpoint: 'refresh', ...held }, Infinity);
      beginSweeping(first);
      beginSweeping(second);
      const before = refreshCount(fake);
      await until('both have sent all they may', () => refreshCount(fake) === before + 2 * concurrency);
      fake.behave();
      fake.misbehave({ endpoint: 'refresh', type: 'slow', ms: 20 }, Infinity);
      await until('everything is refreshed', () => refreshCount(fake) >= round * connections.length);
      fake.behave();
      if (options.override === undefined) {
        await untilSwept(first);
      }
    }
    await Promise.all([first, second].map(({ app }) => app.get(RefreshScheduler).beforeApplicationShutdown()));
    return {
      refreshes: refreshCount(fake),
      violations: await findViolations({ fake, vault: first.app, connections }),
    };
  }

  it('leaves nothing in doubt and loses nothing when replicas are stopped in the middle of their work (R-23)', async () => {
    const owner = await start();
    const fake = owner.sandbox.provider(slug);
    const connections = await linkMany(owner, 40);
    fake.misbehave({ endpoint: 'refresh', type: 'slow', ms: 30 }, Infinity);
    const environment = { PROVIDER_CONCURRENCY: '4' };
    for (let restart = 1; restart <= restarts; restart += 1) {
      await makeDue(owner);
      const before = refreshCount(fake);
      const replica = await startBeside(owner, { environment });
      beginSweeping(replica);
      await until('there is work', () => refreshCount(fake) >= before + 6);
      await close(replica);
      await expect(look(owner)).resolves.toMatchObject({ leased: 0, in_doubt: 0, due: expect.any(Number) });
    }
    expect((await look(owner)).due).toBeGreaterThan(0);
    await expect(findViolations({ fake, vault: owner.app, connections })).resolves.toEqual([]);
  });

  it('releases leases without a permit in time, with nothing in doubt (R-26)', async () => {
    const application = await start();
    await linkMany(application, 1);
    await makeDue(application);
    const acquire = jest
      .spyOn(application.app.get(RefreshConcurrency, { strict: false }), 'acquire')
      .mockResolvedValue(false);
    beginSweeping(application);
    await until('it has waited for a permit', () => acquire.mock.calls.length > 0);
    await application.app.get(RefreshScheduler).beforeApplicationShutdown();
    expect(refreshCount(application.sandbox.provider(slug))).toBe(0);
    expect(await look(application)).toEqual({ due: 1, leased: 0, in_doubt: 0 });
  });

  it('is not stopped before its own work has ended (R-23)', async () => {
    const application = await start({ environment: { PROVIDER_CONCURRENCY: '2' } });
    const fake = application.sandbox.provider(slug);
    await linkMany(application, 2);
    await makeDue(application);
    fake.misbehave({ endpoint: 'refresh', ...held }, Infinity);
    beginSweeping(application);
    await until('both are at the provider', () => refreshCount(fake) === 2);

    let isStopped = false;
    const stopping = application.app
      .get(RefreshScheduler)
      .beforeApplicationShutdown()
      .then(() => (isStopped = true));
    for (let queries = 0; queries < 10; queries += 1) {
      expect(await look(application)).toMatchObject({ leased: 2 });
    }
    expect(isStopped).toBe(false);
    fake.behave();
    await stopping;

    expect(await look(application)).toEqual({ due: 0, leased: 0, in_doubt: 0 });
  });

  it('releases leases that wait for a permit when it stops (R-23)', async () => {
    const application = await start({ environment: { PROVIDER_CONCURRENCY: '2' } });
    const fake = application.sandbox.provider(slug);
    await linkMany(application, 8);
    await makeDue(application);
    fake.misbehave({ endpoint: 'refresh', ...held }, Infinity);
    beginSweeping(application);
    await until('two are at the provider, and four wait', async () => {
      return refreshCount(fake) === 2 && (await look(application)).leased === 6;
    });

    const stopped = [RefreshScheduler, RefreshService].map((part) =>
      application.app.get(part).beforeApplicationShutdown(),
    );
    fake.behave();
    await Promise.all(stopped);

    expect(refreshCount(fake)).toBe(2);
    // Nor is anything leased that is due by now.
    beginSweeping(application);
    for (let queries = 0; queries < 10; queries += 1) {
      expect(await look(application)).toEqual({ due: 6, leased: 0, in_doubt: 0 });
    }
  });

  it('lets a worker process refresh, report its health, and drain on SIGTERM (R-23)', async () => {
    const owner = await start();
    const fake = owner.sandbox.provider(slug);
    const connections = await linkMany(owner, 60);
    fake.misbehave({ endpoint: 'refresh', type: 'slow', ms: 300 }, Infinity);
    await makeDue(owner);
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-worker-'));
    const port = await findFreePort();
    const worker = startProcess([join(checkout, 'dist/main.js'), 'worker'], directory, {
      NODE_ENV: 'test',
      LOG_LEVEL: 'warn',
      PORT: String(port),
      PROVIDER_CONCURRENCY: '4',
      DATABASE_URL: owner.databaseUrl,
      ENCRYPTION_ROOT_KEY: owner.rootKey,
      SANDBOX_URL: owner.sandbox.url,
    });
    try {
      const url = `http://127.0.0.1:${port}`;
      await waitUntilReady(worker, url);
      expect((await fetch(`${url}/v1/providers`)).status).toBe(404);
      await until('there is work', () => refreshCount(fake) >= 8);
      await expect(worker.stop('SIGTERM')).resolves.toEqual({ status: null, signal: 'SIGTERM' });
    } finally {
      await worker.stop('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    }
    await expect(look(owner)).resolves.toMatchObject({ leased: 0, in_doubt: 0 });
    expect((await look(owner)).due).toBeGreaterThan(0);
    await expect(findViolations({ fake, vault: owner.app, connections })).resolves.toEqual([]);
  });

  it('lets another replica take over from one that cannot reach the provider, with nothing in doubt (R-26)', async () => {
    const owner = await start();
    const fake = owner.sandbox.provider(slug);
    const connections = await linkMany(owner, 10);
    const nobody = await findFreePort();
    const cutOff = await startBeside(owner, {
      environment: {
        WHOOP_CLIENT_ID: sandboxClientId(slug),
        WHOOP_CLIENT_SECRET: sandboxClientSecret(slug),
        WHOOP_TOKEN_URL: `http://127.0.0.1:${nobody}/oauth/oauth2/token`,
      },
    });
    await makeDue(owner);

    beginSweeping(cutOff);
    await until('all have failed', async () => {
      const [row] = await queryDatabase<{ failed: number }>(
        owner.databaseUrl,
        `SELECT count(*) FILTER (WHERE last_error_code = 'PROVIDER_UNAVAILABLE')::int AS failed FROM connections`,
      );
      return row?.failed === connections.length;
    });
    expect(refreshCount(fake)).toBe(0);
    await cutOff.app.get(RefreshScheduler).beforeApplicationShutdown();
    await expect(look(owner)).resolves.toMatchObject({ leased: 0, in_doubt: 0 });
    await makeDue(owner);
    beginSweeping(owner);
    await untilSwept(owner);

    expect(refreshCount(fake)).toBe(connections.length);
    await expect(findViolations({ fake, vault: owner.app, connections })).resolves.toEqual([]);
  });
});
