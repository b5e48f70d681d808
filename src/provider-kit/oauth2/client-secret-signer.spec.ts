import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { ClientSecretSigner } from './client-secret-signer.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import { sandboxSigningKey } from '../definition/sandbox-credentials.js';
import { Secret } from '../definition/secret.js';
import { exampleOAuth2, exampleSettings } from '../testing/example-definition.js';

const { teamId, keyId, privateKeyPem } = sandboxSigningKey('example');
const definition: OAuth2Definition = {
  ...exampleOAuth2,
  clientAuthentication: 'es256-jwt',
  clientSecretJwt: { audience: 'https://issuer.example', lifetimeSeconds: 1_000 },
};
const settings = {
  ...exampleSettings('https://provider.example'),
  clientId: 'client-1',
  clientSecret: new Secret(privateKeyPem),
  signing: { teamId, keyId },
};
const now = new Date('2026-11-22T10:00:00Z');

function later(seconds: number): Date {
  return new Date(now.getTime() + seconds * 1_000);
}

describe('ClientSecretSigner', () => {
  it('signs issuer, audience and lifetime (AR-21)', async () => {
    const jwt = await new ClientSecretSigner().sign(definition, settings, now);
    expect(decodeProtectedHeader(jwt)).toEqual({ alg: 'ES256', kid: keyId });
    const { payload } = await jwtVerify(jwt, createPublicKey(privateKeyPem), { currentDate: now });
    expect(payload).toEqual({
      iss: teamId,
      sub: 'client-1',
      aud: 'https://issuer.example',
      iat: now.getTime() / 1_000,
      exp: now.getTime() / 1_000 + 1_000,
    });
  });

  it('uses one until half of its life is over, then makes a new one', async () => {
    const signer = new ClientSecretSigner();
    const first = await signer.sign(definition, settings, now);
    expect(await signer.sign(definition, settings, later(499))).toBe(first);
    expect(await signer.sign(definition, settings, later(500))).not.toBe(first);
  });

  it('keeps the secrets of different clients and keys apart', async () => {
    const signer = new ClientSecretSigner();
    const first = await signer.sign(definition, settings, now);
    expect(await signer.sign(definition, { ...settings, clientId: 'client-2' }, now)).not.toBe(first);
    const otherKey = new Secret(sandboxSigningKey('another').privateKeyPem);
    expect(await signer.sign(definition, { ...settings, clientSecret: otherKey }, now)).not.toBe(first);
  });

  it('reports missing settings', async () => {
    await expect(new ClientSecretSigner().sign(definition, { ...settings, signing: undefined }, now)).rejects.toThrow(
      /lacks the settings that its client secret is made from/,
    );
  });
});
