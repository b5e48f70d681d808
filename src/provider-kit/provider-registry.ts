import { Injectable } from '@nestjs/common';
import { UnknownProviderError } from '../errors/provider.errors.js';
import type { HealthProvider } from './health-provider.js';
import { OutboundPolicy } from './http/outbound-policy.js';

/** The providers of this deployment by slug. Filled while modules start; read from `onApplicationBootstrap` on. */
@Injectable()
export class ProviderRegistry {
  private readonly providers = new Map<string, HealthProvider>();

  constructor(private readonly outbound: OutboundPolicy = new OutboundPolicy()) {}

  /**
   * Adds a provider, and allows requests to its endpoints (NET-01).
   *
   * @throws Error when the slug is taken; the start fails
   */
  register(provider: HealthProvider): void {
    const { slug } = provider.definition;
    if (this.providers.has(slug)) {
      throw new Error(`Two providers have the slug "${slug}".`);
    }
    this.providers.set(slug, provider);
    // The authorization URL is for the browser; we send nothing there.
    const endpoints = Object.values({ ...provider.settings.endpoints, authorizeUrl: undefined });
    const { checkUrl, subscriptionsUrl, keyUrls } = provider.settings.notifications;
    for (const url of [...endpoints, checkUrl, subscriptionsUrl, ...keyUrls, ...(provider.furtherOrigins ?? [])]) {
      if (url) {
        this.outbound.allow(url);
      }
    }
  }

  /**
   * Returns the provider with this slug, configured or not.
   *
   * @throws {@link UnknownProviderError} when there is none
   */
  get(slug: string): HealthProvider {
    const provider = this.providers.get(slug);
    if (provider === undefined) {
      throw new UnknownProviderError();
    }
    return provider;
  }

  /** Tells whether this deployment knows a provider with this slug. */
  has(slug: string): boolean {
    return this.providers.has(slug);
  }

  /** Returns all providers, sorted by slug. */
  list(): HealthProvider[] {
    return [...this.providers.values()].sort((left, right) => (left.definition.slug < right.definition.slug ? -1 : 1));
  }
}
