import { createHash } from 'node:crypto';
import type { HealthProvider } from './health-provider.js';

/**
 * Names the client registration that a grant belongs to: the provider and a digest of the client id. A grant is useless to
 * another registration, so sealed tokens are bound to this name.
 */
export function registrationId(provider: HealthProvider): string {
  const digest = createHash('sha256').update(provider.settings.clientId).digest('hex');
  return `${provider.definition.slug}:${digest.slice(0, 16)}`;
}

/** Tells whether a registration is one at this provider: what is sealed for the one must never be sent to another. */
export function isRegistrationAt(id: string, slug: string): boolean {
  return providerOf(id) === slug;
}

/** Returns the slug of the provider of a registration. */
export function providerOf(id: string): string {
  return id.slice(0, id.lastIndexOf(':'));
}

/**
 * Digests everything a link depends on: endpoints, client and redirect URI. A link that was started under other settings than
 * those in force at its callback is refused, so that a code never goes to an endpoint it was not meant for (AR-10).
 */
export function registrationHash(provider: HealthProvider): Buffer {
  const { clientId, endpoints, redirectUri } = provider.settings;
  return createHash('sha256')
    .update(JSON.stringify([provider.definition.slug, clientId, redirectUri, endpoints]))
    .digest();
}
