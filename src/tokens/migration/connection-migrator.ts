import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { AuditTrail } from '../../audit/audit-trail.js';
import { Clock } from '../../clock/clock.js';
import { AppError } from '../../errors/app-error.js';
import { AuthorizationFailedError } from '../../errors/authorization.errors.js';
import { KeyUnavailableError, TokenUnreadableError } from '../../errors/connection.errors.js';
import type { ErrorCode } from '../../errors/error-code.js';
import {
  ProviderMisconfiguredError,
  ProviderRateLimitedError,
  ProviderUnavailableError,
  TokenRevokedError,
} from '../../errors/provider.errors.js';
import { DatabaseUnavailableError } from '../../errors/request.errors.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import type { Patience } from '../../provider-kit/http/http-client.js';
import type { OAuth2Definition } from '../../provider-kit/definition/provider-definition.js';
import { ProviderLifecycle } from '../../provider-kit/definition/provider-lifecycle.js';
import { registrationId } from '../../provider-kit/registration.js';
import { TokenResponse } from '../../provider-kit/token-response.js';
import { VaultService } from '../../vault/vault.service.js';
import { ConnectionStore } from '../store/connection-store.js';
import type { StoredConnection } from '../store/stored-connection.js';
import { ExchangeJournal } from './exchange-journal.js';
import { MigrationStore, type LeasedMigration } from './migration-store.js';
import { AccountRules } from '../accounts/account-rules.js';
import { OrphanedGrantRevoker } from '../revocation/orphaned-grant-revoker.js';
import { parseTokenSet, toTokenSet, type TokenSet } from '../token-set.js';
import { TokenVault } from '../store/token-vault.js';

/** An access token with less life left than this is refreshed before its first use, in milliseconds. */
const shortestLifeMs = 60_000;
/** How long a response is read that is the only copy of new tokens, in milliseconds: until shortly before another run may go on. */
const patienceMs = 90_000;
/** How often storing an exchanged grant is retried while the database is unavailable, and the pause in milliseconds. */
const keepAttempts = 60;
const keepPauseMs = 1_000;

/** The outcome for one connection. */
export type MigrationOutcome =
  /** The connection was replaced by one of the successor. */
  | 'migrated'
  /** The user had already linked the same account with the successor; the old connection was removed. */
  | 'already_linked'
  /** An exchange, or the refresh after it, was sent and its response lost. Neither is repeated automatically. */
  | 'in_doubt'
  /** The new grant is of another account; it is not used. */
  | 'other_account'
  /** The user has a connection to the successor that has ended or is of another account. */
  | 'conflict'
  | 'failed'
  /** Another run is migrating it, or the user has unlinked one of the connections or linked it again. */
  | 'passed_by';

/** The result of a run for one connection. */
export interface MigratedConnection {
  readonly outcome: MigrationOutcome;
  /** `undefined` when the connection was skipped. */
  readonly connectionId: string | undefined;
  /** Why it failed. */
  readonly code: ErrorCode | undefined;
}

/** The provider to migrate from, and its successor. */
export interface Exchange {
  readonly old: HealthProvider & Required<Pick<HealthProvider, 'exchangeGrant'>>;
  readonly successor: HealthProvider & { readonly definition: OAuth2Definition };
}

/** The result for one connection, with the error that decides whether the run continues. */
export type Attempt = MigratedConnection & { readonly error?: AppError };

/** A token set and its user. */
interface IdentifiedTokens {
  readonly tokens: TokenSet;
  readonly secretGen: number;
  readonly providerUserId: string;
}

/**
 * Migrates one connection to the successor of its provider (O1-11), in steps. Each step is committed before the next:
 *
 * 1. The user's account is known.
 * 2. The exchange starts.
 * 3. Its result is stored, sealed.
 * 4. The new grant was used once, and is of the same account.
 * 5. One statement replaces the old connection with the new one.
 *
 * Until step 5 the old connection works as before. An interrupted migration resumes where it stopped. An exchange that
 * was sent and whose response was lost is not repeated, because no provider documents the effect of a second one. The
 * same is true for the refresh of a new grant that expired before its first use.
 *
 * The old grant is not revoked at the provider, because that would end the user's registration there, and the new grant
 * with it.
 */
@Injectable()
export class ConnectionMigrator {
  constructor(
    private readonly store: MigrationStore,
    private readonly journal: ExchangeJournal,
    private readonly connections: ConnectionStore,
    private readonly tokenVault: TokenVault,
    private readonly vault: VaultService,
    private readonly accounts: AccountRules,
    private readonly orphanedGrants: OrphanedGrantRevoker,
    private readonly lifecycle: ProviderLifecycle,
    private readonly audit: AuditTrail,
    private readonly clock: Clock,
  ) {}

  /**
   * Migrates a connection as far as possible.
   *
   * @param repeatUnanswered - whether to repeat an exchange whose response was lost
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError}; finished steps stay
   */
  async migrate(exchange: Exchange, userId: string, repeatUnanswered: boolean): Promise<Attempt> {
    const { old, successor } = exchange;
    const place = { userId, provider: old.definition.slug };
    const registration = { slug: successor.definition.slug, registrationId: registrationId(successor) };
    const leased = await this.store.lease(place, randomUUID(), registration);
    if (leased === undefined) {
      return { outcome: 'passed_by', connectionId: undefined, code: undefined };
    }
    const connectionId = leased.id;
    try {
      const outcome = await this.proceed(exchange, leased, repeatUnanswered);
      await this.store.release(leased, undefined);
      return { outcome, connectionId, code: undefined };
    } catch (error) {
      if (!(error instanceof AppError) || isOurOutage(error)) {
        // The lease runs out by itself.
        throw error;
      }
      const { code } = error;
      await this.record(exchange, leased, 'connection.exchange_failed', code);
      const state = await this.store.release(leased, code);
      return { outcome: state === 'begun' ? 'in_doubt' : 'failed', connectionId, code, error };
    }
  }

  private async proceed(
    exchange: Exchange,
    leased: LeasedMigration,
    repeatUnanswered: boolean,
  ): Promise<MigrationOutcome> {
    const connection = await this.connections.find(leased.userId, leased.provider);
    if (connection === undefined) {
      return 'passed_by';
    }
    const identified = await this.withAccount(exchange.old, connection);
    if (identified === undefined) {
      return 'passed_by';
    }
    const { tokens } = identified;
    const linked = await this.connections.find(leased.userId, exchange.successor.definition.slug);
    if (linked !== undefined) {
      return this.finishLinked(exchange, leased, linked, identified);
    }
    const left = leased.state === 'begun' ? await this.saveLeftOver(leased, identified) : undefined;
    if (left !== undefined) {
      await this.record(exchange, leased, 'connection.exchanged');
      return this.finish(exchange, leased, left, identified);
    }
    if (leased.state === 'begun' && !repeatUnanswered) {
      return 'in_doubt';
    }
    if (leased.state === 'exchanged' && leased.sealed !== null) {
      const kept = parseTokenSet(await this.vault.open(leased.sealed, toContext(leased)));
      return this.finish(exchange, leased, kept, identified);
    }
    await this.accounts.checkFree(leased, this.accounts.identify(leased.registrationId, tokens));
    const received = await this.exchange(exchange, leased, identified);
    return received === undefined ? 'passed_by' : this.finish(exchange, leased, received, identified);
  }

  /**
   * Returns the tokens of a connection, with their account. If the account is unknown, asks the provider and stores it.
   * `undefined` when the connection changed in the meantime.
   */
  private async withAccount(old: HealthProvider, connection: StoredConnection): Promise<IdentifiedTokens | undefined> {
    const tokens = await this.tokenVault.open(connection);
    const { secretGen } = connection;
    if (tokens.providerUserId !== undefined) {
      return { tokens, secretGen, providerUserId: tokens.providerUserId };
    }
    this.lifecycle.check(old);
    const providerUserId = await old.findProviderUserId(tokens);
    if (providerUserId === undefined) {
      throw new AuthorizationFailedError(`${old.definition.displayName} does not say which user the grant belongs to.`);
    }
    const identified = { tokens: { ...tokens, providerUserId }, secretGen: secretGen + 1, providerUserId };
    const sealed = this.tokenVault.seal({ ...connection, secretGen: identified.secretGen }, identified.tokens);
    const account = this.accounts.identify(connection.registrationId, identified.tokens);
    return (await this.connections.learnAccount(connection, sealed, account)) ? identified : undefined;
  }

  /**
   * Exchanges the grant once, and stores the result.
   *
   * @returns `undefined` when the connection was removed in the meantime; the new grant is then revoked
   */
  private async exchange(
    exchange: Exchange,
    leased: LeasedMigration,
    { tokens, secretGen, providerUserId }: IdentifiedTokens,
  ): Promise<TokenSet | undefined> {
    this.lifecycle.check(exchange.old);
    this.vault.ensureCanSeal('grant_migrations.sealed');
    await this.record(exchange, leased, 'connection.exchange_begun');
    if (!(await this.store.begin(leased, secretGen))) {
      return undefined;
    }
    const response = await this.callExchange(exchange, leased, tokens);
    const received = toTokenSet(response);
    if (!(await this.commit(exchange, leased, { tokens: received, secretGen, providerUserId }))) {
      return undefined;
    }
    await this.record(exchange, leased, 'connection.exchanged');
    return received;
  }

  /**
   * Commits a new token set, which exists nowhere else. While another run holds the migration, its journal entry stays
   * for the next run.
   *
   * @param received - the set, with the generation that was exchanged for it
   * @returns false when it could not be committed; it is revoked if the connection was removed
   */
  private async commit(exchange: Exchange, leased: LeasedMigration, received: IdentifiedTokens): Promise<boolean> {
    const { tokens, secretGen, providerUserId } = received;
    const sealed = this.vault.seal(tokens, toContext(leased));
    const key = journalKey(leased, secretGen);
    await this.journal.record(key, sealed);
    const isKept = await this.saveResult(leased, secretGen, sealed);
    if (isKept || (await this.revokeIfRemoved(exchange, leased, toTokenResponse({ ...tokens, providerUserId })))) {
      await this.journal.forget(key);
    }
    return isKept;
  }

  /**
   * Stores a result that an earlier run received and could not commit. Returns `undefined` when there is none, or it
   * cannot be decrypted.
   */
  private async saveLeftOver(leased: LeasedMigration, { secretGen }: IdentifiedTokens): Promise<TokenSet | undefined> {
    const key = journalKey(leased, secretGen);
    const sealed = await this.journal.find(key);
    if (sealed === undefined) {
      return undefined;
    }
    try {
      const left = parseTokenSet(await this.vault.open(sealed, toContext(leased)));
      if (!(await this.saveResult(leased, secretGen, sealed))) {
        return undefined;
      }
      await this.journal.forget(key);
      return left;
    } catch (error) {
      if (error instanceof TokenUnreadableError) {
        return undefined;
      }
      throw error;
    }
  }

  /** What a repeated exchange says tells nothing of the first one: that stays in doubt. */
  private async callExchange(
    { old, successor }: Exchange,
    leased: LeasedMigration,
    tokens: TokenSet,
  ): Promise<TokenResponse> {
    try {
      return await old.exchangeGrant(tokens, successor.definition, newPatience());
    } catch (error) {
      if (leased.state === 'ready' && wasNotMade(error)) {
        await this.store.undoBegin(leased);
      }
      throw error;
    }
  }

  /**
   * Revokes a new grant whose connection was removed in the meantime: the user has unlinked it, or was erased.
   *
   * @returns whether the connection was removed
   */
  private async revokeIfRemoved(
    { successor }: Exchange,
    leased: LeasedMigration,
    response: TokenResponse,
  ): Promise<boolean> {
    const { userId, provider, id, registrationId: registration } = leased;
    if ((await this.connections.find(userId, provider)) !== undefined) {
      return false;
    }
    const place = { userId, id, provider: successor.definition.slug, registrationId: registration };
    await this.orphanedGrants.revokeFailedLink(place, response);
    return true;
  }

  /** Nobody else may have a copy: a database that is away is waited for. */
  private async saveResult(leased: LeasedMigration, secretGen: number, sealed: Buffer): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.store.saveResult(leased, secretGen, sealed);
      } catch (error) {
        if (!(error instanceof DatabaseUnavailableError) || attempt === keepAttempts) {
          throw error;
        }
        await sleep(keepPauseMs);
      }
    }
  }

  /** Uses the new grant once, and puts it in the place of the old connection if it is of the same account. */
  private async finish(
    exchange: Exchange,
    leased: LeasedMigration,
    kept: TokenSet,
    identified: IdentifiedTokens,
  ): Promise<MigrationOutcome> {
    const { successor } = exchange;
    const { providerUserId } = identified;
    const tokens = await this.withLife(exchange, leased, kept, identified);
    if (tokens === undefined) {
      return 'passed_by';
    }
    if ((await successor.findProviderUserId(tokens)) !== providerUserId) {
      return 'other_account';
    }
    await successor.prepareAccount(toTokenResponse(tokens));
    await this.record(exchange, leased, 'connection.migrated');
    const { slug } = successor.definition;
    const scopesRequested = successor.settings.scopes;
    const complete = { ...tokens, providerUserId, requestedScopes: [...scopesRequested] };
    const place = { provider: slug, id: randomUUID(), registrationId: leased.registrationId };
    const sealed = this.tokenVault.seal({ ...place, userId: leased.userId, secretGen: 1 }, complete);
    const account = this.accounts.identify(leased.registrationId, complete);
    const connection = { ...place, scopesRequested };
    const done = await this.store.replace(leased, connection, sealed, account);
    if (done === 'linked') {
      const linked = await this.connections.find(leased.userId, slug);
      return linked === undefined ? 'passed_by' : this.finishLinked(exchange, leased, linked, identified);
    }
    if (done === 'lost') {
      await this.revokeIfRemoved(exchange, leased, toTokenResponse(complete));
      return 'passed_by';
    }
    return 'migrated';
  }

  /**
   * Refreshes a new grant whose access token expired before its first use, as in a run a day later. This spends the
   * refresh token, so it is started and committed like the exchange: a token whose response was lost is not sent again.
   *
   * @returns `undefined` when this run no longer holds the migration, or the connection was removed
   */
  private async withLife(
    exchange: Exchange,
    leased: LeasedMigration,
    kept: TokenSet,
    identified: IdentifiedTokens,
  ): Promise<TokenSet | undefined> {
    const endsInMs = (kept.expiresAt?.getTime() ?? Infinity) - this.clock.now().getTime();
    if (endsInMs > shortestLifeMs || kept.refreshToken === undefined) {
      return kept;
    }
    this.vault.ensureCanSeal('grant_migrations.sealed');
    // A run that was killed may have left the entry of the set that is now spent.
    await this.journal.forget(journalKey(leased, identified.secretGen));
    if (!(await this.store.begin(leased, identified.secretGen))) {
      return undefined;
    }
    const tokens = toTokenSet(await this.callRefresh(exchange, leased, kept, identified), kept);
    return (await this.commit(exchange, leased, { ...identified, tokens })) ? tokens : undefined;
  }

  /** A refresh that was not made leaves the set as good as it was. */
  private async callRefresh(
    { successor }: Exchange,
    leased: LeasedMigration,
    kept: TokenSet,
    { secretGen }: IdentifiedTokens,
  ): Promise<TokenResponse> {
    try {
      return await successor.refresh(kept, newPatience());
    } catch (error) {
      if (wasNotMade(error) || error instanceof TokenRevokedError) {
        await this.saveResult(leased, secretGen, this.vault.seal(kept, toContext(leased)));
      }
      throw error;
    }
  }

  /** The user was faster: the old connection goes if the new one works and is of the same account. */
  private async finishLinked(
    exchange: Exchange,
    leased: LeasedMigration,
    linked: StoredConnection,
    { secretGen, providerUserId }: IdentifiedTokens,
  ): Promise<MigrationOutcome> {
    const linkedTokens = linked.status === 'active' ? await this.tokenVault.openIfReadable(linked) : undefined;
    if (linkedTokens?.providerUserId !== providerUserId) {
      return 'conflict';
    }
    await this.record(exchange, leased, 'connection.migrated');
    return (await this.store.remove(leased, secretGen, linked)) ? 'already_linked' : 'passed_by';
  }

  private record(
    { successor }: Exchange,
    { userId, provider, id }: LeasedMigration,
    action: 'connection.exchange_begun' | 'connection.exchanged' | 'connection.exchange_failed' | 'connection.migrated',
    code?: ErrorCode,
  ): Promise<void> {
    const subject = `provider:${successor.definition.slug}`;
    const outcome = code === undefined ? 'success' : 'failed';
    return this.audit.record({ action, outcome, actor: 'cli', userId, provider, connectionId: id, subject, code });
  }
}

/** Nobody waits for a run but its operator. */
function newPatience(): Patience {
  return { onOverdue: () => undefined, signal: AbortSignal.timeout(patienceMs) };
}

/** Without the database or the keys nothing goes on. */
function isOurOutage(error: AppError): boolean {
  return error instanceof DatabaseUnavailableError || error instanceof KeyUnavailableError;
}

/** Whether a started exchange or refresh was certainly not made: the provider refused it, or never got it. */
function wasNotMade(error: unknown): boolean {
  return (
    error instanceof AuthorizationFailedError ||
    error instanceof ProviderMisconfiguredError ||
    error instanceof ProviderRateLimitedError ||
    (error instanceof ProviderUnavailableError && error.fate !== 'unknown')
  );
}

function toTokenResponse({
  accessToken,
  tokenSecret,
  refreshToken,
  providerUserId,
  obtainedAt,
}: TokenSet): TokenResponse {
  return new TokenResponse({
    accessToken,
    requestedAt: obtainedAt,
    ...(tokenSecret === undefined ? {} : { tokenSecret }),
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(providerUserId === undefined ? {} : { providerUserId }),
  });
}

/** Other tokens of the connection are another exchange. */
function journalKey({ id }: LeasedMigration, secretGen: number): string {
  return `${id}-${secretGen}`;
}

function toContext({ userId, id, registrationId: registration }: LeasedMigration) {
  return {
    purpose: 'grant_migrations.sealed',
    rowId: id,
    userId,
    registrationId: registration,
    generation: 0,
  } as const;
}
