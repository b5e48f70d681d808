import { Inject, Injectable, Logger } from '@nestjs/common';
import { AuditTrail } from '../../audit/audit-trail.js';
import { BackgroundJobs } from '../../clock/background-jobs.js';
import { Clock } from '../../clock/clock.js';
import { changeBatch } from '../../database/batch-of-rows.js';
import { Database, type Statement } from '../../database/database.js';
import { AppError, codeOf } from '../../errors/app-error.js';
import { AccountAlreadyLinkedError } from '../../errors/connection.errors.js';
import { InvalidTokenResponseError, isPassing, ProviderMisconfiguredError } from '../../errors/provider.errors.js';
import type { AccessVerdict, HealthProvider } from '../../provider-kit/health-provider.js';
import { ProviderLifecycle } from '../../provider-kit/definition/provider-lifecycle.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { canCheckAccess } from '../../provider-kit/notifications/can-check-access.js';
import { ConnectionStore } from '../store/connection-store.js';
import { connectionColumns, type Connection } from '../store/connection.js';
import { AccountRules } from './account-rules.js';
import { expectedExpiry, type TokenSet } from '../token-set.js';
import { TokenVault } from '../store/token-vault.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';
import { accountLookups } from '../tokens.metrics.js';

/** Connections looked up at a time. */
const batchSize = 20;
/** Longest pause between checks of the table, and pause after a full batch, in milliseconds. */
const longestPauseMs = 15_000;
const batchPauseMs = 1_000;
/**
 * Bounds of the wait for an unavailable provider, in milliseconds. Between them, the wait is as long as the provider
 * has been unavailable.
 */
const shortestWaitMs = 60_000;
const longestWaitMs = 3_600_000;

const takeDue = changeBatch(
  'connections-take-pending-accounts',
  {
    table: 'connections',
    key: 'user_id, provider',
    condition: `account_due_at <= now() AND status = 'active' AND frozen_at IS NULL`,
    order: 'account_due_at',
    limit: '$1',
  },
  (isInBatch) =>
    `WITH taken AS (
       UPDATE connections SET account_due_at = now() + interval '60 seconds' WHERE ${isInBatch} RETURNING *)
     SELECT ${connectionColumns} FROM taken`,
);
const setDue: Statement = {
  name: 'connections-set-account-due',
  text: `UPDATE connections SET account_due_at = now() + $4::float8 * interval '1 millisecond'
         WHERE user_id = $1 AND provider = $2 AND id = $3 AND account_due_at IS NOT NULL`,
};

/**
 * Makes a refresh due after a rejected access token: it shows whether the grant has ended. After a first refusal of the
 * refresh token, the next attempt already has its time.
 */
const refreshSoon: Statement = {
  name: 'connections-refresh-soon',
  text: `UPDATE connections SET refresh_due_at = least(refresh_due_at, now())
         WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 AND status = 'active'
           AND suspect_since IS NULL AND refresh_due_at IS NOT NULL`,
};

/** `works`, `rejected`: state of the access token of a connection whose account is known. */
type Outcome = 'known' | 'taken' | 'refused' | 'postponed' | 'works' | 'rejected';

const verdicts = { accepted: 'works', rejected: 'rejected', unknown: 'postponed' } as const satisfies Record<
  AccessVerdict,
  Outcome
>;

/**
 * Looks up accounts that the provider could not return during the link, and then applies the rule about accounts
 * (AR-23). A connection ends if its account is another user's. Its grant is not revoked, because most providers keep
 * one grant for an account.
 *
 * If the account is already known, the same call shows whether the provider's API still accepts the access token. After
 * a refused refresh token, that distinguishes a mistake from the end of the grant.
 */
@Injectable()
export class AccountLookupWorker {
  private readonly logger = new Logger(AccountLookupWorker.name);

  constructor(
    private readonly database: Database,
    private readonly store: ConnectionStore,
    private readonly tokenVault: TokenVault,
    private readonly accounts: AccountRules,
    private readonly registry: ProviderRegistry,
    private readonly lifecycle: ProviderLifecycle,
    private readonly audit: AuditTrail,
    private readonly clock: Clock,
    jobs: BackgroundJobs,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {
    jobs.add('workers', { name: AccountLookupWorker.name, run: () => this.sweep() });
  }

  /**
   * Looks up a batch of due accounts.
   *
   * @returns milliseconds until the next call
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    const connections = await this.database.query<Connection>(takeDue, [batchSize]);
    await Promise.all(connections.map((connection) => this.lookUp(connection)));
    return connections.length === batchSize ? batchPauseMs : longestPauseMs;
  }

  private async lookUp(connection: Connection): Promise<void> {
    const { provider, id } = connection;
    let outcome: Outcome = 'postponed';
    try {
      outcome = await this.findAccount(connection, this.registry.get(provider));
    } catch (error) {
      if (!(error instanceof AppError)) {
        this.logger.error(error);
      }
      this.logger.warn(`The account of connection ${id} is still unknown (${codeOf(error)}).`);
      await this.postpone(connection, error instanceof AppError ? error.retryAfterSeconds : undefined);
    }
    accountLookups.inc({ provider, outcome });
  }

  private async findAccount(connection: Connection, provider: HealthProvider): Promise<Outcome> {
    this.lifecycle.check(provider);
    const tokens = await this.tokenVault.open(connection);
    if (tokens.providerUserId !== undefined && canCheckAccess(provider)) {
      return this.tryToken(connection, provider, tokens);
    }
    const endsAt = expectedExpiry(tokens, provider.definition, this.config.assumedLifetimeMs);
    if (endsAt !== undefined && endsAt <= this.clock.now()) {
      await this.postpone(connection);
      return 'postponed';
    }
    const providerUserId = await this.askProvider(connection, provider, tokens);
    if (providerUserId === undefined) {
      return this.saveAccount(connection, tokens, 'refused');
    }
    try {
      return await this.saveAccount(connection, { ...tokens, providerUserId }, 'known');
    } catch (error) {
      if (error instanceof AccountAlreadyLinkedError) {
        return this.endForAccount(connection, error);
      }
      throw error;
    }
  }

  /** Asks once whether the access token still works. One that has expired cannot tell. */
  private async tryToken(connection: Connection, provider: HealthProvider, tokens: TokenSet): Promise<Outcome> {
    const { userId, provider: slug, id } = connection;
    let outcome: Outcome = 'postponed';
    if (tokens.expiresAt === undefined || tokens.expiresAt > this.clock.now()) {
      try {
        outcome = verdicts[await provider.checkAccess(tokens)];
      } catch (error) {
        if (!(error instanceof AppError)) {
          throw error;
        }
      }
    }
    if (outcome === 'rejected') {
      await this.store.noteAccessRejected(connection);
      await this.database.query(refreshSoon, [userId, slug, id, connection.secretGen]);
    }
    await this.database.query(setDue, [userId, slug, id, null]);
    return outcome;
  }

  /** @returns `undefined` when the provider refuses to return the account */
  private async askProvider(
    { id }: Connection,
    provider: HealthProvider,
    tokens: TokenSet,
  ): Promise<string | undefined> {
    try {
      return await provider.findProviderUserId(tokens);
    } catch (error) {
      if (!(error instanceof AppError) || isPassing(error) || needsOperator(error)) {
        throw error;
      }
      this.logger.warn(`The account of connection ${id} stays unknown until its next link (${error.code}).`);
      return undefined;
    }
  }

  /** Saves the account, unless a refresh is in flight. */
  private async saveAccount(connection: Connection, tokens: TokenSet, outcome: Outcome): Promise<Outcome> {
    const account = this.accounts.identify(connection.registrationId, tokens);
    await this.accounts.checkFree(connection, account);
    const sealed = this.tokenVault.seal({ ...connection, secretGen: connection.secretGen + 1 }, tokens);
    return (await this.store.learnAccount(connection, sealed, account)) ? outcome : 'postponed';
  }

  /**
   * The audit entry is written after the row, because a refresh or a new link may be quicker. The row says at once why
   * the connection ended.
   */
  private async endForAccount(connection: Connection, { code }: AccountAlreadyLinkedError): Promise<Outcome> {
    const { userId, provider, id } = connection;
    if (!(await this.store.endForAccount(connection, code))) {
      return 'postponed';
    }
    this.logger.warn(`Connection ${id} has ended: another user has connected its account.`);
    await this.audit
      .record({
        actor: 'service',
        action: 'connection.unlinked',
        outcome: 'denied',
        userId,
        provider,
        connectionId: id,
        code,
      })
      .catch((failure: unknown) => this.logger.error(failure));
    return 'taken';
  }

  private async postpone({ userId, provider, id, linkedAt }: Connection, retryAfterSeconds = 0): Promise<void> {
    const awayMs = this.clock.now().getTime() - linkedAt.getTime();
    const waitMs = Math.max(shortestWaitMs, Math.min(awayMs, longestWaitMs), retryAfterSeconds * 1_000);
    await this.database.query(setDue, [userId, provider, id, waitMs]);
  }
}

/** Whether the operator, or a fix of ours, can make the lookup succeed. */
function needsOperator(error: AppError): boolean {
  return error instanceof ProviderMisconfiguredError || error instanceof InvalidTokenResponseError;
}
