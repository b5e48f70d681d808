import { Inject, Injectable, Logger } from '@nestjs/common';
import type { AuditAction, Requester } from '../audit/audit-event.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { RefusalRecorder } from '../audit/refusal-recorder.js';
import { Clock } from '../clock/clock.js';
import { AppError, codeOf } from '../errors/app-error.js';
import { ConnectionNotFoundError, ScopeNotGrantedError } from '../errors/connection.errors.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import { ProviderLifecycle } from '../provider-kit/definition/provider-lifecycle.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { callerWaitMs, endsWithin } from './policy/caller-wait.js';
import { ConnectionReader } from './store/connection-reader.js';
import { connectionState, refreshExpiry, type ConnectionState, type RefreshExpiry } from './policy/connection-state.js';
import { ConnectionStore } from './store/connection-store.js';
import type { Connection } from './store/connection.js';
import { relinkError } from './refresh/refresh-errors.js';
import { RefreshService } from './refresh/refresh.service.js';
import { expectedExpiry, sealedScopes, type TokenSet } from './token-set.js';
import { TokenVault } from './store/token-vault.js';
import { tokensConfig, type TokensConfig } from './tokens.config.js';
import { issuedTokens } from './tokens.metrics.js';

/** A token with less life left than this is refreshed before it is returned, in milliseconds. */
const hardMarginMs = 60_000;

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
 * How to call a provider's API with a token, beyond `Authorization: Bearer` (OAuth 1.0a: a signature).
 */
export interface TokenUse {
  /** `undefined` where the provider has no API to call. */
  readonly baseUrl: string | undefined;
  /** Query parameter that carries the token instead of the header. */
  readonly tokenParameter: string | undefined;
  /** Further headers that the provider requires, with the company's own credentials. */
  readonly headers: readonly string[];
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

/** Returns valid tokens and the state of connections. */
@Injectable()
export class TokensService {
  private readonly logger = new Logger(TokensService.name);
  protected readonly callerWaitMs: (lifeMs: number) => number = callerWaitMs;

  constructor(
    private readonly store: ConnectionStore,
    private readonly reader: ConnectionReader,
    private readonly tokenVault: TokenVault,
    private readonly refreshService: RefreshService,
    private readonly registry: ProviderRegistry,
    private readonly lifecycle: ProviderLifecycle,
    private readonly audit: AuditTrail,
    private readonly refusals: RefusalRecorder,
    private readonly clock: Clock,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {}

  /**
   * Returns a valid token, after recording its purpose in the audit trail (LOG-06).
   *
   * A token with enough life left is returned at once. Inside the refresh margin it is also returned at once, and a
   * refresh runs in the background. The token is refreshed first close to its expiry, or if a refresh would invalidate
   * it. If the provider wants refreshes on demand only, it is refreshed only close to the expiry. A slow or failed
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
   * @throws {@link ConnectionFrozenError} when the token has expired and the operator has frozen the connection
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
    if (connection.frozenAt !== null && lifeMs > 0) {
      // A refresh in flight before the freeze still ends; until then the old token works.
      return toWorking(connection, tokens, 'stale');
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
  async refreshNow(userId: string, slug: string): Promise<Connection> {
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
  async get(userId: string, slug: string): Promise<Connection> {
    this.registry.get(slug);
    const connection = await this.store.find(userId, slug);
    if (connection === undefined) {
      throw new ConnectionNotFoundError();
    }
    return connection;
  }

  /** Returns the current state of a connection, which its row may not show yet. */
  stateOf(connection: Connection): ConnectionState {
    const { provider: slug } = connection;
    // This deployment may not know the provider any more.
    const isRetired = this.registry.has(slug) && this.lifecycle.isRetired(this.registry.get(slug));
    return connectionState(connection, isRetired, this.clock.now());
  }

  /** Returns when the refresh token of a connection expires, if that is known. */
  refreshExpiryOf(connection: Connection): RefreshExpiry | undefined {
    const { provider: slug } = connection;
    return refreshExpiry(connection, this.registry.has(slug) ? this.registry.get(slug).definition : undefined);
  }

  /** Returns all connections of a user. Their tokens stay sealed. */
  list(userId: string): Promise<Connection[]> {
    return this.store.list(userId);
  }

  private refreshInBackground(connection: Connection): void {
    this.finishInBackground(connection, this.refreshService.refresh(connection, { priority: 'background' }));
  }

  /** Lets a refresh finish in the background. */
  private finishInBackground(connection: Connection, refresh: Promise<void>): void {
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
   * Returns the known or assumed life left, never more than the real one. It triggers a refresh, but never withholds a
   * token.
   */
  private expectedLifeMs({ provider }: Pick<Connection, 'provider'>, tokens: TokenSet): number {
    const { definition } = this.registry.get(provider);
    const endsAt = expectedExpiry(tokens, definition, this.config.assumedLifetimeMs);
    return endsAt === undefined ? Infinity : endsAt.getTime() - this.clock.now().getTime();
  }

  private remainingLifeMs(tokens: TokenSet): number {
    return tokens.expiresAt === undefined ? Infinity : tokens.expiresAt.getTime() - this.clock.now().getTime();
  }
}

function toWorking(
  { id, scopesRequested }: Pick<Connection, 'id' | 'scopesRequested'>,
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
