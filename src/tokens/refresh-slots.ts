import { Inject, Injectable } from '@nestjs/common';
import { tokensConfig, type TokensConfig } from './tokens.config.js';

/** Whose need a refresh serves: a caller that waits for the token, or nobody yet. */
export type RefreshPriority = 'on-demand' | 'background';

/** A refresh that wants to call a provider. */
export interface SlotRequest {
  readonly provider: string;
  /** May rise while the request waits. */
  priority: RefreshPriority;
  /** Its slot has been given on although it is not over. */
  isOverdue?: boolean;
}

interface Waiting {
  readonly request: SlotRequest;
  readonly start: () => void;
}

interface Lane {
  taken: number;
  /** Refreshes that gave their slot on and are not over. */
  overdue: number;
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

  /**
   * Gives the slot of a refresh on that waits for its response for long, so that a few of them do not hold the others up. When half as many
   * as there are slots have done so, it keeps its slot: a provider that leaves so many without a response gets no further requests.
   */
  giveOn(request: SlotRequest): void {
    const lane = this.laneOf(request.provider);
    if (lane.overdue < this.config.providerConcurrency / 2) {
      this.pass(lane);
      lane.overdue += 1;
      request.isOverdue = true;
    }
  }

  /** Gives the slot of a refresh back that is over, unless it has been given on. */
  release({ provider, isOverdue = false }: Pick<SlotRequest, 'provider' | 'isOverdue'>): void {
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

  /** How many refreshes of this provider could start now; for a scheduler, which should claim no more than that. */
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
