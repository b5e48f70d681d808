import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { codeOf } from '../../errors/app-error.js';
import { ProviderUnavailableError, TokenRevokedError } from '../../errors/provider.errors.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import type { Patience } from '../../provider-kit/http/http-message.js';
import type { TokenResponse } from '../../provider-kit/token-response.js';
import type { Connection } from '../store/connection.js';
import { RefreshLeases, type RefreshLease } from './refresh-leases.js';
import { leaseLengthMs, forgivesRepeat, patienceMs, stopPatienceMs } from '../policy/refresh-policy.js';
import type { TokenSet } from '../token-set.js';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';

/** The tokens that are sent, and the scopes to ask for. */
type SpentTokens = TokenSet & { readonly scopes: readonly string[] };

/**
 * Spends refresh tokens, and awaits the response for longer than any caller does.
 *
 * A strict provider that responds late has already replaced the refresh token: its response is the only copy of the new
 * one. So the response is awaited until shortly before another process could send the old token. The lease is renewed
 * in the meantime.
 */
@Injectable()
export class RefreshExchange implements OnModuleDestroy {
  private readonly logger = new Logger(RefreshExchange.name);
  /** Of the exchanges in flight. */
  private readonly patiences = new Set<AbortController>();

  constructor(
    private readonly leases: RefreshLeases,
    @Inject(tokensConfig.KEY) private readonly config: TokensConfig,
  ) {}

  /**
   * A stopping process waits a little longer, then gives up on the response. The attempt stays in doubt, as after a
   * lost response.
   */
  onModuleDestroy(): void {
    setTimeout(() => this.patiences.forEach((patience) => patience.abort()), stopPatienceMs).unref();
  }

  /**
   * Exchanges the refresh token. A second request is sent within the lease if it can do no harm. If the response of a
   * forgiving provider was lost, it has the same token. If the first token was refused, it has the spare token.
   *
   * A forgiving provider gets the second request at the time limit, because a response that is lost without a sign
   * never comes. The response to the second request is then awaited. So such a provider sometimes gets a needless
   * second request, which does no harm.
   *
   * @param lease - the lease, held by this process; renewed while the response is overdue
   * @param onOverdue - called once, when the time limit has passed and the response is still awaited
   * @throws as `HealthProvider.refresh`
   */
  async send(
    connection: Connection,
    lease: RefreshLease,
    provider: HealthProvider,
    tokens: SpentTokens,
    onOverdue: () => void,
  ): Promise<TokenResponse> {
    const { definition } = provider;
    const end = new AbortController();
    const patienceLeftMs = lease.takenAtMs + patienceMs(definition, this.config.inDoubtHoldMs) - performance.now();
    const ending = setTimeout(() => end.abort(), Math.max(0, patienceLeftMs));
    let renewing: NodeJS.Timeout | undefined;
    const becomeOverdue = (): void => {
      if (renewing === undefined) {
        const renew = (): void => void this.renew(connection, lease, leaseLengthMs(definition));
        renewing = setInterval(renew, leaseLengthMs(definition) / 3);
        renew();
        onOverdue();
      }
    };
    this.patiences.add(end);
    try {
      return await exchange(provider, tokens, { onOverdue: becomeOverdue, signal: end.signal });
    } finally {
      this.patiences.delete(end);
      clearTimeout(ending);
      clearInterval(renewing);
    }
  }

  /** A lease that could not be renewed lasts for two more tries. After that the hold keeps other processes back. */
  private async renew(connection: Connection, lease: RefreshLease, lengthMs: number): Promise<void> {
    try {
      await this.leases.renew(connection, lease.id, lengthMs);
    } catch (error) {
      this.logger.warn(`The lease of connection ${connection.id} could not be renewed: ${codeOf(error)}.`);
    }
  }
}

async function exchange(provider: HealthProvider, tokens: SpentTokens, patience: Patience): Promise<TokenResponse> {
  const forgives = forgivesRepeat(provider.definition);
  try {
    return await provider.refresh(tokens, forgives ? undefined : patience);
  } catch (error) {
    if (error instanceof ProviderUnavailableError && error.fate === 'unknown' && forgives) {
      return provider.refresh(tokens, patience);
    }
    if (error instanceof TokenRevokedError && tokens.spareRefreshToken !== undefined) {
      return provider.refresh({ ...tokens, refreshToken: tokens.spareRefreshToken }, patience);
    }
    throw error;
  }
}
