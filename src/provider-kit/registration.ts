import { createHash } from 'node:crypto';
import type { HealthProvider } from './health-provider.js';

/**
 * Names the client registration that a grant belongs to: the provider and a digest of the client id. A grant is useless
 * to another registration, so sealed tokens are bound to this name.
 */
export function registrationId(provider: HealthProvider): string {
  const digest = createHash('sha256').update(provider.settings.clientId).digest('hex');
  return `${provider.definition.slug}:${digest.slice(0, 16)}`;
}

/** Tells whether a registration is one at this provider. Its tokens must never be sent to another provider. */
export function isRegistrationAt(id: string, slug: string): boolean {
  return providerOf(id) === slug;
}

/** Returns the slug of the provider of a registration. */
export function providerOf(id: string): string {
  return id.slice(0, id.lastIndexOf(':'));
}

/** Fixes the order of the fields in the digest, and includes those of the other version of OAuth. */
const noEndpoints = {
  authorizeUrl: '',
  tokenUrl: '',
  refreshUrl: undefined,
  parUrl: undefined,
  jwksUrl: undefined,
  requestTokenUrl: '',
  accessTokenUrl: '',
  exchangeUrl: undefined,
  apiBaseUrl: undefined,
  accountUrl: undefined,
  revokeUrl: undefined,
};

/**
 * Digests everything that a link depends on: endpoints, client and redirect URI. A link is refused if these settings
 * changed between its start and its callback. So a code never goes to another endpoint (AR-10).
 *
 * The digest must not change between versions: replicas of both serve the links that are open during an upgrade.
 */
export function registrationHash(provider: HealthProvider): Buffer {
  const { clientId, endpoints, redirectUri } = provider.settings;
  return createHash('sha256')
    .update(JSON.stringify([provider.definition.slug, clientId, redirectUri, { ...noEndpoints, ...endpoints }]))
    .digest();
}
