import { Inject, Injectable } from '@nestjs/common';
import { tokensConfig, type TokensConfig } from './tokens.config.js';

/** Whose need a refresh serves: a caller that waits for the token, or nobody yet. */
export type RefreshPriority = 'on-demand' | 'background';

/** A refresh that wants to call a provider. */
export interface SlotRequest {
  readonly provider: string;
  /** May rise while the request waits. */
  priority: RefreshPriority;
}

interface Waiting {
  readonly request: SlotRequest;
  readonly start: () => void;
}

interface Lane {
  taken: number;
  /** In the order of arrival. */
  readonly waiting: Set<Waiting>;
}

/**
 * Limits how many refreshes of this process one provider works on at the same time, so that a slow provider holds up nobody
 * else and one that comes back is not met by everybody at once. Whoever waits for a token goes before the background.
 */
@Injectable()
export class RefreshSlots {
  private readonly lanes = new Map<string, Lane>();

  constructor(@Inject(tokensConfig.KEY) private readonly config: TokensConfig) {}

  /**
   * Takes a slot, or waits for one. Each slot taken has to be given back by {@link release}.
   *
   * @param request - its priority is looked at whenever a slot becomes free
   * @param timeoutMs - how long to wait
   * @returns false when none became free in time
   */
  acquire(request: SlotRequest, timeoutMs: number): Promise<boolean> {
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

  /** Gives a slot back, or on to whoever waits: on demand before background, then by arrival. */
  release(provider: string): void {
    const lane = this.laneOf(provider);
    const all = [...lane.waiting];
    const next = all.find(({ request }) => request.priority === 'on-demand') ?? all[0];
    if (next === undefined) {
      lane.taken -= 1;
    } else {
      lane.waiting.delete(next);
      next.start();
    }
  }

  /** How many refreshes of this provider could start now; for a scheduler, which should claim no more than that. */
  free(provider: string): number {
    return this.config.providerConcurrency - this.laneOf(provider).taken;
  }

  private laneOf(provider: string): Lane {
    let lane = this.lanes.get(provider);
    if (lane === undefined) {
      lane = { taken: 0, waiting: new Set() };
      this.lanes.set(provider, lane);
    }
    return lane;
  }
}
