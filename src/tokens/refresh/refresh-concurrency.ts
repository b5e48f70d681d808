import { Inject, Injectable } from '@nestjs/common';
import { tokensConfig, type TokensConfig } from '../tokens.config.js';

/** Why a refresh runs: a caller waits for the token, or nobody does yet. */
export type RefreshPriority = 'on-demand' | 'background';

/** A refresh that needs a slot to call a provider. */
export interface PermitRequest {
  readonly provider: string;
  /** May rise while the request waits. */
  priority: RefreshPriority;
  /** Whether its slot was passed on before it ended. */
  isOverdue?: boolean;
}

interface Waiting {
  readonly request: PermitRequest;
  readonly start: () => void;
}

interface Lane {
  taken: number;
  /** Refreshes that passed their slot on and have not ended. */
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
  private readonly lanes = new Map<string, Lane>();

  constructor(@Inject(tokensConfig.KEY) private readonly config: TokensConfig) {}

  /**
   * Takes a slot, or waits for one. Every slot must be returned with {@link release}.
   *
   * @param request - its priority is read whenever a slot becomes free
   * @param timeoutMs - how long to wait
   * @returns false when no slot became free in time
   */
  acquire(request: PermitRequest, timeoutMs: number): Promise<boolean> {
    const lane = this.laneOf(request.provider);
    if (lane.taken < this.config.providerConcurrency) {
      lane.taken += 1;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const giveUp = setTimeout(() => {
        lane.waiting.delete(waiting);
        resolve(false);
      }, timeoutMs);
      const start = (): void => {
        clearTimeout(giveUp);
        resolve(true);
      };
      const waiting = { request, start };
      lane.waiting.add(waiting);
    });
  }

  /**
   * Passes on the slot of a refresh whose response is overdue, so that a few slow ones do not hold up the others. Once
   * half as many refreshes as there are slots have done so, a refresh keeps its slot: a provider that leaves so many
   * requests without a response gets no further ones.
   */
  giveOn(request: PermitRequest): void {
    const lane = this.laneOf(request.provider);
    if (lane.overdue < this.config.providerConcurrency / 2) {
      this.pass(lane);
      lane.overdue += 1;
      request.isOverdue = true;
    }
  }

  /** Returns the slot of a finished refresh, unless it was passed on. */
  release({ provider, isOverdue = false }: Pick<PermitRequest, 'provider' | 'isOverdue'>): void {
    const lane = this.laneOf(provider);
    if (isOverdue) {
      lane.overdue -= 1;
    } else {
      this.pass(lane);
    }
  }

  /** To whoever waits: on demand before background, then by arrival. */
  private pass(lane: Lane): void {
    const all = [...lane.waiting];
    const next = all.find(({ request }) => request.priority === 'on-demand') ?? all[0];
    if (next === undefined) {
      lane.taken -= 1;
    } else {
      lane.waiting.delete(next);
      next.start();
    }
  }

  /** How many refreshes of this provider could start now. A scheduler should lease no more than that. */
  free(provider: string): number {
    return this.config.providerConcurrency - this.laneOf(provider).taken;
  }

  private laneOf(provider: string): Lane {
    let lane = this.lanes.get(provider);
    if (lane === undefined) {
      lane = { taken: 0, overdue: 0, waiting: new Set() };
      this.lanes.set(provider, lane);
    }
    return lane;
  }
}
