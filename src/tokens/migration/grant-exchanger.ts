import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { AuditTrail } from '../../audit/audit-trail.js';
import { Clock } from '../../clock/clock.js';
import { AuthorizationFailedError } from '../../errors/authorization.errors.js';
import { TokenUnreadableError } from '../../errors/connection.errors.js';
import {
  ProviderMisconfiguredError,
  ProviderRateLimitedError,
  ProviderUnavailableError,
  TokenRevokedError,
} from '../../errors/provider.errors.js';
import { DatabaseUnavailableError } from '../../errors/request.errors.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import type { Patience } from '../../provider-kit/http/http-message.js';
import type { OAuth2Definition } from '../../provider-kit/definition/provider-definition.js';
import { ProviderLifecycle } from '../../provider-kit/definition/provider-lifecycle.js';
import { TokenResponse } from '../../provider-kit/token-response.js';
import { VaultService } from '../../vault/vault.service.js';
import { ConnectionStore } from '../store/connection-store.js';
import { ExchangeJournal } from './exchange-journal.js';
import { recordMigration } from './migration-audit.js';
import { MigrationStore, type LeasedMigration } from './migration-store.js';
import { OrphanedGrantRevoker } from '../revocation/orphaned-grant-revoker.js';
import { parseTokenSet, toTokenSet, type TokenSet } from '../token-set.js';

/** An access token with less life left than this is refreshed before its first use, in milliseconds. */
const shortestLifeMs = 60_000;
/**
 * How long to read a response that is the only copy of new tokens, in milliseconds: until shortly before another run
 * may continue.
 */
const patienceMs = 90_000;
/** How often storing an exchanged grant is retried while the database is unavailable, and the pause in milliseconds. */
const keepAttempts = 60;
const keepPauseMs = 1_000;

/** The provider to migrate from, and its successor. */
export interface Exchange {
  readonly old: HealthProvider & Required<Pick<HealthProvider, 'exchangeGrant'>>;
  readonly successor: HealthProvider & { readonly definition: OAuth2Definition };
}

/** A token set and its user. */
export interface IdentifiedTokens {
  readonly tokens: TokenSet;
  readonly secretGen: number;
  readonly providerUserId: string;
}

/**
 * Exchanges a grant for one of the successor, and stores the result. The start of each call to a provider is committed
 * first, so that no call is repeated after a lost response.
 */
@Injectable()
export class GrantExchanger {
  constructor(
    private readonly store: MigrationStore,
    private readonly journal: ExchangeJournal,
    private readonly connections: ConnectionStore,
    private readonly vault: VaultService,
    private readonly orphanedGrants: OrphanedGrantRevoker,
    private readonly lifecycle: ProviderLifecycle,
    private readonly audit: AuditTrail,
    private readonly clock: Clock,
  ) {}

  /**
   * Exchanges the grant once, and stores the result.
   *
   * @returns `undefined` when the connection was removed in the meantime; the new grant is then revoked
   */
  async exchange(
    exchange: Exchange,
    leased: LeasedMigration,
    { tokens, secretGen, providerUserId }: IdentifiedTokens,
  ): Promise<TokenSet | undefined> {
    this.lifecycle.check(exchange.old);
    this.vault.ensureCanSeal('grant_migrations.sealed');
    await recordMigration(this.audit, exchange, leased, 'connection.exchange_begun');
    if (!(await this.store.begin(leased, secretGen))) {
      return undefined;
    }
    const response = await this.callExchange(exchange, leased, tokens);
    const received = toTokenSet(response);
    if (!(await this.commit(exchange, leased, { tokens: received, secretGen, providerUserId }))) {
      return undefined;
    }
    await recordMigration(this.audit, exchange, leased, 'connection.exchanged');
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
  async saveLeftOver(leased: LeasedMigration, { secretGen }: IdentifiedTokens): Promise<TokenSet | undefined> {
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

  /** The response to a repeated exchange says nothing about the first one, which stays in doubt. */
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
  async revokeIfRemoved({ successor }: Exchange, leased: LeasedMigration, response: TokenResponse): Promise<boolean> {
    const { userId, provider, id, registrationId: registration } = leased;
    if ((await this.connections.find(userId, provider)) !== undefined) {
      return false;
    }
    const place = { userId, id, provider: successor.definition.slug, registrationId: registration };
    await this.orphanedGrants.revokeFailedLink(place, response);
    return true;
  }

  /** Waits for an unavailable database, because the tokens exist nowhere else. */
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

  /**
   * Refreshes a new grant whose access token expired before its first use, as in a run a day later. This spends the
   * refresh token. So its start is committed first, as for the exchange, and it is not repeated after a lost response.
   *
   * @returns `undefined` when this run no longer holds the migration, or the connection was removed
   */
  async withLife(
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

  /** Keeps the set as it was if the refresh was certainly not made. */
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
}

/** Nobody waits for a run but its operator. */
function newPatience(): Patience {
  return { onOverdue: () => undefined, signal: AbortSignal.timeout(patienceMs) };
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

/** Returns a token set in the form of a token response. */
export function toTokenResponse({
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

/** Each generation of a connection's tokens is another exchange. */
function journalKey({ id }: LeasedMigration, secretGen: number): string {
  return `${id}-${secretGen}`;
}

/** Returns the context that the result of an exchange is sealed for. */
export function toContext({ userId, id, registrationId: registration }: LeasedMigration) {
  return {
    purpose: 'grant_migrations.sealed',
    rowId: id,
    userId,
    registrationId: registration,
    generation: 0,
  } as const;
}
