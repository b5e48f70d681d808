import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import {
  ConnectionFrozenError,
  ConnectionNotRefreshableError,
  RefreshPendingError,
} from '../../errors/connection.errors.js';
import { ProviderUnavailableError } from '../../errors/provider.errors.js';
import type { ProviderDefinition } from '../../provider-kit/definition/provider-definition.js';
import { ProviderLifecycle } from '../../provider-kit/definition/provider-lifecycle.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { CircuitBreakerService } from '../circuit-breaker/circuit-breaker.service.js';
import { inDoubtHoldMs, leaseLengthMs, permitWaitMs } from '../policy/refresh-policy.js';
import { ConnectionStore } from '../store/connection-store.js';
import type { Connection } from '../store/connection.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';
import { AttemptDependencies, RefreshAttempt } from './refresh-attempt.js';
import type { RefreshPriority } from './refresh-concurrency.js';
import { relinkError, toCircuitError, toPendingError } from './refresh-errors.js';
import { RefreshJournal } from './refresh-journal.js';
import { RefreshLeases, type LeasedConnection, type RefreshLease } from './refresh-leases.js';
import { RefreshRuns, type RefreshRequest } from './refresh-runs.js';

/** How often a caller that did not get the lease checks whether its holder is done. */
const pollMs = 50;

/**
 * Refreshes the tokens of connections and never spends a rotating refresh token twice.
 *
 * Inside a process, callers of one connection share one promise. Between processes, {@link RefreshLeases} leases the
 * connection to one of them, which calls the provider. The others wait for its result. A new token set is committed
 * before anybody can use it.
 *
 * There are two entrances, {@link refresh} for callers and {@link refreshLeased} for the scheduler. They differ in how
 * they get permit and lease; the rest is one {@link RefreshAttempt}.
 */
@Injectable()
export class RefreshService implements BeforeApplicationShutdown {
  private readonly runs = new RefreshRuns();
  private stopping = false;

  constructor(
    private readonly store: ConnectionStore,
    private readonly leases: RefreshLeases,
    private readonly journal: RefreshJournal,
    private readonly circuitBreakers: CircuitBreakerService,
    private readonly attemptDependencies: AttemptDependencies,
    private readonly registry: ProviderRegistry,
    private readonly lifecycle: ProviderLifecycle,
    private readonly clock: Clock,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {}

  /**
   * Starts no further refresh. Lets running ones finish while the database is available, so that a deployment loses no
   * token. {@link RefreshExchange} defines how long an overdue response is awaited.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await this.runs.settled();
  }

  /**
   * Refreshes the connection, or waits for a refresh already in flight.
   *
   * @param connection - as read; the refresh replaces the token set of its generation
   * @param priority - `background` yields to refreshes that a caller waits for, when the provider is at its concurrency
   *   limit
   * @throws {@link ConnectionNotRefreshableError} when there is no refresh token
   * @throws {@link ConnectionFrozenError} when the operator has frozen the connection; nothing was sent
   * @throws {@link ConnectionNotFoundError} when the connection was removed in the meantime
   * @throws {@link TokenRevokedError} when the connection needs a new link
   * @throws {@link ProviderRetiredError} when the provider has shut down; nothing was sent
   * @throws {@link RefreshPendingError} when the outcome of an attempt is unknown or awaits confirmation, and during
   *   shutdown
   * @throws {@link TokenUnreadableError} when the stored tokens cannot be decrypted; the refresh token is not spent
   * @throws {@link KeyUnavailableError} when a refreshed set could not be sealed; the refresh token is not spent
   * @throws {@link DatabaseUnavailableError} when the lease cannot be written; the refresh token is not spent
   * @throws {@link ProviderUnavailableError} when the provider has not responded in time; a late response is still read
   *   and stored
   * @throws the provider's error when this attempt failed, or an equivalent error during the pause after it
   */
  refresh(connection: Connection, { priority = 'on-demand' }: { priority?: RefreshPriority } = {}): Promise<void> {
    const running = this.runs.find(connection);
    if (running !== undefined) {
      if (priority === 'on-demand') {
        running.request.priority = priority;
      }
      return running.told;
    }
    return this.runs.start(connection, priority, (request) => this.refreshForCaller(connection, request)).told;
  }

  /**
   * Refreshes a connection that is already leased, at background priority. Callers in this process join it.
   *
   * Sends nothing when no permit becomes free in time, the provider's circuit breaker opens, or the application stops.
   * The lease is then returned.
   *
   * @returns when the refresh is over, even if the provider takes long
   * @throws as {@link refresh}
   */
  refreshLeased(connection: LeasedConnection): Promise<void> {
    return this.runs.start(connection, 'background', (request) => this.refreshForScheduler(connection, request)).done;
  }

  private async refreshForCaller(connection: Connection, request: RefreshRequest): Promise<void> {
    this.checkRunning();
    const provider = this.registry.get(connection.provider);
    this.lifecycle.check(provider);
    if (!connection.refreshable) {
      throw new ConnectionNotRefreshableError();
    }
    checkNotFrozen(connection);
    this.checkInterval(connection, provider.definition);
    const giveUpAtMs = performance.now() + leaseLengthMs(provider.definition);
    if (connection.inDoubtForMs !== null) {
      await this.journal.replay(connection);
    }
    let current = connection;
    while (!(await this.tryForCaller(current, provider, request, giveUpAtMs))) {
      const found = await this.store.findUnchanged(connection);
      if (found === undefined) {
        return;
      }
      current = found;
      await this.checkMayWait(current, provider, giveUpAtMs);
      await sleep(pollMs);
    }
  }

  /** Returns false when another process holds the lease, or a pause applies. */
  private async tryForCaller(
    connection: Connection,
    provider: HealthProvider,
    request: RefreshRequest,
    giveUpAtMs: number,
  ): Promise<boolean> {
    const { definition } = provider;
    const attempt = new RefreshAttempt(this.attemptDependencies, connection, provider, request);
    if (!(await attempt.acquire(Math.max(0, giveUpAtMs - performance.now())))) {
      throw new ProviderUnavailableError(
        `Too many refreshes for ${definition.displayName} are in progress. Try again.`,
        { fate: 'not-sent', retryAfterSeconds: 1 },
      );
    }
    return attempt.run(() => {
      this.checkRunning();
      return this.leases.acquire(connection, leaseLengthMs(definition), this.holdMs(definition));
    });
  }

  /**
   * Checks whether a caller that did not get the lease may wait for it.
   *
   * @throws the error for the caller when the connection has ended, a pause applies or the time is up
   */
  private async checkMayWait(current: Connection, provider: HealthProvider, giveUpAtMs: number): Promise<void> {
    if (current.status === 'needs_relink') {
      throw relinkError(provider, current.endReason);
    }
    if (!current.leased) {
      checkNotFrozen(current);
    }
    const { definition } = provider;
    const holdMs = this.holdMs(definition);
    const isInDoubt = current.inDoubtForMs !== null && current.inDoubtForMs < holdMs;
    const isPaused = !current.leased && (current.retryInMs > 0 || isInDoubt);
    if (isPaused || performance.now() > giveUpAtMs) {
      throw toPendingError(current, holdMs);
    }
    const circuit = current.leased ? undefined : await this.circuitBreakers.findOpen(current.registrationId);
    if (circuit !== undefined) {
      throw toCircuitError(definition.displayName, circuit);
    }
  }

  private async refreshForScheduler(connection: LeasedConnection, request: RefreshRequest): Promise<void> {
    const { leaseId, provider: slug } = connection;
    const takenAtMs = performance.now();
    const provider = this.registry.get(slug);
    const attempt = new RefreshAttempt(this.attemptDependencies, connection, provider, request);
    if (!(await attempt.acquire(permitWaitMs(provider.definition)))) {
      return this.leases.release(connection, leaseId);
    }
    await attempt.run(() => this.confirmLease(connection, provider, takenAtMs));
  }

  /** Returns the lease of the scheduler, or `undefined` when the refresh must not be sent any more. */
  private async confirmLease(
    connection: LeasedConnection,
    provider: HealthProvider,
    takenAtMs: number,
  ): Promise<RefreshLease | undefined> {
    const { leaseId, wasInDoubt, registrationId } = connection;
    if (
      this.stopping ||
      this.lifecycle.isRetired(provider) ||
      this.circuitBreakers.hasOpenedSince(registrationId, takenAtMs)
    ) {
      await this.leases.release(connection, leaseId);
      return undefined;
    }
    // A journal entry is the outcome of the attempt before. If it cannot be committed now, nothing may be sent either.
    if (wasInDoubt && (await this.journal.replay(connection))) {
      return undefined;
    }
    return { id: leaseId, takenAtMs, isTrial: false };
  }

  private checkRunning(): void {
    if (this.stopping) {
      throw new RefreshPendingError('This instance is shutting down. Repeat the call.', { retryAfterSeconds: 1 });
    }
  }

  /** Enforces the provider's minimum refresh interval. */
  private checkInterval(connection: Connection, definition: ProviderDefinition): void {
    const intervalSeconds = definition.oauth === '2.0' ? (definition.minRefreshIntervalSeconds ?? 0) : 0;
    const lastAt = connection.lastRefreshedAt ?? connection.linkedAt;
    const waitMs = lastAt.getTime() + intervalSeconds * 1_000 - this.clock.now().getTime();
    if (intervalSeconds > 0 && waitMs > 0) {
      const retryAfterSeconds = Math.ceil(waitMs / 1_000);
      throw new RefreshPendingError(
        `${definition.displayName} allows one refresh in ${intervalSeconds} s. The next one is possible in ${retryAfterSeconds} s.`,
        { retryAfterSeconds },
      );
    }
  }

  private holdMs(definition: ProviderDefinition): number {
    return inDoubtHoldMs(definition, this.config.inDoubtHoldMs);
  }
}

/** @throws {@link ConnectionFrozenError} */
function checkNotFrozen({ frozenAt }: Connection): void {
  if (frozenAt !== null) {
    throw new ConnectionFrozenError();
  }
}
