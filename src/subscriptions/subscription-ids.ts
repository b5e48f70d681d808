import { Inject, Injectable } from '@nestjs/common';
import { SubscriptionStore } from './subscription-store.js';
import { subscriptionsConfig, type SubscriptionsConfig } from './subscriptions.config.js';

/** How long an id is kept in memory, in milliseconds. */
const rememberMs = 60_000;
/** Pause after reading the id again because of a notification of another subscription, in milliseconds. */
const doubtPauseMs = 1_000;
/** Pause after asking the provider for the id because of such a notification, for all processes, in milliseconds. */
const recheckPauseMs = 600_000;

/** The provider's ids of the one subscription that an app can have, as of the last check. */
@Injectable()
export class SubscriptionIds {
  private readonly known = new Map<string, { readonly id: Promise<string | undefined>; readonly atMs: number }>();
  private readonly doubtedAtMs = new Map<string, number>();

  constructor(
    private readonly store: SubscriptionStore,
    @Inject(subscriptionsConfig.KEY) private readonly config: SubscriptionsConfig,
  ) {}

  /**
   * Returns the id of a provider's subscription; `undefined` if it is not known, or left to the operator.
   *
   * @throws {@link DatabaseUnavailableError}
   */
  async find(provider: string): Promise<string | undefined> {
    return this.config.isOn ? this.read(provider, rememberMs) : undefined;
  }

  /**
   * Returns the id after a notification has named another one, because the subscription may have been made again. Also
   * starts a check at the provider, for the next notification.
   *
   * @throws {@link DatabaseUnavailableError}
   */
  async findAgain(provider: string): Promise<string | undefined> {
    const nowMs = performance.now();
    if (nowMs - (this.doubtedAtMs.get(provider) ?? -Infinity) < doubtPauseMs) {
      return this.find(provider);
    }
    this.doubtedAtMs.set(provider, nowMs);
    await this.store.recheck(provider, recheckPauseMs);
    return this.read(provider, 0);
  }

  private read(provider: string, maxAgeMs: number): Promise<string | undefined> {
    const known = this.known.get(provider);
    if (known !== undefined && performance.now() - known.atMs < maxAgeMs) {
      return known.id;
    }
    const id = this.store.onlyIdOf(provider);
    const found = { id, atMs: performance.now() };
    this.known.set(provider, found);
    id.catch(() => this.known.get(provider) === found && this.known.delete(provider));
    return id;
  }
}
