import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { clientAssertion } from './client-assertion.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import type { OAuth2Settings } from '../definition/provider-settings.js';
import { Secret } from '../definition/secret.js';
import { exampleOAuth2, exampleSettings } from '../testing/example-definition.js';

const now = new Date('2026-11-22T10:00:00Z');
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const tokenUrl = 'https://provider.example/token';
const revokeUrl = 'https://provider.example/revoke';

function definitionFor(audience: 'issuer' | 'endpoint'): OAuth2Definition {
  const clientAssertion = { algorithms: ['ES384', 'RS384'], audience } as const;
  return { ...exampleOAuth2, clientAuthentication: 'private_key_jwt', clientAssertion };
}

function settingsWith(key: KeyObject, issuers: readonly string[] = ['https://issuer.example']): OAuth2Settings {
  return {
    ...exampleSettings('https://provider.example'),
    clientId: 'client-1',
    clientSecret: new Secret(key.export({ type: 'pkcs8', format: 'pem' }).toString()),
    signing: { keyId: 'key-1' },
    issuers,
  };
}

async function assertion(definition: OAuth2Definition, settings: OAuth2Settings, url = tokenUrl): Promise<string> {
  return (await clientAssertion(definition, settings, url, now)).client_assertion;
}

describe('a client assertion', () => {
  it('names issuer, audience and lifetime, signed with our key (AR-21)', async () => {
    const jwt = await assertion(definitionFor('issuer'), settingsWith(elliptic.privateKey));
    expect(decodeProtectedHeader(jwt)).toEqual({ alg: 'ES384', kid: 'key-1', typ: 'JWT' });
    const { payload } = await jwtVerify(jwt, elliptic.publicKey, { currentDate: now });
    const { jti, ...claims } = payload;
    expect(claims).toEqual({
      iss: 'client-1',
      sub: 'client-1',
      aud: 'https://issuer.example',
      exp: now.getTime() / 1_000 + 120,
    });
    expect(jti).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('has an id of its own for each request, so that a second use can be refused (AR-21)', async () => {
    const settings = settingsWith(elliptic.privateKey);
    const made = await Promise.all([1, 2, 3].map(() => assertion(definitionFor('issuer'), settings)));
    expect(new Set(made.map((jwt) => decodeJwt(jwt).jti)).size).toBe(3);
  });

  it.each([
    ['the issuer, for every endpoint', 'issuer', ['https://issuer.example'], 'https://issuer.example'],
    ['the endpoint itself if no issuer is known', 'issuer', [], revokeUrl],
    ['the endpoint itself if the provider wants that', 'endpoint', ['https://issuer.example'], revokeUrl],
  ] as const)('is for %s, never for the token endpoint instead (AR-21)', async (_what, audience, issuers, expected) => {
    const jwt = await assertion(definitionFor(audience), settingsWith(elliptic.privateKey, issuers), revokeUrl);
    expect(decodeJwt(jwt).aud).toBe(expected);
  });

  it('is signed with RS384 if the key is RSA', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const jwt = await assertion(definitionFor('endpoint'), settingsWith(privateKey));
    await expect(jwtVerify(jwt, publicKey, { currentDate: now, algorithms: ['RS384'] })).resolves.toBeDefined();
  });

  it('is not made with a key of another kind, or without a key id', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const wrong = [settingsWith(privateKey), { ...settingsWith(elliptic.privateKey), signing: undefined }];
    for (const settings of wrong) {
      await expect(assertion(definitionFor('issuer'), settings)).rejects.toThrow(/lacks the settings/);
    }
  });
});
