import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import { ProviderRetiredError } from '../../errors/provider.errors.js';
import type { HealthProvider } from '../health-provider.js';
import { lifecycleConfig, type LifecycleConfig } from './lifecycle.config.js';
import { lifecycleAt } from './lifecycle.js';

/** Knows which providers have shut down by now. Nothing is sent to those (TE-16). */
@Injectable()
export class ProviderLifecycle {
  constructor(
    private readonly clock: Clock,
    @Inject(lifecycleConfig.KEY) private readonly config: LifecycleConfig,
  ) {}

  /** Tells whether a provider has shut down. A fake in the sandbox never has. */
  isRetired({ definition, settings }: Pick<HealthProvider, 'definition' | 'settings'>): boolean {
    return definition.lifecycle.status !== 'live' && settings.mode !== 'sandbox' && this.isPastItsEnd({ definition });
  }

  /** Tells whether the announced end of a provider, or of its fake, has passed. No page offers such a provider. */
  isPastItsEnd({ definition }: Pick<HealthProvider, 'definition'>): boolean {
    return !this.config.allowRetired && lifecycleAt(definition.lifecycle, this.clock.now()).status === 'retired';
  }

  /** @throws {@link ProviderRetiredError} when the provider has shut down; names its successor */
  check(provider: Pick<HealthProvider, 'definition' | 'settings'>): void {
    if (this.isRetired(provider)) {
      throw retiredError(provider);
    }
  }
}

/** The error for calls that would go to a provider that has shut down. */
export function retiredError({ definition }: Pick<HealthProvider, 'definition'>): ProviderRetiredError {
  const { displayName, lifecycle } = definition;
  const when = lifecycle.status === 'live' ? 'has shut down its API' : `shut down its API on ${lifecycle.sunsetAt}`;
  const successor = lifecycle.status === 'live' ? undefined : lifecycle.replacedBy;
  return new ProviderRetiredError(
    `${displayName} ${when}.${successor === undefined ? '' : ` Link the user with "${successor}" instead.`}`,
  );
}
