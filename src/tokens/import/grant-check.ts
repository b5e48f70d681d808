import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import { ProviderLifecycle } from '../../provider-kit/definition/provider-lifecycle.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { registrationId } from '../../provider-kit/registration.js';
import type { TokenSet } from '../token-set.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';
import type { ImportedGrant, ImportRefusal, ImportWarning } from './imported-grant.js';

/** A row that may be imported, as far as this process knows without a question to database or provider. */
export interface CheckedGrant {
  readonly provider: HealthProvider;
  readonly registrationId: string;
  readonly tokens: TokenSet;
  readonly scopesRequested: readonly string[];
  readonly warnings: readonly ImportWarning[];
}

/** Checks rows against the providers of this deployment, and turns them into token sets. */
@Injectable()
export class GrantCheck {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly lifecycle: ProviderLifecycle,
    private readonly clock: Clock,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {}

  /** Returns the values to store, or why a row cannot be imported. */
  check(grant: ImportedGrant): CheckedGrant | ImportRefusal {
    if (!this.registry.has(grant.provider)) {
      return 'provider_unknown';
    }
    const provider = this.registry.get(grant.provider);
    if (provider.settings.mode === 'not-configured') {
      return 'provider_not_configured';
    }
    if (this.lifecycle.isRetired(provider)) {
      return 'provider_retired';
    }
    const registration = registrationId(provider);
    const isOurs =
      (grant.clientId === undefined || grant.clientId === provider.settings.clientId) &&
      (grant.registrationId === undefined || grant.registrationId === registration);
    if (!isOurs) {
      return 'other_registration';
    }
    return this.checkTokens(grant, provider, registration);
  }

  private checkTokens(
    grant: ImportedGrant,
    provider: HealthProvider,
    registration: string,
  ): CheckedGrant | ImportRefusal {
    const now = this.clock.now();
    const isOAuth1 = provider.definition.oauth === '1.0a';
    const hasAccess = grant.accessToken !== undefined && (grant.expiresAt === undefined || grant.expiresAt > now);
    if (isOAuth1 !== (grant.tokenSecret !== undefined) || (isOAuth1 && grant.refreshToken !== undefined)) {
      return isOAuth1 && !hasAccess ? 'no_usable_token' : 'wrong_version';
    }
    if (!hasAccess && grant.refreshToken === undefined) {
      return 'no_usable_token';
    }
    if (grant.refreshToken !== undefined && grant.refreshExpiresAt !== undefined && grant.refreshExpiresAt <= now) {
      if (!hasAccess) {
        return 'refresh_token_expired';
      }
    }
    const scopesRequested = grant.scopesRequested ?? provider.settings.scopes;
    return {
      provider,
      registrationId: registration,
      tokens: this.toTokenSet(grant, scopesRequested, now),
      scopesRequested,
      warnings: warningsOf(grant, provider, scopesRequested),
    };
  }

  private toTokenSet(grant: ImportedGrant, scopesRequested: readonly string[], now: Date): TokenSet {
    // The age of a token without any date is unknown: the first caller who needs it has it refreshed.
    const oldest = new Date(now.getTime() - this.config.assumedLifetimeMs);
    return {
      // A row with a refresh token only. The empty text is never sent, because a refresh replaces it first.
      accessToken: grant.accessToken ?? '',
      tokenSecret: grant.tokenSecret,
      refreshToken: grant.refreshToken,
      spareRefreshToken: grant.spareRefreshToken,
      expiresAt: grant.accessToken === undefined ? now : grant.expiresAt,
      refreshExpiresAt: grant.refreshExpiresAt,
      grantedScopes: grant.scopes === undefined ? undefined : [...grant.scopes],
      scopesUnknown: grant.scopes === undefined ? true : undefined,
      requestedScopes: [...scopesRequested],
      providerUserId: grant.providerUserId,
      formerUserId: grant.formerUserId,
      mustNameUser: grant.mustNameUser,
      obtainedAt: grant.issuedAt ?? (grant.expiresAt === undefined ? oldest : now),
    };
  }
}

function warningsOf(
  grant: ImportedGrant,
  { definition }: HealthProvider,
  scopesRequested: readonly string[],
): ImportWarning[] {
  const { scopes, refreshToken, providerUserId } = grant;
  const endsSoon = definition.oauth === '2.0' && definition.neverExpires !== true && refreshToken === undefined;
  return [
    ...(scopes === undefined ? (['scopes_unknown'] as const) : []),
    ...(scopes !== undefined && scopesRequested.some((scope) => !scopes.includes(scope))
      ? (['scopes_missing'] as const)
      : []),
    ...(providerUserId === undefined ? (['account_unknown'] as const) : []),
    ...(endsSoon ? (['no_refresh_token'] as const) : []),
  ];
}
