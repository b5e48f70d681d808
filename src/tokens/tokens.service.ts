import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { AuditAction, Requester } from '../audit/audit-event.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { RefusalRecorder } from '../audit/refusal-recorder.js';
import { Clock } from '../clock/clock.js';
import { AppError, codeOf } from '../errors/app-error.js';
import { AccountChangedError, ConnectionNotFoundError, ScopeNotGrantedError } from '../errors/connection.errors.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import type { ProviderDefinition } from '../provider-kit/provider-definition.js';
import { ProviderLifecycle } from '../provider-kit/provider-lifecycle.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import type { TokenGrant } from '../provider-kit/token-grant.js';
import { callerWaitMs, endsWithin } from './caller-wait.js';
import { ConnectionReader } from './connection-reader.js';
import { connectionState, refreshExpiry, type ConnectionState, type RefreshExpiry } from './connection-state.js';
import { ConnectionStore, type StoredConnection } from './connection-store.js';
import { LinkedAccounts, type OnAccountChange } from './linked-accounts.js';
import { OrphanedGrants } from './orphaned-grants.js';
import { RefreshJournal } from './refresh-journal.js';
import { relinkError, RefreshService } from './refresh.service.js';
import { RevocationOutbox, type RevocationOutcome } from './revocation-outbox.js';
import { expectedExpiry, keepRefreshToken, sealedScopes, toTokenSet, type TokenSet } from './token-set.js';
import { TokenVault } from './token-vault.js';
import { tokensConfig, type TokensConfig } from './tokens.config.js';
import { handOuts } from './tokens.metrics.js';

/** With less life than this a token is not worth handing out without trying to refresh it first, in milliseconds. */
const hardMarginMs = 60_000;
/** How often a save is repeated when two links of one user end at the same moment. */
const connectAttempts = 5;

/** A link that has ended well. */
export interface CompletedLink {
  readonly userId: string;
  readonly provider: string;
  readonly registrationId: string;
  readonly scopes: readonly string[];
  readonly onAccountChange: OnAccountChange;
  /** Why the provider could not tell the account; it is asked again later. Absent when it has told it, or never will. */
  readonly accountFailure?: AppError | undefined;
}

/** What a link has led to. */
export interface ConnectedAccount {
  readonly connectionId: string;
  /** Whether the provider usually gives a refresh token and gave none: the connection ends with its access token. */
  readonly lacksRefreshToken: boolean;
}

/** A token that works now, for the company's own services. */
export interface ValidToken {
  readonly accessToken: string;
  /** OAuth 1.0a only. */
  readonly tokenSecret: string | undefined;
  /** `undefined` when the token does not expire, or nobody knows when. */
  readonly expiresAt: Date | undefined;
  /** The user's id at the provider, where it is known. */
  readonly providerUserId: string | undefined;
  /** `null` when nobody knows which were granted. */
  readonly scopes: readonly string[] | null;
  /** How the provider's API is called with it. */
  readonly api: TokenUse;
}

/** How a provider's API is called with a token, where it is not simply `Authorization: Bearer` (OAuth 1.0a: a signature). */
export interface TokenUse {
  /** `undefined` where the provider has no API to call. */
  readonly baseUrl: string | undefined;
  /** Query parameter that carries the token instead. */
  readonly tokenParameter: string | undefined;
  /** Headers that are wanted beside, with credentials of the company's own. */
  readonly headers: readonly string[];
}

/** What happened at the provider to the grant of an erased connection. */
export interface ErasedConnection {
  readonly provider: string;
  readonly outcome: RevocationOutcome;
}

/** What a token is got for, as the audit trail names it. */
export type TokenPurpose = Extract<AuditAction, 'token.handed_out' | 'request.proxied' | 'request.signed'>;

/** A token set that was opened, and how it came to be handed out. */
interface WorkingTokens {
  readonly connectionId: string;
  readonly scopes: readonly string[] | null;
  readonly tokens: TokenSet;
  readonly how: 'fresh' | 'refreshed' | 'stale';
}

/** Stored grants: keeps what a link brought, hands out tokens that work, and lets go of them. */
@Injectable()
export class TokensService {
  private readonly logger = new Logger(TokensService.name);
  protected readonly callerWaitMs: (lifeMs: number) => number = callerWaitMs;

  constructor(
    private readonly store: ConnectionStore,
    private readonly reader: ConnectionReader,
    private readonly tokenVault: TokenVault,
    private readonly accounts: LinkedAccounts,
    private readonly refreshService: RefreshService,
    private readonly orphans: OrphanedGrants,
    private readonly outbox: RevocationOutbox,
    private readonly journal: RefreshJournal,
    private readonly registry: ProviderRegistry,
    private readonly lifecycle: ProviderLifecycle,
    private readonly audit: AuditTrail,
    private readonly refusals: RefusalRecorder,
    private readonly clock: Clock,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {}

  /**
   * Stores the grant of a finished link: a new connection, or the replacement of the tokens of an existing one. A grant that is refused is
   * the caller's to end.
   *
   * A grant without a refresh token keeps the one that is stored, where the account is known to be the same (TE-15): some providers give
   * one only at the first consent.
   *
   * @param link - whose connection it is
   * @param grant - as received
   * @returns the connection
   * @throws {@link AccountAlreadyLinkedError} when another user has connected the same account and accounts are not shared
   * @throws `link.accountFailure` when the account of the user's connection is known, so that the new one has to be compared with it
   * @throws {@link AccountChangedError} when the user's connection has another account and the link may not change that
   * @throws {@link DatabaseUnavailableError} when it cannot be stored; the user has to link again
   */
  async connect(link: CompletedLink, grant: TokenGrant): Promise<ConnectedAccount> {
    const { userId, provider, registrationId, scopes: scopesRequested } = link;
    const { definition } = this.registry.get(provider);
    const received = { ...toTokenSet(grant), requestedScopes: [...scopesRequested] };
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
            await this.orphans.endReplaced(existing, replaced);
          }
          return { connectionId: existing.id, lacksRefreshToken: lacksRefreshToken(definition, tokens) };
        }
      }
    }
    throw new Error(`A connection changed ${connectAttempts} times while it was being stored.`);
  }

  /** Adds the stored refresh token to tokens of a new link that came without one, unless it may be of another account or is dead. */
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
   * Hands out a token that works now, once the hand-out, or the use that is made of it here, is in the audit trail (LOG-06).
   *
   * A token with enough life is returned as it is. Inside the refresh margin it is returned too while a refresh runs behind;
   * close to its end, or where a refresh would end it, it is refreshed first; where the provider wants refreshes on demand only,
   * close to its end only. A refresh that fails, or takes long, never withholds a token that still works: the caller waits for it as
   * long as {@link callerWaitMs} says.
   *
   * @param userId - the company's id of the user
   * @param slug - the provider
   * @param requester - who gets the token
   * @param wanted - the scopes that it is for; none asks for whatever was granted
   * @param purpose - what is done with it
   * @throws {@link UnknownProviderError}, {@link ConnectionNotFoundError} when there is no such connection
   * @throws {@link ScopeNotGrantedError} when one of those was not granted, or nobody knows whether it was
   * @throws {@link TokenRevokedError} when the token has expired and only a new link helps
   * @throws {@link ProviderRetiredError} when the provider has shut down
   * @throws {@link TokenUnreadableError} when the stored tokens do not open
   * @throws {@link DatabaseUnavailableError} when the database does not answer, or the audit entry cannot be written
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
    handOuts.inc({ provider: slug, how });
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
      this.refreshBehind(connection);
      return toWorking(connection, tokens, 'fresh');
    }
    const refresh = this.refreshService.refresh(connection);
    try {
      const hasEnded = await endsWithin(refresh, this.callerWaitMs(lifeMs));
      if (!hasEnded && this.remainingLifeMs(tokens) > 0) {
        this.leaveBehind(connection, refresh);
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
   * Refreshes the connection once, however much life its token has.
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
   * Returns a connection with its tokens still sealed.
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

  /** Returns what can be said of a connection now, which its row may not say yet. */
  stateOf(connection: StoredConnection): ConnectionState {
    const { provider: slug } = connection;
    // This deployment may not know the provider any more.
    const isRetired = this.registry.has(slug) && this.lifecycle.isRetired(this.registry.get(slug));
    return connectionState(connection, isRetired, this.clock.now());
  }

  /** Returns when the refresh token of a connection ends, where anybody knows. */
  refreshExpiryOf(connection: StoredConnection): RefreshExpiry | undefined {
    const { provider: slug } = connection;
    return refreshExpiry(connection, this.registry.has(slug) ? this.registry.get(slug).definition : undefined);
  }

  /** Returns all connections of a user with their tokens still sealed. */
  list(userId: string): Promise<StoredConnection[]> {
    return this.store.list(userId);
  }

  /**
   * Erases a connection here, then ends its grant at the provider.
   *
   * The audit entry comes first, then the row goes: from that moment no token of it is handed out, whatever the provider answers.
   *
   * @param userId - the company's id of the user
   * @param slug - the provider
   * @param requester - who ends it
   * @returns what happened at the provider: `revoked`, `unsupported` where it offers no way, `pending` when it
   *   is tried again, or `failed` when nothing is left to try with
   * @throws {@link ConnectionNotFoundError} when there is no such connection
   * @throws {@link DatabaseUnavailableError} when it cannot be erased; nothing happened at the provider
   */
  async disconnect(userId: string, slug: string, requester: Requester): Promise<RevocationOutcome> {
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
      const outcome = await this.letGo(connection, provider);
      if (outcome !== undefined) {
        await this.journal.erase(connection.id);
        return outcome;
      }
      connection = await this.get(userId, slug);
    }
    throw new Error(`A connection changed ${connectAttempts} times while it was being unlinked.`);
  }

  /** Removes a row and ends its grant. Returns `undefined` when the row holds another token set by now. */
  private async letGo(connection: StoredConnection, provider: HealthProvider): Promise<RevocationOutcome | undefined> {
    const tokens = await this.tokenVault.openIfReadable(connection);
    if (tokens === undefined) {
      this.logger.warn(
        `Connection ${connection.id} is erased, but its tokens cannot be decrypted, so its grant is not revoked.`,
      );
      await this.store.remove(connection.userId, connection.provider);
      return 'failed';
    }
    if (provider.definition.revocation === undefined || this.lifecycle.isRetired(provider)) {
      await this.store.remove(connection.userId, connection.provider);
      return 'unsupported';
    }
    const entry = await this.outbox.moveOut(connection, tokens);
    return entry === undefined ? undefined : this.outbox.attempt(entry);
  }

  /**
   * Erases all connections of a user, those to providers that this deployment does not know any more included.
   *
   * @param userId - the company's id of the user
   * @param requester - who erases the user
   * @param until - only those that were linked until then; all when absent
   * @returns what happened to each at its provider, sorted by provider; behind them those that came meanwhile
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
    if (!this.registry.has(slug)) {
      const removed = await this.store.remove(userId, slug);
      if (removed !== undefined) {
        await this.journal.erase(removed.id);
      }
      return 'unsupported';
    }
    try {
      return await this.disconnect(userId, slug, requester);
    } catch (error) {
      if (error instanceof ConnectionNotFoundError) {
        // Somebody else has unlinked it at this moment.
        return 'revoked';
      }
      throw error;
    }
  }

  private refreshBehind(connection: StoredConnection): void {
    this.leaveBehind(connection, this.refreshService.refresh(connection, { priority: 'background' }));
  }

  /** Nobody waits for it any more. */
  private leaveBehind(connection: StoredConnection, refresh: Promise<void>): void {
    refresh.catch((error: unknown) => {
      const code = codeOf(error);
      this.logger.debug(`Background refresh of connection ${connection.id} failed: ${code}.`);
      this.logMistake(error);
    });
  }

  /** A failed refresh that nobody is told about must not hide a mistake of ours. */
  private logMistake(error: unknown): void {
    if (!(error instanceof AppError)) {
      this.logger.error(error);
    }
  }

  /** As far as it is known or assumed, so never more than what remains; a token is refreshed by it, but never withheld. */
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
