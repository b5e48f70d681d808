import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import { type AppError, codeOf } from '../../errors/app-error.js';
import {
  ConnectionNotFoundError,
  ConnectionNotRefreshableError,
  RefreshPendingError,
} from '../../errors/connection.errors.js';
import {
  InvalidTokenResponseError,
  ProviderUnavailableError,
  TokenRevokedError,
} from '../../errors/provider.errors.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import type { ProviderDefinition } from '../../provider-kit/definition/provider-definition.js';
import { ProviderLifecycle, retiredError } from '../../provider-kit/definition/provider-lifecycle.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { requestTimeoutMs } from '../../provider-kit/requests/request-timeout.js';
import { checkSameUser } from '../../provider-kit/responses/same-user.js';
import type { TokenResponse } from '../../provider-kit/token-response.js';
import type { EndReason } from '../store/stored-connection.js';
import { ConnectionStore } from '../store/connection-store.js';
import type { EndingTerms, RefreshFailureRecord, StoredConnection } from '../store/stored-connection.js';
import { RefreshedTokenSaver, type UnsavedTokens } from './refreshed-token-saver.js';
import { CircuitBreakerService } from '../circuit-breaker/circuit-breaker.service.js';
import { RefreshLeases, type LeasedConnection, type RefreshLease } from './refresh-leases.js';
import { RefreshJournal } from './refresh-journal.js';
import { leaseLengthMs, forgivesRepeat, inDoubtHoldMs, permitWaitMs } from '../policy/refresh-policy.js';
import { RefreshExchange } from './refresh-exchange.js';
import { RefreshRecorder } from './refresh-recorder.js';
import { RefreshRuns, type RefreshRequest } from './refresh-runs.js';
import { RefreshConcurrency, type RefreshPriority } from './refresh-concurrency.js';
import {
  toAttemptError,
  toFailureRecord,
  toCircuitError,
  toOverdueError,
  toPendingError,
  toCircuitEvidence,
} from './refresh-failure.js';
import { backoffDelayMs, unreadableBackoff } from '../policy/backoff.js';
import { sealedScopes, type TokenSet } from '../token-set.js';
import { TokenVault } from '../store/token-vault.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';
import { unreadable } from '../tokens.metrics.js';

/** How often a caller that did not get the lease checks whether its holder is done. */
const pollMs = 50;
/** How long after a refusal a second one ends the connection if the provider's API rejects the access token too. */
const corroboratedMs = 5 * 60_000;
/** How long after HTTP 410 a second one ends the connection. */
const goneMs = 3_600_000;
/** An ended connection is tried again once a day for a week, in case it was ended by mistake. */
const trialIntervalMs = 24 * 3_600_000;
const trialsForMs = 7 * trialIntervalMs;
/** Longest retry delay for providers that replay a lost response. */
const lostAnswerRetryMs = 2_000;
/** How long the short retry delay applies. After that the usual back-off decides. */
const lostAnswerQuickMs = 120_000;

/** A rejected token response that still rotated the refresh token. */
interface RefusedAnswer {
  readonly previous: TokenSet;
  readonly refused: InvalidTokenResponseError;
  readonly refreshToken: string;
  readonly namesAnotherUser: boolean;
}

/** What to store after a refresh token was spent. */
type Obtained = UnsavedTokens | RefusedAnswer;

/**
 * Refreshes the tokens of connections and never spends a rotating refresh token twice.
 *
 * Inside a process, callers of one connection share one promise. Between processes, {@link RefreshLeases} leases the
 * connection to one of them, which calls the provider. The others wait for its result. A new token set is committed
 * before anybody can use it.
 */
@Injectable()
export class RefreshService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(RefreshService.name);
  private readonly runs = new RefreshRuns();
  private stopping = false;

  constructor(
    private readonly store: ConnectionStore,
    private readonly leases: RefreshLeases,
    private readonly exchange: RefreshExchange,
    private readonly journal: RefreshJournal,
    private readonly circuitBreakers: CircuitBreakerService,
    private readonly saver: RefreshedTokenSaver,
    private readonly recorder: RefreshRecorder,
    private readonly concurrency: RefreshConcurrency,
    private readonly tokenVault: TokenVault,
    private readonly registry: ProviderRegistry,
    private readonly lifecycle: ProviderLifecycle,
    private readonly clock: Clock,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {}

  /**
   * Starts no further refresh, and lets running ones finish while the database is available, so that a deployment loses
   * no token. {@link RefreshExchange} defines how long an overdue response is awaited.
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
  refresh(
    connection: StoredConnection,
    { priority = 'on-demand' }: { priority?: RefreshPriority } = {},
  ): Promise<void> {
    const running = this.runs.find(connection);
    if (running !== undefined) {
      if (priority === 'on-demand') {
        running.request.priority = priority;
      }
      return running.told;
    }
    return this.runs.start(connection, priority, (request) => this.refreshOnce(connection, request)).told;
  }

  /**
   * Refreshes a connection that is already leased, at background priority. Callers in this process join it.
   *
   * Sends nothing when no permit becomes free in time, the provider's circuit breaker opens, or the application stops.
   * The lease is then returned.
   *
   * @returns when the refresh is over, however long the provider takes
   * @throws as {@link refresh}
   */
  refreshLeased(connection: LeasedConnection): Promise<void> {
    return this.runs.start(connection, 'background', (request) => this.refreshTaken(connection, request)).done;
  }

  private async refreshTaken(connection: LeasedConnection, request: RefreshRequest): Promise<void> {
    const { leaseId, wasInDoubt, registrationId } = connection;
    const takenAtMs = performance.now();
    const provider = this.registry.get(connection.provider);
    if (!(await this.concurrency.acquire(request, permitWaitMs(provider.definition)))) {
      return this.leases.release(connection, leaseId);
    }
    const lease = { id: leaseId, takenAtMs, isTrial: false };
    let unsaved: Obtained | undefined;
    try {
      if (
        this.stopping ||
        this.lifecycle.isRetired(provider) ||
        this.circuitBreakers.hasOpenedSince(registrationId, takenAtMs)
      ) {
        return await this.leases.release(connection, leaseId);
      }
      // An entry is the outcome of the attempt before. If it cannot be committed now, the refresh token is not to be sent either.
      if (!wasInDoubt || !(await this.journal.replay(connection))) {
        unsaved = await this.obtain(connection, lease, provider, request);
      }
    } finally {
      this.concurrency.release(request);
    }
    await this.keep(connection, lease, provider, unsaved);
  }

  private async refreshOnce(connection: StoredConnection, request: RefreshRequest): Promise<void> {
    this.checkRunning();
    const provider = this.registry.get(connection.provider);
    this.lifecycle.check(provider);
    if (!connection.refreshable) {
      throw new ConnectionNotRefreshableError();
    }
    this.checkInterval(connection, provider.definition);
    const holdMs = inDoubtHoldMs(provider.definition, this.config.inDoubtHoldMs);
    const giveUpAt = performance.now() + leaseLengthMs(provider.definition);
    if (connection.inDoubtForMs !== null) {
      await this.journal.replay(connection);
    }
    let current = connection;
    while (!(await this.attempt(current, provider, request, giveUpAt))) {
      const found = await this.findUnchanged(connection);
      if (found === undefined) {
        return;
      }
      current = found;
      if (current.status === 'needs_relink') {
        throw relinkError(provider, current.endReason);
      }
      const inDoubt = current.inDoubtForMs !== null && current.inDoubtForMs < holdMs;
      const blocked = !current.leased && (current.retryInMs > 0 || inDoubt);
      if (blocked || performance.now() > giveUpAt) {
        throw toPendingError(current, holdMs);
      }
      const circuit = current.leased ? undefined : await this.circuitBreakers.findOpen(connection.registrationId);
      if (circuit !== undefined) {
        throw toCircuitError(provider.definition.displayName, circuit);
      }
      await sleep(pollMs);
    }
  }

  /** Refreshes once a permit and the lease are available. Returns false when the lease is taken. */
  private async attempt(
    connection: StoredConnection,
    provider: HealthProvider,
    request: RefreshRequest,
    giveUpAt: number,
  ): Promise<boolean> {
    const { definition } = provider;
    if (!(await this.concurrency.acquire(request, Math.max(0, giveUpAt - performance.now())))) {
      throw new ProviderUnavailableError(
        `Too many refreshes for ${definition.displayName} are in progress. Try again.`,
        { fate: 'not-sent', retryAfterSeconds: 1 },
      );
    }
    let lease: RefreshLease | undefined;
    let unsaved: Obtained | undefined;
    try {
      this.checkRunning();
      const holdMs = inDoubtHoldMs(definition, this.config.inDoubtHoldMs);
      lease = await this.leases.acquire(connection, leaseLengthMs(definition), holdMs);
      if (lease === undefined) {
        return false;
      }
      unsaved = await this.obtain(connection, lease, provider, request);
    } finally {
      this.concurrency.release(request);
    }
    await this.keep(connection, lease, provider, unsaved);
    return true;
  }

  private checkRunning(): void {
    if (this.stopping) {
      throw new RefreshPendingError('This instance is shutting down. Repeat the call.', { retryAfterSeconds: 1 });
    }
  }

  /** Enforces the provider's minimum refresh interval. */
  private checkInterval(connection: StoredConnection, definition: ProviderDefinition): void {
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

  /**
   * Returns the current connection, or `undefined` when it was refreshed or linked again. A new generation alone does
   * not mean either: the account may have become known, or a rejected response may have replaced the refresh token.
   *
   * @throws {@link ConnectionNotFoundError} when it was removed
   */
  private async findUnchanged(connection: StoredConnection): Promise<StoredConnection | undefined> {
    const current = await this.store.find(connection.userId, connection.provider);
    if (current === undefined) {
      throw new ConnectionNotFoundError();
    }
    const isSame =
      current.id === connection.id &&
      current.linkedAt.getTime() === connection.linkedAt.getTime() &&
      current.lastRefreshedAt?.getTime() === connection.lastRefreshedAt?.getTime();
    return isSame ? current : undefined;
  }

  /**
   * Spends the refresh token. Call it while holding a permit: the next refresh must see a circuit breaker that this one
   * opens.
   *
   * @returns `undefined` when there is nothing to store, because a new link or recovered tokens replaced the token set
   */
  private async obtain(
    connection: StoredConnection,
    lease: RefreshLease,
    provider: HealthProvider,
    request: RefreshRequest,
  ): Promise<Obtained | undefined> {
    if (await this.hasCaughtUp(connection, lease)) {
      return undefined;
    }
    let previous: TokenSet;
    try {
      this.tokenVault.ensureCanSeal();
      previous = await this.tokenVault.open(connection);
    } catch (error) {
      await this.setAside(connection, lease.id, error);
      await this.circuitBreakers.record(connection.registrationId, { kind: 'not-tried' }, lease.isTrial);
      throw error;
    }
    let response: TokenResponse | undefined;
    let isOverdue = false;
    let isOver = false;
    const onOverdue = (): void => {
      isOverdue = true;
      void this.tellOverdue(connection, lease, provider, request).then(() => {
        if (!isOver) {
          this.concurrency.releaseEarly(request);
        }
      });
    };
    try {
      const scopes = sealedScopes(previous, connection.scopesRequested) ?? connection.scopesRequested;
      response = await this.exchange
        .send(connection, lease, provider, { ...previous, scopes }, onOverdue)
        .finally(() => (isOver = true));
      return { previous, grant: checkSameUser(provider, response, previous) };
    } catch (error) {
      if (error instanceof InvalidTokenResponseError) {
        const refreshToken = response?.refreshToken ?? error.refreshToken;
        if (refreshToken !== undefined && refreshToken !== previous.refreshToken) {
          return { previous, refused: error, refreshToken, namesAnotherUser: response !== undefined };
        }
      }
      const [failed, failedClaim] = isOverdue ? asTold(connection, lease) : [connection, lease];
      await this.fail(failed, failedClaim, provider, error);
      return undefined;
    }
  }

  /** Reports an overdue response to waiting callers and to the circuit breaker, before the next refresh begins. */
  private async tellOverdue(
    connection: StoredConnection,
    lease: RefreshLease,
    { definition }: HealthProvider,
    request: RefreshRequest,
  ): Promise<void> {
    request.overdue.reject(toOverdueError(definition.displayName, requestTimeoutMs(definition)));
    const outcome = { kind: 'failed', isFirst: connection.failedAttempts === 0 } as const;
    try {
      await this.circuitBreakers.record(connection.registrationId, outcome, lease.isTrial);
    } catch (reason) {
      this.logger.warn(`The circuit breaker of ${connection.registrationId} could not be saved: ${codeOf(reason)}.`);
    }
  }

  /**
   * Whether newer tokens of the connection, which the database had lost, were restored. Then nothing is sent, nor when
   * this cannot be determined.
   */
  private async hasCaughtUp(connection: StoredConnection, lease: RefreshLease): Promise<boolean> {
    let mustNotSend = true;
    try {
      mustNotSend = await this.journal.hasCaughtUp(connection);
      return mustNotSend;
    } finally {
      if (mustNotSend) {
        await this.leases.release(connection, lease.id);
        await this.circuitBreakers.record(connection.registrationId, { kind: 'not-tried' }, lease.isTrial);
      }
    }
  }

  /** Stores the result. The provider is done, so its permit is already free for the next refresh. */
  private async keep(
    connection: StoredConnection,
    lease: RefreshLease,
    provider: HealthProvider,
    unsaved: Obtained | undefined,
  ): Promise<void> {
    if (unsaved === undefined) {
      return;
    }
    if ('refused' in unsaved) {
      return this.withhold(connection, lease, provider, unsaved);
    }
    const isKept = await this.saver.save(connection, provider, unsaved);
    await this.circuitBreakers.recordSuccess(connection.registrationId, lease.isTrial);
    if (!isKept) {
      throw new ConnectionNotFoundError();
    }
    if (connection.status === 'needs_relink') {
      this.logger.warn(`Connection ${connection.id} works again: the provider accepted its refresh token.`);
      await this.recorder.recordRecovery(connection);
    }
  }

  /**
   * Stores the refresh token of a rejected response, because the one that was sent is spent. Records the attempt as
   * failed: the next response may be usable.
   */
  private async withhold(
    connection: StoredConnection,
    lease: RefreshLease,
    provider: HealthProvider,
    refusal: RefusedAnswer,
  ): Promise<void> {
    if (!(await this.saver.saveRefreshToken(connection, provider, refusal.previous, refusal))) {
      // Gone, refreshed or linked anew.
      await this.findUnchanged(connection);
      return;
    }
    await this.fail(connection, lease, provider, refusal.refused);
  }

  /** Sets an unreadable row aside for the operator, so that it does not block other connections. */
  private async setAside(connection: StoredConnection, leaseId: string, error: unknown): Promise<void> {
    const code = codeOf(error);
    const dueInMs = backoffDelayMs(connection.failedAttempts + 1, unreadableBackoff, 1);
    unreadable.inc({ provider: connection.provider });
    this.logger.error(`Connection ${connection.id} cannot be refreshed: ${code}. Next attempt in ${dueInMs} ms.`);
    await this.leases.recordUnreadable(connection, leaseId, code, dueInMs);
  }

  private toRecord(error: unknown, connection: StoredConnection, definition: ProviderDefinition): RefreshFailureRecord {
    const record = toFailureRecord(error, connection, { ...this.config, corroboratedMs, goneMs }, Math.random());
    // The same answer is given again for a short time only: too late, and the grant is lost. One that stays unreadable is an outage.
    const isOld = (connection.inDoubtForMs ?? 0) > lostAnswerQuickMs;
    return record.outcomeKnown || isOld || !forgivesRepeat(definition)
      ? record
      : { ...record, retryInMs: Math.min(record.retryInMs, lostAnswerRetryMs), dueInMs: lostAnswerRetryMs };
  }

  private endingTerms(): EndingTerms {
    const { confirmationMs, unreachableMs } = this.config;
    return {
      confirmationMs,
      corroboratedMs,
      goneMs,
      unreachableMs,
      expiredBefore: new Date(this.clock.now().getTime() - unreachableMs),
      trialInMs: trialIntervalMs * (1 - 0.1 * Math.random()),
      trialsForMs,
    };
  }

  /** Records a failed attempt and throws the error for its callers. Returns when a new link has replaced the tokens. */
  private async fail(
    connection: StoredConnection,
    lease: RefreshLease,
    provider: HealthProvider,
    error: unknown,
  ): Promise<void> {
    const { definition } = provider;
    const circuit = await this.circuitBreakers.record(
      connection.registrationId,
      toCircuitEvidence(error, connection),
      lease.isTrial,
    );
    const record = this.toRecord(error, connection, definition);
    // Where refusals come in numbers, none is evidence.
    const failure =
      circuit.openUntil !== null && circuit.reason === 'TOKEN_REVOKED' && record.evidence === 'refused'
        ? ({ ...record, evidence: 'ours' } as const)
        : record;
    const holdMs = failure.outcomeKnown ? 0 : inDoubtHoldMs(definition, this.config.inDoubtHoldMs);
    const waitMs = Math.max(failure.retryInMs, holdMs);
    await this.recorder.record(connection, failure.code);
    // Whether the provider's API still takes the access token tells a mistake from the end of the grant.
    const asksAccount = failure.evidence === 'refused' && definition.account.from === 'api';
    const recorded = await this.store.recordFailure(connection, lease.id, failure, this.endingTerms(), {
      dueInMs: Math.max(failure.dueInMs, holdMs),
      asksAccount,
    });
    if (recorded === undefined && (await this.findUnchanged(connection)) === undefined) {
      return;
    }
    const hasEnded = recorded?.status === 'needs_relink';
    const consequence = hasEnded
      ? `the connection needs a new link (${recorded.endReason ?? 'no reason'})`
      : `next attempt in ${waitMs} ms`;
    this.logger.warn(
      `${definition.displayName}: refresh of connection ${connection.id} failed with ${failure.code}; ${consequence}.`,
    );
    if (hasEnded && connection.status === 'active') {
      await this.recorder.recordEnd(connection, recorded.endReason);
    }
    throw hasEnded ? relinkError(provider, recorded.endReason) : toAttemptError(error, waitMs);
  }
}

/** For an overdue attempt, which the circuit breaker has already counted: not the first failure, and not a trial. */
function asTold(connection: StoredConnection, lease: RefreshLease): [StoredConnection, RefreshLease] {
  return [
    { ...connection, failedAttempts: connection.failedAttempts + 1 },
    { ...lease, isTrial: false },
  ];
}

/** Returns the error for a connection that only a new link can restore. */
export function relinkError(provider: HealthProvider, reason: EndReason | null): AppError {
  const { displayName } = provider.definition;
  const again = 'The user must link the account again.';
  switch (reason) {
    case 'provider_retired':
    case 'provider_gone':
      return retiredError(provider);
    case 'no_refresh_token':
      return new TokenRevokedError(
        `The access token has expired, and ${displayName} issued no refresh token to renew it. ${again}`,
      );
    case 'unreachable':
      return new TokenRevokedError(`${displayName} has failed to refresh this connection for days. ${again}`);
    case 'account_taken':
      return new TokenRevokedError(
        'Another user has connected the same account, so this connection has ended. Unlink it there to link it here again.',
      );
    case 'grant_refused':
    case null:
      return new TokenRevokedError(`${displayName} has ended this connection. ${again}`);
  }
}
