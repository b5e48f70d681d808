import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import { AppError } from '../../errors/app-error.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import type { TokenSet } from '../token-set.js';

/** The provider's verdict about the tokens of a row. */
export type GrantVerdict =
  | { readonly verdict: 'verified' | 'not_verified'; readonly providerUserId: string | undefined }
  | { readonly verdict: 'token_rejected' | 'account_mismatch'; readonly providerUserId?: undefined };

/** Asks providers whether imported access tokens work, and whose they are. It never spends a refresh token. */
@Injectable()
export class GrantVerifier {
  private nextAtMs = 0;

  constructor(private readonly clock: Clock) {}

  /**
   * Asks the account endpoint of a provider.
   *
   * @param perSecond - most calls in a second, by all calls of this method together
   * @returns `not_verified` when the access token has expired, or the provider does not say
   */
  async verify(provider: HealthProvider, tokens: TokenSet, perSecond: number): Promise<GrantVerdict> {
    const notVerified = { verdict: 'not_verified', providerUserId: tokens.providerUserId } as const;
    if (tokens.accessToken === '' || (tokens.expiresAt !== undefined && tokens.expiresAt <= this.clock.now())) {
      return notVerified;
    }
    await this.takeTurn(perSecond);
    try {
      const access = await provider.checkAccess(tokens);
      if (access === 'rejected') {
        return { verdict: 'token_rejected' };
      }
      if (access === 'unknown') {
        return notVerified;
      }
      const providerUserId = await provider.findProviderUserId(tokens);
      return tokens.providerUserId === undefined ||
        providerUserId === undefined ||
        tokens.providerUserId === providerUserId
        ? { verdict: 'verified', providerUserId: providerUserId ?? tokens.providerUserId }
        : { verdict: 'account_mismatch' };
    } catch (error) {
      if (error instanceof AppError) {
        return notVerified;
      }
      throw error;
    }
  }

  private async takeTurn(perSecond: number): Promise<void> {
    const nowMs = performance.now();
    const atMs = Math.max(nowMs, this.nextAtMs);
    this.nextAtMs = atMs + 1_000 / perSecond;
    await sleep(atMs - nowMs);
  }
}
