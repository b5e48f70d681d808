import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { AuditAction, Requester } from '../audit/audit-event.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { RefusalRecorder } from '../audit/refusal-recorder.js';
import { Clock } from '../clock/clock.js';
import type { Removal } from '../events/event-statement.js';
import { eventSource } from '../events/event-type.js';
import { EventUsers } from '../events/event-users.js';
import { AppError, codeOf } from '../errors/app-error.js';
import { AccountChangedError, ConnectionNotFoundError, ScopeNotGrantedError } from '../errors/connection.errors.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import type { ProviderDefinition } from '../provider-kit/definition/provider-definition.js';
import { ProviderLifecycle } from '../provider-kit/definition/provider-lifecycle.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import type { TokenResponse } from '../provider-kit/token-response.js';
import { callerWaitMs, endsWithin } from './policy/caller-wait.js';
import { ConnectionReader } from './store/connection-reader.js';
import { connectionState, refreshExpiry, type ConnectionState, type RefreshExpiry } from './policy/connection-state.js';
import { ConnectionStore } from './store/connection-store.js';
import type { StoredConnection } from './store/stored-connection.js';
import { AccountRules, type OnAccountChange } from './accounts/account-rules.js';
import { OrphanedGrantRevoker } from './revocation/orphaned-grant-revoker.js';
import { RefreshJournal } from './refresh/refresh-journal.js';
import { relinkError } from './refresh/refresh-errors.js';
import { RefreshService } from './refresh/refresh.service.js';
import { RevocationOutbox, type RevocationOutcome } from './revocation/revocation-outbox.js';
import { expectedExpiry, keepRefreshToken, sealedScopes, toTokenSet, type TokenSet } from './token-set.js';
import { TokenVault } from './store/token-vault.js';
import { tokensConfig, type TokensConfig } from './tokens.config.js';
import { issuedTokens } from './tokens.metrics.js';

/** A token with less life left than this is refreshed before it is returned, in milliseconds. */
const hardMarginMs = 60_000;
/** How often a save is repeated when two links of one user finish at the same moment. */
const connectAttempts = 5;

/** A completed link, ready to be stored. */
export interface CompletedLink {
  readonly userId: string;
  readonly provider: string;
  readonly registrationId: string;
  readonly scopes: readonly string[];
  readonly onAccountChange: OnAccountChange;
  /**
   * Why the provider could not return the account, which is looked up again later. Absent when the account is known or
   * never will be.
   */
  readonly accountFailure?: AppError | undefined;
}

/** The connection that a link created or updated. */
export interface ConnectedAccount {
  readonly connectionId: string;
  /**
   * Whether the provider normally issues a refresh token and issued none: the connection ends when its access token
   * expires.
   */
  readonly lacksRefreshToken: boolean;
}

/** A valid token for the company's own services. */
export interface ValidToken {
  readonly accessToken: string;
  /** OAuth 1.0a only. */
  readonly tokenSecret: string | undefined;
  /** `undefined` when the token never expires, or its expiry is unknown. */
  readonly expiresAt: Date | undefined;
  /** The user's id at the provider, where it is known. */
  readonly providerUserId: string | undefined;
  /** `null` when the granted scopes are unknown. */
  readonly scopes: readonly string[] | null;
  /** How to call the provider's API with the token. */
  readonly api: TokenUse;
}

/**
 * How to call a provider's API with a token, where it is not just `Authorization: Bearer` (OAuth 1.0a: a signature).
 */
export interface TokenUse {
  /** `undefined` where the provider has no API to call. */
  readonly baseUrl: string | undefined;
  /** Query parameter that carries the token instead of the header. */
  readonly tokenParameter: string | undefined;
  /** Further headers that the provider requires, with the company's own credentials. */
  readonly headers: readonly string[];
}

/** The outcome of revoking the grant of an erased connection. */
export interface ErasedConnection {
  readonly provider: string;
  readonly outcome: RevocationOutcome;
}

/** The purpose of a token, as named in the audit trail. */
export type TokenPurpose = Extract<AuditAction, 'token.handed_out' | 'request.proxied' | 'request.signed'>;

/** A decrypted token set, and why it may be returned. */
interface WorkingTokens {
  readonly connectionId: string;
  readonly scopes: readonly string[] | null;
  readonly tokens: TokenSet;
  readonly how: 'fresh' | 'refreshed' | 'stale';
}

/** Stores the tokens of links, returns valid tokens, and removes connections. */
@Injectable()
export class TokensService {
  private readonly logger = new Logger(TokensService.name);
  protected readonly callerWaitMs: (lifeMs: number) => number = callerWaitMs;

  constructor(
    private readonly store: ConnectionStore,
    private readonly reader: ConnectionReader,
    private readonly tokenVault: TokenVault,
    private readonly accounts: AccountRules,
    private readonly refreshService: RefreshService,
    private readonly orphanedGrants: OrphanedGrantRevoker,
    private readonly outbox: RevocationOutbox,
    private readonly journal: RefreshJournal,
    private readonly registry: ProviderRegistry,
    private readonly lifecycle: ProviderLifecycle,
    private readonly audit: AuditTrail,
    private readonly eventUsers: EventUsers,
    private readonly refusals: RefusalRecorder,
    private readonly clock: Clock,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {}

  /**
   * Stores the tokens of a completed link: as a new connection, or as the new tokens of an existing one. If this
   * throws, the caller must revoke the grant.
   *
   * A token response without a refresh token keeps the stored refresh token, if the account is known to be the same
   * (TE-15): some providers issue one only at the first consent.
   *
   * @param link - the link and its user
   * @param response - the token response
   * @returns the connection
   * @throws {@link AccountAlreadyLinkedError} when another user has connected the same account and accounts are not
   *   shared
   * @throws `link.accountFailure` when the account of the user's connection is known, so that the new account must be
   *   compared with it
   * @throws {@link AccountChangedError} when the user's connection has another account and the link may not change that
   * @throws {@link DatabaseUnavailableError} when the connection cannot be stored; the user must link again
   */
  async connect(link: CompletedLink, response: TokenResponse): Promise<ConnectedAccount> {
    const { userId, provider, registrationId, scopes: scopesRequested } = link;
    const { definition } = this.registry.get(provider);
    const received = { ...toTokenSet(response), requestedScopes: [...scopesRequested] };
    let tokens: TokenSet = received;
    const { accountFailure } = link;
    const account = { ...this.accounts.identify(registrationId, tokens), isPending: accountFailure !== undefined };
    await this.accounts.checkFree(link, account);
    for (let attempt = 0; attempt < connectAttempts; attempt += 1) {
      const existing = await this.store.find(userId, provider);
      if (existing === undefined) {
        const id = randomUUID();
        const sealed = this.tokenVault.seal({ userId, provider, id, registrationId, secretGen: 1 }, tokens);
        if (await this.store.insert({ userId, provider, id, registrationId, scopesRequested }, sealed, account)) {
          return { connectionId: id, lacksRefreshToken: lacksRefreshToken(definition, tokens) };
        }
      } else {
        if (accountFailure !== undefined && (await this.accounts.isKnown(existing))) {
          throw accountFailure;
        }
        tokens = await this.withStoredRefreshToken(received, existing, registrationId);
        const replaced = await this.accounts.findReplaced(existing, tokens);
        if (replaced !== undefined && link.onAccountChange === 'refuse') {
          throw new AccountChangedError();
        }
        const secretGen = existing.secretGen + 1;
        const sealed = this.tokenVault.seal({ ...existing, registrationId, secretGen }, tokens);
        if (await this.store.relink(existing, { registrationId, scopesRequested }, sealed, account)) {
          if (replaced !== undefined) {
            await this.orphanedGrants.revokeReplaced(existing, replaced);
          }
          return { connectionId: existing.id, lacksRefreshToken: lacksRefreshToken(definition, tokens) };
        }
      }
    }
    throw new Error(`A connection changed ${connectAttempts} times while it was being stored.`);
  }

  /**
   * Adds the stored refresh token to tokens of a new link that came without one, unless it may belong to another
   * account or is dead.
   */
  private async withStoredRefreshToken(
    tokens: TokenSet,
    existing: StoredConnection,
    registrationId: string,
  ): Promise<TokenSet> {
    const isDead = existing.endReason === 'grant_refused';
    if (tokens.refreshToken !== undefined || isDead || existing.registrationId !== registrationId) {
      return tokens;
    }
    const stored = await this.tokenVault.openIfReadable(existing);
    const isSameAccount = stored?.providerUserId !== undefined && stored.providerUserId === tokens.providerUserId;
    return isSameAccount ? keepRefreshToken(tokens, stored) : tokens;
  }

  /**
   * Returns a valid token, after recording its purpose in the audit trail (LOG-06).
   *
   * A token with enough life left is returned at once. Inside the refresh margin it is also returned at once, while a
   * refresh runs in the background. Close to its expiry, or where a refresh would invalidate it, the token is refreshed
   * first. Where the provider wants refreshes on demand only, that happens only close to the expiry. A slow or failed
   * refresh never withholds a token that still works: the caller waits as long as {@link callerWaitMs} says.
   *
   * @param userId - the company's id of the user
   * @param slug - the provider
   * @param requester - who gets the token
   * @param wanted - the scopes that the caller needs; an empty list accepts any
   * @param purpose - what the token is used for
   * @throws {@link UnknownProviderError}, {@link ConnectionNotFoundError} when there is no such connection
   * @throws {@link ScopeNotGrantedError} when a wanted scope was not granted, or this is unknown
   * @throws {@link TokenRevokedError} when the token has expired and only a new link helps
   * @throws {@link ProviderRetiredError} when the provider has shut down
   * @throws {@link TokenUnreadableError} when the stored tokens cannot be decrypted
   * @throws {@link DatabaseUnavailableError} when the database does not respond, or the audit entry cannot be written
   * @throws {@link RefreshPendingError} or a provider error when the token has expired and cannot be refreshed now
   */
  async getValid(
    userId: string,
    slug: string,
    requester: Requester,
    wanted: readonly string[] = [],
    purpose: TokenPurpose = 'token.handed_out',
  ): Promise<ValidToken> {
    const { connectionId, scopes, tokens, how } = await this.findWorking(userId, slug);
    const { definition, settings } = this.registry.get(slug);
    const event = { ...requester, action: purpose, userId, provider: slug, connectionId };
    const missing = wanted.filter((scope) => scopes?.includes(scope) !== true);
    if (missing.length > 0) {
      const refused = new ScopeNotGrantedError(missing, { areKnown: scopes !== null });
      await this.refusals.record({ ...event, code: refused.code }, `${requester.actor} ${connectionId}`);
      throw refused;
    }
    await this.audit.record({ ...event, outcome: 'success' });
    issuedTokens.inc({ provider: slug, how });
    return {
      accessToken: tokens.accessToken,
      tokenSecret: tokens.tokenSecret,
      expiresAt: tokens.expiresAt,
      providerUserId: tokens.providerUserId,
      scopes,
      api: {
        baseUrl: settings.endpoints.apiBaseUrl,
        tokenParameter: definition.dataApi?.tokenParameter,
        headers: definition.dataApi?.headers ?? [],
      },
    };
  }

  private async findWorking(userId: string, slug: string): Promise<WorkingTokens> {
    this.lifecycle.check(this.registry.get(slug));
    const connection = await this.reader.find(userId, slug);
    if (connection === undefined) {
      throw new ConnectionNotFoundError();
    }
    const tokens = await this.tokenVault.open(connection);
    return this.expectedLifeMs(connection, tokens) > this.config.refreshMarginMs
      ? toWorking(connection, tokens, 'fresh')
      : this.findRefreshed(userId, slug);
  }

  private async findRefreshed(userId: string, slug: string): Promise<WorkingTokens> {
    const provider = this.registry.get(slug);
    const connection = await this.get(userId, slug);
    const tokens = await this.tokenVault.open(connection);
    const lifeMs = this.remainingLifeMs(tokens);
    if (this.expectedLifeMs(connection, tokens) > this.config.refreshMarginMs) {
      return toWorking(connection, tokens, 'fresh');
    }
    if (connection.status === 'needs_relink' || tokens.refreshToken === undefined) {
      if (lifeMs > 0) {
        return toWorking(connection, tokens, 'stale');
      }
      const { status, reason } = this.stateOf(connection);
      throw relinkError(provider, status === 'needs_relink' ? reason : null);
    }
    if (lifeMs > hardMarginMs && refreshesOnDemandOnly(provider)) {
      return toWorking(connection, tokens, 'fresh');
    }
    if (lifeMs > hardMarginMs && !refreshEndsOldToken(provider)) {
      this.refreshInBackground(connection);
      return toWorking(connection, tokens, 'fresh');
    }
    const refresh = this.refreshService.refresh(connection);
    try {
      const hasEnded = await endsWithin(refresh, this.callerWaitMs(lifeMs));
      if (!hasEnded && this.remainingLifeMs(tokens) > 0) {
        this.finishInBackground(connection, refresh);
        return toWorking(connection, tokens, 'stale');
      }
      await refresh;
    } catch (error) {
      if (error instanceof ConnectionNotFoundError || this.remainingLifeMs(tokens) <= 0) {
        throw error;
      }
      this.logMistake(error);
      return toWorking(connection, tokens, 'stale');
    }
    const refreshed = await this.get(userId, slug);
    return toWorking(refreshed, await this.tokenVault.open(refreshed), 'refreshed');
  }

  /**
   * Refreshes the connection once, even if its token is still valid.
   *
   * @returns the connection afterwards
   * @throws as {@link RefreshService.refresh}
   */
  async refreshNow(userId: string, slug: string): Promise<StoredConnection> {
    const provider = this.registry.get(slug);
    this.lifecycle.check(provider);
    const connection = await this.get(userId, slug);
    const state = this.stateOf(connection);
    if (state.status === 'needs_relink') {
      throw relinkError(provider, state.reason);
    }
    await this.refreshService.refresh(connection);
    return this.get(userId, slug);
  }

  /**
   * Returns a connection. Its tokens stay sealed.
   *
   * @throws {@link UnknownProviderError}, {@link ConnectionNotFoundError}
   */
  async get(userId: string, slug: string): Promise<StoredConnection> {
    this.registry.get(slug);
    const connection = await this.store.find(userId, slug);
    if (connection === undefined) {
      throw new ConnectionNotFoundError();
    }
    return connection;
  }

  /** Returns the current state of a connection, which its row may not show yet. */
  stateOf(connection: StoredConnection): ConnectionState {
    const { provider: slug } = connection;
    // This deployment may not know the provider any more.
    const isRetired = this.registry.has(slug) && this.lifecycle.isRetired(this.registry.get(slug));
    return connectionState(connection, isRetired, this.clock.now());
  }

  /** Returns when the refresh token of a connection expires, if that is known. */
  refreshExpiryOf(connection: StoredConnection): RefreshExpiry | undefined {
    const { provider: slug } = connection;
    return refreshExpiry(connection, this.registry.has(slug) ? this.registry.get(slug).definition : undefined);
  }

  /** Returns all connections of a user. Their tokens stay sealed. */
  list(userId: string): Promise<StoredConnection[]> {
    return this.store.list(userId);
  }

  /**
   * Erases a connection here, then revokes its grant at the provider.
   *
   * First the audit entry is written, then the row is removed. From then on no token of the connection is returned,
   * whatever the provider responds.
   *
   * @param userId - the company's id of the user
   * @param slug - the provider
   * @param requester - who ends the connection
   * @returns the outcome at the provider: `revoked`; `unsupported` when it offers no way; `pending` when it will be
   *   retried; `failed` when no attempt is left
   * @throws {@link ConnectionNotFoundError} when there is no such connection
   * @throws {@link DatabaseUnavailableError} when it cannot be erased; nothing happened at the provider
   */
  disconnect(userId: string, slug: string, requester: Requester): Promise<RevocationOutcome> {
    return this.unlink(userId, slug, requester, this.eventUsers.removalOf(userId, eventSource(requester), false));
  }

  private async unlink(
    userId: string,
    slug: string,
    requester: Requester,
    removal: Removal,
  ): Promise<RevocationOutcome> {
    const provider = this.registry.get(slug);
    let connection = await this.get(userId, slug);
    await this.audit.record({
      ...requester,
      action: 'connection.unlinked',
      outcome: 'success',
      userId,
      provider: slug,
      connectionId: connection.id,
    });
    for (let attempt = 0; attempt < connectAttempts; attempt += 1) {
      const outcome = await this.removeAndRevoke(connection, provider, removal);
      if (outcome !== undefined) {
        await this.journal.erase(connection.id);
        return outcome;
      }
      connection = await this.get(userId, slug);
    }
    throw new Error(`A connection changed ${connectAttempts} times while it was being unlinked.`);
  }

  /** Removes a row and revokes its grant. Returns `undefined` when the row holds another token set by now. */
  private async removeAndRevoke(
    connection: StoredConnection,
    provider: HealthProvider,
    removal: Removal,
  ): Promise<RevocationOutcome | undefined> {
    const tokens = await this.tokenVault.openIfReadable(connection);
    if (tokens === undefined) {
      this.logger.warn(
        `Connection ${connection.id} is erased, but its tokens cannot be decrypted, so its grant is not revoked.`,
      );
      await this.store.remove(connection.userId, connection.provider, removal);
      return 'failed';
    }
    if (provider.definition.revocation === undefined || this.lifecycle.isRetired(provider)) {
      await this.store.remove(connection.userId, connection.provider, removal);
      return 'unsupported';
    }
    const entry = await this.outbox.moveOut(connection, tokens, removal);
    return entry === undefined ? undefined : this.outbox.attempt(entry);
  }

  /**
   * Erases all connections of a user, including those to providers that this deployment no longer knows.
   *
   * @param userId - the company's id of the user
   * @param requester - who erases the user
   * @param until - erase only connections linked until then; all if absent
   * @returns the outcome for each at its provider, sorted by provider, followed by connections that were added in the
   *   meantime
   * @throws {@link DatabaseUnavailableError} when one cannot be erased
   */
  async eraseUser(userId: string, requester: Requester, until?: Date): Promise<ErasedConnection[]> {
    const erased: ErasedConnection[] = [];
    for (let attempt = 0; attempt < connectAttempts; attempt += 1) {
      const connections = (await this.store.list(userId)).filter(
        ({ linkedAt }) => until === undefined || linkedAt <= until,
      );
      if (connections.length === 0) {
        return erased;
      }
      const outcomes = connections.map(async ({ provider }) => ({
        provider,
        outcome: await this.eraseConnection(userId, provider, requester),
      }));
      erased.push(...(await Promise.all(outcomes)));
      // A migration may have put another connection in the place of one behind the list.
    }
    throw new Error(`A user had new connections ${connectAttempts} times while being erased.`);
  }

  private async eraseConnection(
    userId: string,
    slug: string,
    requester: Requester,
  ): Promise<ErasedConnection['outcome']> {
    const removal = this.eventUsers.removalOf(userId, eventSource(requester), true);
    if (!this.registry.has(slug)) {
      const removed = await this.store.remove(userId, slug, removal);
      if (removed !== undefined) {
        await this.journal.erase(removed.id);
      }
      return 'unsupported';
    }
    try {
      return await this.unlink(userId, slug, requester, removal);
    } catch (error) {
      if (error instanceof ConnectionNotFoundError) {
        // Somebody else has unlinked it at this moment.
        return 'revoked';
      }
      throw error;
    }
  }

  private refreshInBackground(connection: StoredConnection): void {
    this.finishInBackground(connection, this.refreshService.refresh(connection, { priority: 'background' }));
  }

  /** Lets a refresh finish in the background. */
  private finishInBackground(connection: StoredConnection, refresh: Promise<void>): void {
    refresh.catch((error: unknown) => {
      const code = codeOf(error);
      this.logger.debug(`Background refresh of connection ${connection.id} failed: ${code}.`);
      this.logMistake(error);
    });
  }

  /** Logs unexpected errors of a refresh whose result no caller gets. */
  private logMistake(error: unknown): void {
    if (!(error instanceof AppError)) {
      this.logger.error(error);
    }
  }

  /**
   * The known or assumed life left, so never more than the real one. It triggers a refresh, but never withholds a
   * token.
   */
  private expectedLifeMs({ provider }: Pick<StoredConnection, 'provider'>, tokens: TokenSet): number {
    const { definition } = this.registry.get(provider);
    const endsAt = expectedExpiry(tokens, definition, this.config.assumedLifetimeMs);
    return endsAt === undefined ? Infinity : endsAt.getTime() - this.clock.now().getTime();
  }

  private remainingLifeMs(tokens: TokenSet): number {
    return tokens.expiresAt === undefined ? Infinity : tokens.expiresAt.getTime() - this.clock.now().getTime();
  }
}

function lacksRefreshToken(definition: ProviderDefinition, { refreshToken }: TokenSet): boolean {
  return (
    definition.oauth === '2.0' &&
    definition.noRefreshToken !== true &&
    definition.neverExpires !== true &&
    refreshToken === undefined
  );
}

function toWorking(
  { id, scopesRequested }: Pick<StoredConnection, 'id' | 'scopesRequested'>,
  tokens: TokenSet,
  how: WorkingTokens['how'],
): WorkingTokens {
  return { connectionId: id, scopes: sealedScopes(tokens, scopesRequested), tokens, how };
}

function refreshesOnDemandOnly(provider: HealthProvider): boolean {
  return provider.definition.oauth === '2.0' && provider.definition.refreshOnDemandOnly === true;
}

function refreshEndsOldToken(provider: HealthProvider): boolean {
  return provider.definition.oauth === '2.0' && provider.definition.refresh.oldAccessTokenDiesOnRefresh;
}
