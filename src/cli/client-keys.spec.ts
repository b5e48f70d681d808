import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { definitionInForce } from '../provider-kit/definition/provider-definition.js';
import { readProviderSettings } from '../provider-kit/definition/provider-settings.js';
import { exampleOAuth2 } from '../provider-kit/testing/example-definition.js';
import { clientKeySet } from './client-keys.js';

describe('the JWK set of the client', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const declared = { ...exampleOAuth2, clientAssertion: { algorithms: ['ES384'], audience: 'issuer' } } as const;
  const withKey = readProviderSettings(declared, {
    EXAMPLE_CLIENT_ID: 'id',
    EXAMPLE_CLIENT_SECRET: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    EXAMPLE_KEY_ID: 'key-1',
  });
  const withSecret = readProviderSettings(declared, { EXAMPLE_CLIENT_ID: 'id', EXAMPLE_CLIENT_SECRET: 'secret' });

  it('has the public part of each key, and nothing of a client secret', () => {
    const entries = [withKey, withSecret].map((settings) => ({
      definition: definitionInForce(declared, settings),
      settings,
    }));
    const { keys } = clientKeySet(entries);
    expect(keys).toEqual([{ ...publicKey.export({ format: 'jwk' }), use: 'sig', kid: 'key-1' }]);
    expect(keys[0]).not.toHaveProperty('d');
    expect(createPublicKey({ key: keys[0] ?? {}, format: 'jwk' }).equals(publicKey)).toBe(true);
  });
});
