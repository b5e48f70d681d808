import { expect, it } from '@jest/globals';
import type { Misbehaviour } from '../../sandbox/misbehaviour.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import type { OAuth2Settings } from '../definition/provider-settings.js';
import { sandboxAssertionKey, sandboxSigningKey } from '../definition/sandbox-credentials.js';
import { Secret } from '../definition/secret.js';
import type { ContractBench } from './contract-bench.js';

/** The failures of a provider, the same for every endpoint that issues tokens. */
export function describeFailures(
  bench: ContractBench,
  endpoint: Misbehaviour['endpoint'],
  call: () => Promise<unknown>,
): void {
  const failures: readonly [string, object, object][] = [
    ['is down', { type: 'status', code: 503 }, { code: 'PROVIDER_UNAVAILABLE', fate: 'answered' }],
    ['closes the connection', { type: 'drop' }, { code: 'PROVIDER_UNAVAILABLE', fate: 'unknown' }],
    [
      'limits the rate',
      { type: 'status', code: 429, headers: { 'retry-after': '17' } },
      { code: 'PROVIDER_RATE_LIMITED', retryAfterSeconds: 17 },
    ],
    [
      'redirects',
      { type: 'redirect', status: 307, location: 'http://127.0.0.1:9/elsewhere' },
      { code: 'PROVIDER_UNAVAILABLE', fate: 'answered' },
    ],
    ['sends more than it should', { type: 'hugeBody', bytes: 1_100_000 }, { code: 'PROVIDER_UNAVAILABLE' }],
    ['sends a bomb', { type: 'gzipBomb', bytes: 5_000_000 }, { code: 'PROVIDER_UNAVAILABLE' }],
  ];
  it.each(failures)(`reports when the provider %s (${endpoint})`, async (_name, misbehaviour, expected) => {
    bench.fake.misbehave({ endpoint, ...misbehaviour } as Misbehaviour);
    await expect(call()).rejects.toMatchObject(expected);
  });
}

/** Credentials that the provider does not know, well-formed. */
export function wrongCredentials(definition: OAuth2Definition): Partial<OAuth2Settings> {
  switch (definition.clientAuthentication) {
    case 'none':
      return { clientId: 'not-a-client' };
    case 'es256-jwt':
      return { clientSecret: new Secret(sandboxSigningKey('another-provider').privateKeyPem) };
    case 'private_key_jwt':
      return { clientSecret: new Secret(sandboxAssertionKey('another-provider').privateKeyPem) };
    case 'basic':
    case 'body':
      return { clientSecret: new Secret('not-the-secret') };
  }
}
