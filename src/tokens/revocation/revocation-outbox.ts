import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BackgroundJob } from '../../clock/background-job.js';
import { BackgroundJobs } from '../../clock/background-jobs.js';
import { Clock } from '../../clock/clock.js';
import { AppError, codeOf } from '../../errors/app-error.js';
import type { Removal } from '../../events/event-statement.js';
import type { ErrorCode } from '../../errors/error-code.js';
import { isPassing, ProviderUnavailableError, TokenRevokedError } from '../../errors/provider.errors.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { successorOf } from '../../provider-kit/definition/lifecycle.js';
import { ProviderLifecycle } from '../../provider-kit/definition/provider-lifecycle.js';
import { SubscriptionClient } from '../../provider-kit/notifications/subscription-client.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { backoffDelayMs, revocationBackoff } from '../policy/backoff.js';
import { RevocationStore, type GrantOwner, type RevocationEntry } from './revocation-store.js';
import { ConnectionStore } from '../store/connection-store.js';
import type { Connection } from '../store/connection.js';
import { isSameAccount, AccountRules } from '../accounts/account-rules.js';
import { toTokenSet, type TokenSet } from '../token-set.js';
import { TokenVault } from '../store/token-vault.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';
import { revocations } from '../tokens.metrics.js';

/**
 * How long to read the response to a refresh, in milliseconds. Short enough for a revocation after it, within the
 * lease.
 */
const patienceMs = 40_000;
/** Attempts to remove subscriptions. After the last one the grant is revoked in any case. */
const unsubscribeAttempts = 3;
/** Entries processed at a time. */
const batchSize = 20;
/** Longest pause between checks of the outbox, in milliseconds. */
const longestPauseMs = 15_000;

/** The code that an entry records for HTTP 410, and how long after it a second 410 counts, in milliseconds. */
const goneCode: ErrorCode = 'PROVIDER_RETIRED';
const goneMs = 3_600_000;

/**
 * Outcome of a revocation at the provider. `left`: not revoked, because it would also end an active connection, or
 * spend a token of a frozen one. `pending`: it will be retried.
 */
export const revocationOutcomes = ['revoked', 'left', 'unsupported', 'pending', 'failed'] as const;

export type RevocationOutcome = (typeof revocationOutcomes)[number];

/**
 * Revokes grants at their providers, through outages of providers and crashes of processes (TE-10).
 *
 * The statement that removes the connection also writes the entry. So no crash can leave a grant that nobody revokes,
 * or revoke one whose connection still exists. One process at a time makes an attempt. An entry that cannot be
 * completed in time is erased and reported.
 */
@Injectable()
export class RevocationOutbox {
  private readonly logger = new Logger(RevocationOutbox.name);
  private readonly job: BackgroundJob;

  constructor(
    private readonly revocations: RevocationStore,
    private readonly registry: ProviderRegistry,
    private readonly store: ConnectionStore,
    private readonly tokenVault: TokenVault,
    private readonly accounts: AccountRules,
    private readonly lifecycle: ProviderLifecycle,
    private readonly subscriptions: SubscriptionClient,
    private readonly clock: Clock,
    jobs: BackgroundJobs,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {
    this.job = jobs.add('workers', { name: RevocationOutbox.name, run: () => this.step() });
  }

  /** Processes due entries now, and from now on in this process. */
  processNow(): void {
    this.job.start();
    this.job.wake();
  }

  /**
   * Removes a connection and revokes its grant.
   *
   * @param removal - for the event
   * @returns the outcome of the first attempt; `undefined` when the row holds another token set or was removed
   * @throws {@link DatabaseUnavailableError} when it is unknown whether the connection was removed; its grant is
   *   revoked if it was
   */
  async removeAndRevoke(
    connection: Connection,
    tokens: TokenSet,
    removal: Removal,
  ): Promise<RevocationOutcome | undefined> {
    const entry = await this.revocations.moveOut(connection, tokens, removal);
    return entry === undefined ? undefined : this.attempt(entry);
  }

  /**
   * Revokes a grant that belongs to no connection: its connection was removed, has other tokens, or was never made by a
   * failed link.
   *
   * @returns the outcome of the first attempt
   * @throws {@link DatabaseUnavailableError} when the tokens could not be kept; nothing was sent
   */
  async revoke(owner: GrantOwner, tokens: TokenSet): Promise<RevocationOutcome> {
    return this.attempt(await this.revocations.add(owner, tokens));
  }

  /** Like {@link revoke}, but leaves the first attempt to the background job. */
  async revokeLater(owner: GrantOwner, tokens: TokenSet): Promise<void> {
    await this.revocations.add(owner, tokens);
  }

  /**
   * Tries to revoke the grant of an entry, and records the outcome. An unfinished entry stays in the outbox. The caller
   * does not wait for an overdue response: the outcome is `pending` then, and the attempt continues.
   */
  private attempt(entry: RevocationEntry): Promise<RevocationOutcome> {
    return new Promise((resolve, reject) => {
      this.work(entry, () => resolve('pending')).then(resolve, reject);
    });
  }

  private async work(entry: RevocationEntry, onOverdue: () => void): Promise<RevocationOutcome> {
    try {
      const outcome = await this.callProvider(entry, onOverdue);
      revocations.inc({ provider: entry.provider, outcome });
      await this.revocations.remove(entry);
      return outcome;
    } catch (error) {
      return await this.postpone(entry, error);
    }
  }

  private async callProvider(
    entry: RevocationEntry,
    onOverdue: () => void,
  ): Promise<'revoked' | 'left' | 'unsupported'> {
    const provider = this.registry.get(entry.provider);
    if (this.lifecycle.isRetired(provider)) {
      return 'unsupported';
    }
    const { userId, tokens } = await this.revocations.open(entry);
    if (await this.isInUse(entry, provider, userId, tokens)) {
      this.logger.warn(`Revocation ${entry.id} is discarded: it would also end another connection of the account.`);
      return 'left';
    }
    if (!this.needsRefresh(entry, provider, tokens)) {
      await this.unsubscribe(entry, provider, tokens);
      return provider.revoke(tokens);
    }
    if (!entry.mayRefresh) {
      this.logger.warn(`Revocation ${entry.id} is discarded: it would spend the refresh token of a frozen connection.`);
      return 'left';
    }
    try {
      const patience = { onOverdue, signal: AbortSignal.timeout(patienceMs) };
      const fresh = toTokenSet(await provider.refresh(tokens, patience), tokens);
      await this.revocations.replace(entry, { userId, tokens: fresh });
      await this.unsubscribe(entry, provider, fresh);
      return await provider.revoke(fresh);
    } catch (error) {
      if (error instanceof TokenRevokedError) {
        // Then the grant has ended already.
        return 'revoked';
      }
      throw error;
    }
  }

  /**
   * Removes the user's subscriptions to notifications while the token still works. A provider that refuses, or keeps
   * failing, does not keep the grant alive.
   */
  private async unsubscribe(entry: RevocationEntry, provider: HealthProvider, tokens: TokenSet): Promise<void> {
    if (provider.definition.notifications?.subscriptions?.scope !== 'user') {
      return;
    }
    try {
      await this.subscriptions.removeAll(provider, tokens);
    } catch (error) {
      if (!(error instanceof AppError) || (isPassing(error) && entry.attempts < unsubscribeAttempts)) {
        throw error;
      }
      this.logger.warn(`Subscriptions of a user at ${entry.provider} may be left: ${error.code}.`);
    }
  }

  /** If only a working access token can end a grant, an expired or refused one is refreshed first. */
  private needsRefresh(entry: RevocationEntry, { definition }: HealthProvider, tokens: TokenSet): boolean {
    const proof = definition.revocation?.proof;
    if (tokens.refreshToken === undefined || (proof !== 'bearer' && proof !== 'query')) {
      return false;
    }
    const hasExpired = tokens.expiresAt !== undefined && tokens.expiresAt <= this.clock.now();
    const wasAway = ['PROVIDER_UNAVAILABLE', 'PROVIDER_RATE_LIMITED', goneCode, null].includes(entry.lastErrorCode);
    return hasExpired || !wasAway;
  }

  /**
   * Many providers keep one grant for each account: revoking it would end a new link of the user, or another user's
   * connection.
   */
  private async isInUse(
    { attempts, registrationId }: RevocationEntry,
    provider: HealthProvider,
    userId: string,
    tokens: TokenSet,
  ): Promise<boolean> {
    const { slug, lifecycle } = provider.definition;
    const successor = successorOf(lifecycle);
    return (
      (attempts > 1 && (await this.mayHaveAccount(userId, slug, tokens))) ||
      // A provider that exchanges grants for its successor's may end both at once.
      (provider.exchangeGrant !== undefined &&
        successor !== undefined &&
        (await this.mayHaveAccount(userId, successor, tokens))) ||
      this.accounts.isOfAnother({ userId, registrationId }, tokens)
    );
  }

  /** Whether the user's connection to a provider has, or may have, the account of these tokens. */
  private async mayHaveAccount(userId: string, slug: string, tokens: TokenSet): Promise<boolean> {
    const current = await this.store.find(userId, slug);
    if (current === undefined || current.sealed === null) {
      return false;
    }
    const currentTokens = await this.tokenVault.open(current);
    const isKnown = currentTokens.providerUserId !== undefined && tokens.providerUserId !== undefined;
    return !isKnown || isSameAccount(currentTokens, tokens);
  }

  private async postpone(entry: RevocationEntry, error: unknown): Promise<RevocationOutcome> {
    const isGone = error instanceof ProviderUnavailableError && error.isGone;
    if (isGone && entry.lastErrorCode === goneCode) {
      // Two such responses, an hour apart: the provider has no endpoint left that could end a grant.
      revocations.inc({ provider: entry.provider, outcome: 'unsupported' });
      await this.revocations.remove(entry);
      return 'unsupported';
    }
    const code = isGone ? goneCode : codeOf(error);
    const retryAfterMs = error instanceof AppError ? (error.retryAfterSeconds ?? 0) * 1_000 : 0;
    const pauseMs = isGone ? goneMs : backoffDelayMs(entry.attempts, revocationBackoff, 0.5 + Math.random() / 2);
    const delayMs = Math.max(retryAfterMs, pauseMs);
    if (!(error instanceof AppError)) {
      this.logger.error(error);
    }
    if (entry.ageMs + delayMs > this.config.revocationGiveUpMs) {
      revocations.inc({ provider: entry.provider, outcome: 'given_up' });
      this.logger.error(
        `A grant at ${entry.provider} could not be revoked: ${code}. Its tokens are erased. The user can revoke access at the provider.`,
      );
      await this.revocations.remove(entry);
      return 'failed';
    }
    this.logger.warn(`Revoking a grant at ${entry.provider} failed with ${code}. Next attempt in ${delayMs} ms.`);
    revocations.inc({ provider: entry.provider, outcome: 'postponed' });
    await this.revocations.postpone(entry, delayMs, code);
    return 'pending';
  }

  private async step(): Promise<number> {
    const entries = await this.revocations.takeDue(batchSize);
    await Promise.all(entries.map((entry) => this.attempt(entry)));
    const nextDueInMs = await this.revocations.nextDueInMs();
    return Math.min(longestPauseMs, Math.max(0, nextDueInMs ?? longestPauseMs));
  }
}
