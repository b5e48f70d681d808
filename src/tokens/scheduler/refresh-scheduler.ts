import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import type { BackgroundJob } from '../../clock/background-job.js';
import { BackgroundJobs } from '../../clock/background-jobs.js';
import { Database, type Statement } from '../../database/database.js';
import { AppError } from '../../errors/app-error.js';
import { ProviderLifecycle } from '../../provider-kit/definition/provider-lifecycle.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { RateLimiter } from '../policy/rate-limiter.js';
import type { Connection } from '../store/connection.js';
import { type LeasedConnection, type ProviderRoom, RefreshLeases } from '../refresh/refresh-leases.js';
import { dueLeaseLengthMs, inDoubtHoldMs } from '../policy/refresh-policy.js';
import { RefreshService } from '../refresh/refresh.service.js';
import { TokenVault } from '../store/token-vault.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';
import { dueConnections, oldestOverdueSeconds, sweepBatchSize } from '../tokens.metrics.js';

/** Most connections leased by one statement. */
const batchSize = 200;
/** Longest pause between checks of the table and updates of the metrics, in milliseconds. */
const longestPauseMs = 15_000;
/** First pause after a check that could lease nothing, because another replica has the due rows. It doubles. */
const firstPauseMs = 200;
/** Due connections are counted up to here; more is "many". */
const countLimit = 10_000;

const surveyDue: Statement = {
  name: 'connections-survey-due',
  // A due row with a lease or in doubt cannot be leased before lease and hold have passed.
  text: `SELECT slug AS provider, backlog::int, extract(epoch FROM least(first_free_at, (
             SELECT min(refresh_due_at) FROM connections WHERE provider = slug AND status = 'active' AND refresh_due_at > now()
               AND frozen_at IS NULL)) - now())::float8 * 1000
             AS "nextDueInMs"
         FROM unnest($1::text[], $2::float8[]) AS providers (slug, hold_ms)
         CROSS JOIN LATERAL (
           SELECT count(*) FILTER (WHERE free_at <= now()) AS backlog, min(free_at) AS first_free_at FROM (
             SELECT greatest(refresh_due_at, leased_until, attempt_started_at + hold_ms * interval '1 millisecond') AS free_at
             FROM connections WHERE provider = slug AND status = 'active' AND refresh_due_at <= now()
               AND frozen_at IS NULL LIMIT ${countLimit}) AS due
         ) AS counted`,
  // One look at the due rows of all servers. The next row that becomes due is not looked up: the longest pause finds it.
  distributedText: `SELECT provider, count(*) FILTER (WHERE free_at <= now())::int AS backlog,
           extract(epoch FROM min(free_at) - now())::float8 * 1000 AS "nextDueInMs"
         FROM (
           SELECT provider, greatest(refresh_due_at, leased_until, attempt_started_at + hold_ms * interval '1 millisecond') AS free_at
           FROM unnest($1::text[], $2::float8[]) AS providers (slug, hold_ms) JOIN connections ON provider = slug
           WHERE status = 'active' AND refresh_due_at <= now() AND frozen_at IS NULL LIMIT ${countLimit}
         ) AS due
         GROUP BY provider`,
};

/** The due connections of one provider. */
interface Survey {
  readonly provider: string;
  readonly backlog: number;
  /** Negative when overdue; `null` when nothing will ever be due. */
  readonly nextDueInMs: number | null;
}

/** The refreshes of this process at one provider. */
interface ProviderState {
  readonly provider: string;
  readonly rate: RateLimiter;
  readonly lengthMs: number;
  readonly inDoubtHoldMs: number;
  /** Connections leased and not finished. */
  underWay: number;
  /** No check before this instant of `performance.now`, because there was nothing to lease. */
  quietUntilMs: number;
  /** Consecutive checks that found nothing to lease. */
  emptyLooks: number;
}

/**
 * Refreshes connections ahead of time, so that callers get valid tokens and refresh tokens do not expire unused.
 *
 * The connection's row is the job. Nothing is queued elsewhere, and any number of replicas may run this at once. One
 * statement leases a batch, the longest overdue first. {@link RefreshService} refreshes as for a caller, at background
 * priority. For each provider, the scheduler leases three times as many connections as run at a time. The others wait
 * for a permit in this process, or are being stored. Its rate limits the leases per second, so that catching up after a
 * long stop does not overload providers.
 */
@Injectable()
export class RefreshScheduler implements BeforeApplicationShutdown {
  private readonly logger = new Logger(RefreshScheduler.name);
  private readonly job: BackgroundJob;
  private readonly underWay = new Set<Promise<void>>();
  private states: readonly ProviderState[] | undefined;
  private surveyedAtMs = -Infinity;

  constructor(
    private readonly database: Database,
    private readonly leases: RefreshLeases,
    private readonly refreshService: RefreshService,
    private readonly tokenVault: TokenVault,
    private readonly registry: ProviderRegistry,
    private readonly lifecycle: ProviderLifecycle,
    jobs: BackgroundJobs,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {
    this.job = jobs.add('workers', { name: RefreshScheduler.name, run: () => this.step() });
  }

  /**
   * Looks for due connections now, also at providers where nothing was due a moment ago. From then on this process
   * keeps looking.
   */
  lookNow(): void {
    for (const state of this.states ?? []) {
      state.quietUntilMs = 0;
    }
    this.job.start();
    this.job.wake();
  }

  /** Leases nothing more, and waits until every lease is finished or returned. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.job.stop();
    await Promise.all(this.underWay);
  }

  /**
   * Leases due connections within the limits, and starts to refresh them.
   *
   * @returns milliseconds until the next check
   * @throws {@link DatabaseUnavailableError} when nothing can be leased now
   * @throws {@link KeyUnavailableError} when no refreshed token set could be sealed; nothing is leased
   */
  private async step(): Promise<number> {
    const rooms = this.rooms();
    if (rooms.length > 0) {
      // Without this check every row would be postponed, and stay so for hours after the keys are back.
      this.tokenVault.ensureCanSeal();
      const leased = await this.leases.acquireDue(rooms, batchSize);
      sweepBatchSize.observe(leased.length);
      const counts = this.startRefreshes(leased);
      if (leased.length < batchSize) {
        await this.pause(rooms.filter(({ provider, wanted }) => (counts.get(provider) ?? 0) < wanted));
      }
    }
    if (performance.now() - this.surveyedAtMs >= longestPauseMs) {
      await this.survey(this.providerStates());
    }
    return this.pauseMs();
  }

  /**
   * Most leases of one provider. A third each is at the provider, waits for a permit, or is being stored. A few
   * statements store many.
   */
  private leaseLimit(): number {
    return 3 * this.config.providerConcurrency;
  }

  /** Number of leases below which the provider gets more: two thirds of the limit, so that batches stay large. */
  private refillLevel(): number {
    return 2 * this.config.providerConcurrency;
  }

  /** The providers that may get leases now, and how many each. */
  private rooms(): ProviderRoom[] {
    const nowMs = performance.now();
    return this.providerStates()
      .filter((state) => nowMs >= this.readyAtMs(state, nowMs))
      .map((state) => {
        const { provider, lengthMs, inDoubtHoldMs: holdMs } = state;
        const wanted = Math.min(this.leaseLimit() - state.underWay, state.rate.available(nowMs));
        return { provider, wanted, lengthMs, inDoubtHoldMs: holdMs };
      });
  }

  /**
   * When the provider may get leases next. `Infinity` while it waits for refreshes to end, which wake the loop, and
   * after the provider has shut down.
   */
  private readyAtMs(state: ProviderState, nowMs: number): number {
    if (state.underWay > this.refillLevel() || this.lifecycle.isRetired(this.registry.get(state.provider))) {
      return Infinity;
    }
    // At least a tenth of a second's worth, so that a limited rate does not cost one statement for each row.
    const least = Math.max(1, Math.ceil(this.config.refreshRatePerSecond / 10));
    const missing = Math.min(least, this.config.providerConcurrency) - state.rate.available(nowMs);
    return Math.max(state.quietUntilMs, nowMs + (Math.max(0, missing) * 1_000) / this.config.refreshRatePerSecond);
  }

  private pauseMs(): number {
    const nowMs = performance.now();
    const readyAtMs = Math.min(...this.providerStates().map((state) => this.readyAtMs(state, nowMs)));
    return Math.ceil(Math.min(longestPauseMs, Math.max(0, readyAtMs - nowMs)));
  }

  /** @returns the number of each provider */
  private startRefreshes(leased: readonly LeasedConnection[]): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const connection of leased) {
      counts.set(connection.provider, (counts.get(connection.provider) ?? 0) + 1);
    }
    const nowMs = performance.now();
    for (const state of this.providerStates()) {
      const count = counts.get(state.provider) ?? 0;
      state.rate.take(count, nowMs);
      state.underWay += count;
      state.emptyLooks = count > 0 ? 0 : state.emptyLooks;
    }
    for (const connection of leased) {
      this.watch(connection, this.refreshService.refreshLeased(connection));
    }
    return counts;
  }

  private watch(connection: Connection, refresh: Promise<void>): void {
    const watched = refresh
      .catch((error: unknown) => {
        if (error instanceof AppError) {
          this.logger.debug(`Refresh of connection ${connection.id} failed: ${error.code}.`);
        } else {
          this.logger.error(error);
        }
      })
      .finally(() => {
        this.underWay.delete(watched);
        this.finish(connection.provider);
      });
    this.underWay.add(watched);
  }

  private finish(provider: string): void {
    const state = this.providerStates().find((each) => each.provider === provider);
    if (state !== undefined) {
      state.underWay -= 1;
      if (state.underWay === this.refillLevel() || state.underWay === 0) {
        this.job.wake();
      }
    }
  }

  /** Starts one refresh as the trial of each circuit breaker that is ready for it, without waiting for a caller. */
  private async startTrials(rooms: readonly ProviderRoom[]): Promise<void> {
    const found = await Promise.all(rooms.map((room) => this.leases.findTrial(room)));
    for (const connection of found.filter((each) => each !== undefined)) {
      const state = this.providerStates().find(({ provider }) => provider === connection.provider);
      if (state !== undefined) {
        state.underWay += 1;
        const refreshed = this.refreshService.refresh(connection, { priority: 'background' });
        this.watch(
          connection,
          refreshed.then(() => {
            state.quietUntilMs = 0;
          }),
        );
      }
    }
  }

  /** Pauses providers without anything to lease, until something becomes due or the longest pause has passed. */
  private async pause(rooms: readonly ProviderRoom[]): Promise<void> {
    const providers = new Set(rooms.map(({ provider }) => provider));
    const states = this.providerStates().filter(({ provider }) => providers.has(provider));
    const surveys = await this.survey(states);
    await this.startTrials(rooms.filter(({ provider }) => (surveys.get(provider)?.backlog ?? 0) > 0));
    const nowMs = performance.now();
    for (const state of states) {
      const nextDueInMs = surveys.get(state.provider)?.nextDueInMs ?? Infinity;
      const atLeastMs = firstPauseMs * 2 ** Math.min(state.emptyLooks, 10);
      state.emptyLooks += 1;
      state.quietUntilMs = nowMs + Math.min(longestPauseMs, Math.max(nextDueInMs, atLeastMs));
    }
  }

  private async survey(states: readonly ProviderState[]): Promise<ReadonlyMap<string, Survey>> {
    const rows = await this.database.query<Survey>(surveyDue, [
      states.map(({ provider }) => provider),
      states.map(({ inDoubtHoldMs: holdMs }) => holdMs),
    ]);
    for (const { provider, backlog, nextDueInMs } of rows) {
      dueConnections.set({ provider }, backlog);
      oldestOverdueSeconds.set({ provider }, Math.max(0, -(nextDueInMs ?? 0) / 1_000));
    }
    if (states.length === this.providerStates().length) {
      this.surveyedAtMs = performance.now();
    }
    return new Map(rows.map((row) => [row.provider, row]));
  }

  /** Built at the first check, when all providers are registered. */
  private providerStates(): readonly ProviderState[] {
    this.states ??= this.registry
      .list()
      .filter(({ definition, settings }) => definition.oauth === '2.0' && settings.mode !== 'not-configured')
      .map(({ definition }) => ({
        provider: definition.slug,
        rate: new RateLimiter(this.config.refreshRatePerSecond, performance.now()),
        lengthMs: dueLeaseLengthMs(definition),
        inDoubtHoldMs: inDoubtHoldMs(definition, this.config.inDoubtHoldMs),
        underWay: 0,
        quietUntilMs: 0,
        emptyLooks: 0,
      }));
    return this.states;
  }
}
