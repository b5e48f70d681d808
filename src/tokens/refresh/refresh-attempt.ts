import { Injectable, Logger } from '@nestjs/common';
import { codeOf } from '../../errors/app-error.js';
import { ConnectionNotFoundError } from '../../errors/connection.errors.js';
import { InvalidTokenResponseError } from '../../errors/provider.errors.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { requestTimeoutMs } from '../../provider-kit/requests/request-timeout.js';
import { checkSameUser } from '../../provider-kit/responses/same-user.js';
import type { TokenResponse } from '../../provider-kit/token-response.js';
import { CircuitBreakerService } from '../circuit-breaker/circuit-breaker.service.js';
import { backoffDelayMs, unreadableBackoff } from '../policy/backoff.js';
import { ConnectionStore } from '../store/connection-store.js';
import type { Connection } from '../store/connection.js';
import { TokenVault } from '../store/token-vault.js';
import { sealedScopes, type TokenSet } from '../token-set.js';
import { refreshSeconds, unreadable } from '../tokens.metrics.js';
import { RefreshConcurrency } from './refresh-concurrency.js';
import { RefreshExchange } from './refresh-exchange.js';
import { RefreshFailureRecorder } from './refresh-failure-recorder.js';
import { toOverdueError } from './refresh-errors.js';
import { RefreshJournal } from './refresh-journal.js';
import { RefreshLeases, type RefreshLease } from './refresh-leases.js';
import { RefreshRecorder } from './refresh-recorder.js';
import type { RefreshRequest } from './refresh-runs.js';
import { RefreshedTokenSaver, type UnsavedTokens } from './refreshed-token-saver.js';

/** A rejected token response that still rotated the refresh token. */
interface RotatedRefreshToken {
  readonly previous: TokenSet;
  readonly rejected: InvalidTokenResponseError;
  readonly refreshToken: string;
  readonly namesAnotherUser: boolean;
}

/** The services that an attempt uses. */
@Injectable()
export class AttemptDependencies {
  constructor(
    readonly store: ConnectionStore,
    readonly leases: RefreshLeases,
    readonly exchange: RefreshExchange,
    readonly journal: RefreshJournal,
    readonly circuitBreakers: CircuitBreakerService,
    readonly saver: RefreshedTokenSaver,
    readonly recorder: RefreshRecorder,
    readonly failures: RefreshFailureRecorder,
    readonly concurrency: RefreshConcurrency,
    readonly tokenVault: TokenVault,
  ) {}
}

/**
 * One attempt to refresh one connection. Its methods are its states: acquire a permit, lease the connection, open its
 * tokens, call the provider, and save the tokens or record the failure. README.md in this folder has the diagram.
 */
export class RefreshAttempt {
  private readonly logger = new Logger(RefreshAttempt.name);
  private isOverdue = false;
  private hasEnded = false;

  /** @param connection - as read; the attempt replaces the token set of its generation */
  constructor(
    private readonly services: AttemptDependencies,
    private readonly connection: Connection,
    private readonly provider: HealthProvider,
    private readonly request: RefreshRequest,
  ) {}

  /** Takes a permit to call the provider. Returns false when none became free in time. */
  acquire(timeoutMs: number): Promise<boolean> {
    return this.services.concurrency.acquire(this.request, timeoutMs);
  }

  /**
   * Runs the attempt to its end. Call it once, after {@link acquire}.
   *
   * The permit is held until the provider has responded and a failure is recorded. So the next refresh sees a circuit
   * breaker that this one opens. The permit is free while the tokens are saved.
   *
   * @param lease - leases the connection; `undefined` when there is nothing to do
   * @returns false when there was no lease
   * @throws as `RefreshService.refresh`
   */
  async run(lease: () => Promise<RefreshLease | undefined>): Promise<boolean> {
    let held: RefreshLease | undefined;
    let result: UnsavedTokens | RotatedRefreshToken | undefined;
    try {
      held = await lease();
      if (held === undefined) {
        return false;
      }
      const tokens = await this.openTokens(held);
      result = tokens === undefined ? undefined : await this.callProvider(held, tokens);
    } finally {
      this.services.concurrency.release(this.request);
    }
    if (result !== undefined) {
      await ('rejected' in result ? this.saveRefreshToken(held, result) : this.saveTokens(held, result));
    }
    return true;
  }

  /**
   * Opens the tokens to refresh. Nothing is sent when a newer set, which the database had lost, was restored, or when
   * this cannot be determined.
   *
   * @returns `undefined` when a newer set was restored
   */
  private async openTokens(lease: RefreshLease): Promise<TokenSet | undefined> {
    const { journal, leases, tokenVault } = this.services;
    let mustNotSend = true;
    try {
      mustNotSend = await journal.hasCaughtUp(this.connection);
    } finally {
      if (mustNotSend) {
        await leases.release(this.connection, lease.id);
        await this.recordNotTried(lease);
      }
    }
    if (mustNotSend) {
      return undefined;
    }
    try {
      tokenVault.ensureCanSeal();
      return await tokenVault.open(this.connection);
    } catch (error) {
      await this.recordUnreadable(lease, error);
      await this.recordNotTried(lease);
      throw error;
    }
  }

  /**
   * Spends the refresh token.
   *
   * @returns `undefined` when the attempt failed, and a new link has replaced the tokens in the meantime
   * @throws the error of a failed attempt, which is recorded
   */
  private async callProvider(
    lease: RefreshLease,
    previous: TokenSet,
  ): Promise<UnsavedTokens | RotatedRefreshToken | undefined> {
    const { connection, provider } = this;
    const scopes = sealedScopes(previous, connection.scopesRequested) ?? connection.scopesRequested;
    let response: TokenResponse | undefined;
    try {
      response = await this.services.exchange
        .send(connection, lease, provider, { ...previous, scopes }, () => void this.reportOverdue(lease))
        .finally(() => (this.hasEnded = true));
      return { previous, response: checkSameUser(provider, response, previous) };
    } catch (error) {
      if (error instanceof InvalidTokenResponseError) {
        const refreshToken = response?.refreshToken ?? error.refreshToken;
        if (refreshToken !== undefined && refreshToken !== previous.refreshToken) {
          return { previous, rejected: error, refreshToken, namesAnotherUser: response !== undefined };
        }
      }
      await this.recordFailure(lease, error);
      return undefined;
    }
  }

  /**
   * Reports an overdue response to waiting callers and to the circuit breaker. Then another refresh may start, unless
   * the response has come.
   */
  private async reportOverdue(lease: RefreshLease): Promise<void> {
    const { circuitBreakers, concurrency } = this.services;
    const { registrationId, failedAttempts } = this.connection;
    const { definition } = this.provider;
    this.isOverdue = true;
    this.request.overdue.reject(toOverdueError(definition.displayName, requestTimeoutMs(definition)));
    try {
      const evidence = { kind: 'failed', isFirst: failedAttempts === 0 } as const;
      await circuitBreakers.record(registrationId, evidence, lease.isTrial);
    } catch (error) {
      this.logger.warn(`The circuit breaker of ${registrationId} could not be saved: ${codeOf(error)}.`);
    }
    if (!this.hasEnded) {
      concurrency.releaseEarly(this.request);
    }
  }

  /** @throws {@link ConnectionNotFoundError} when the connection was removed in the meantime */
  private async saveTokens(lease: RefreshLease, unsaved: UnsavedTokens): Promise<void> {
    const { saver, circuitBreakers, recorder } = this.services;
    const isSaved = await saver.save(this.connection, this.provider, unsaved);
    const { provider } = this.connection;
    refreshSeconds.observe({ provider }, (performance.now() - lease.takenAtMs) / 1_000);
    await circuitBreakers.recordSuccess(this.connection.registrationId, lease.isTrial);
    if (!isSaved) {
      throw new ConnectionNotFoundError();
    }
    if (this.connection.status === 'needs_relink') {
      this.logger.warn(`Connection ${this.connection.id} works again: the provider accepted its refresh token.`);
      await recorder.recordRecovery(this.connection);
    }
  }

  /**
   * Saves the refresh token of a rejected response, because the one that was sent is spent. The attempt has failed
   * nevertheless. The next response may be usable.
   */
  private async saveRefreshToken(lease: RefreshLease, rotated: RotatedRefreshToken): Promise<void> {
    const { saver, store, failures } = this.services;
    if (await saver.saveRefreshToken(this.connection, this.provider, rotated.previous, rotated)) {
      await failures.record(this.connection, lease, this.provider, rotated.rejected);
    } else {
      // Throws if the connection was removed; otherwise it was refreshed or linked again.
      await store.findUnchanged(this.connection);
    }
  }

  /** The circuit breaker has already counted an overdue attempt: it is not the first failure, and not a trial. */
  private recordFailure(lease: RefreshLease, error: unknown): Promise<void> {
    const { connection, provider } = this;
    return this.isOverdue
      ? this.services.failures.record(
          { ...connection, failedAttempts: connection.failedAttempts + 1 },
          { ...lease, isTrial: false },
          provider,
          error,
        )
      : this.services.failures.record(connection, lease, provider, error);
  }

  /** Postpones an unreadable row, so that it does not block other connections. The operator must fix it. */
  private async recordUnreadable(lease: RefreshLease, error: unknown): Promise<void> {
    const { id, provider, failedAttempts } = this.connection;
    const code = codeOf(error);
    const dueInMs = backoffDelayMs(failedAttempts + 1, unreadableBackoff, 1);
    unreadable.inc({ provider });
    this.logger.error(`Connection ${id} cannot be refreshed: ${code}. Next attempt in ${dueInMs} ms.`);
    await this.services.leases.recordUnreadable(this.connection, lease.id, code, dueInMs);
  }

  private async recordNotTried(lease: RefreshLease): Promise<void> {
    await this.services.circuitBreakers.record(this.connection.registrationId, { kind: 'not-tried' }, lease.isTrial);
  }
}
