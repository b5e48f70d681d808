import { createPublicKey, type JsonWebKey } from 'node:crypto';
import type { CatalogueEntry } from './provider-catalogue.js';

/** A JWK set, as a provider reads it (RFC 7517 section 5). */
export interface ClientKeySet {
  readonly keys: readonly JsonWebKey[];
}

/** Returns the public keys of this deployment's client authentication, to be registered at providers. */
export function clientKeySet(entries: readonly CatalogueEntry[]): ClientKeySet {
  return {
    keys: entries.flatMap(({ definition, settings }) => {
      const { clientSecret, mode } = settings;
      const signing = 'signing' in settings ? settings.signing : undefined;
      const usesKey = definition.oauth === '2.0' && definition.clientAuthentication === 'private_key_jwt';
      return usesKey && signing !== undefined && mode === 'configured'
        ? [{ ...publicPart(clientSecret.reveal()), use: 'sig', kid: signing.keyId }]
        : [];
    }),
  };
}

function publicPart(privateKeyPem: string): JsonWebKey {
  return createPublicKey(privateKeyPem).export({ format: 'jwk' });
}
