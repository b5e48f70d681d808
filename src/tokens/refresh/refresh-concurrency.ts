import { Inject, Injectable } from '@nestjs/common';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';

/** Why a refresh runs: a caller waits for the token, or nobody does yet. */
export type RefreshPriority = 'on-demand' | 'background';

/** A refresh that needs a permit to call a provider. */
export interface PermitRequest {
  readonly provider: string;
  /** May rise while the request waits. */
  priority: RefreshPriority;
  /** Whether its permit was passed on before it ended. */
  isOverdue?: boolean;
}

interface Waiting {
  readonly request: PermitRequest;
  readonly start: () => void;
}

interface ProviderPermits {
  taken: number;
  /** Refreshes that passed their permit on and have not ended. */
  overdue: number;
  /** In the order of arrival. */
  readonly waiting: Set<Waiting>;
}

/**
 * Limits how many refreshes of this process run at one provider at the same time. So a slow provider holds up no other,
 * and a recovering provider does not get all refreshes at once. Refreshes that a caller waits for go first.
 */
@Injectable()
export class RefreshConcurrency {
  private readonly permits = new Map<string, ProviderPermits>();

  constructor(@Inject(tokensConfig.KEY) private readonly config: TokensConfig) {}

  /**
   * Takes a permit, or waits for one. Every permit must be returned with {@link release}.
   *
   * @param request - its priority is read whenever a permit becomes free
   * @param timeoutMs - how long to wait
   * @returns false when no permit became free in time
   */
  acquire(request: PermitRequest, timeoutMs: number): Promise<boolean> {
    const permits = this.permitsOf(request.provider);
    if (permits.taken < this.config.providerConcurrency) {
      permits.taken += 1;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const giveUp = setTimeout(() => {
        permits.waiting.delete(waiting);
        resolve(false);
      }, timeoutMs);
      const start = (): void => {
        clearTimeout(giveUp);
        resolve(true);
      };
      const waiting = { request, start };
      permits.waiting.add(waiting);
    });
  }

  /**
   * Passes on the permit of a refresh whose response is overdue, so that a few slow ones do not hold up the others. At
   * most half as many refreshes as there are permits may do so at a time. The next one keeps its permit, so that a
   * provider that does not respond gets no further requests.
   */
  releaseEarly(request: PermitRequest): void {
    const permits = this.permitsOf(request.provider);
    if (permits.overdue < this.config.providerConcurrency / 2) {
      this.handOver(permits);
      permits.overdue += 1;
      request.isOverdue = true;
    }
  }

  /** Returns the permit of a finished refresh, unless it was passed on. */
  release({ provider, isOverdue = false }: Pick<PermitRequest, 'provider' | 'isOverdue'>): void {
    const permits = this.permitsOf(provider);
    if (isOverdue) {
      permits.overdue -= 1;
    } else {
      this.handOver(permits);
    }
  }

  /** Gives a permit to the next waiting refresh: on demand before background, then by arrival. */
  private handOver(permits: ProviderPermits): void {
    const all = [...permits.waiting];
    const next = all.find(({ request }) => request.priority === 'on-demand') ?? all[0];
    if (next === undefined) {
      permits.taken -= 1;
    } else {
      permits.waiting.delete(next);
      next.start();
    }
  }

  /** How many refreshes of this provider could start now. A scheduler should lease no more than that. */
  free(provider: string): number {
    return this.config.providerConcurrency - this.permitsOf(provider).taken;
  }

  private permitsOf(provider: string): ProviderPermits {
    let permits = this.permits.get(provider);
    if (permits === undefined) {
      permits = { taken: 0, overdue: 0, waiting: new Set() };
      this.permits.set(provider, permits);
    }
    return permits;
  }
}
