import { createECDH, createHash, createPrivateKey } from 'node:crypto';

/** The key that signs the client secret of a provider that wants a JWT. */
export interface SandboxSigningKey {
  readonly teamId: string;
  readonly keyId: string;
  /** P-256, PKCS #8. */
  readonly privateKeyPem: string;
}

/**
 * Returns the key for client secrets that the provider's fake knows.
 *
 * It protects nothing: the private scalar is the SHA-256 of a public text, and anybody can compute it. So sandbox and
 * application find the same key without a key file in the repository.
 *
 * @param slug - the provider's
 */
export function sandboxSigningKey(slug: string): SandboxSigningKey {
  const scalar = createHash('sha256').update(`vendor sandbox signing key, not a secret: ${slug}`).digest();
  return keyOf(scalar, 'prime256v1', 'P-256');
}

/** Returns the key for client assertions that the provider's fake knows: as {@link sandboxSigningKey}, on P-384. */
export function sandboxAssertionKey(slug: string): Omit<SandboxSigningKey, 'teamId'> {
  const scalar = createHash('sha384').update(`vendor sandbox assertion key, not a secret: ${slug}`).digest();
  return keyOf(scalar, 'secp384r1', 'P-384');
}

function keyOf(scalar: Buffer, curve: string, crv: string): SandboxSigningKey {
  const ecdh = createECDH(curve);
  ecdh.setPrivateKey(scalar);
  // 0x04, then as many octets each of x and y as the scalar has: SEC 1 section 2.3.3.
  const point = ecdh.getPublicKey();
  const jwk = {
    kty: 'EC',
    crv,
    d: scalar.toString('base64url'),
    x: point.subarray(1, 1 + scalar.length).toString('base64url'),
    y: point.subarray(1 + scalar.length).toString('base64url'),
  };
  const name = createHash('sha256').update(point).digest('hex').toUpperCase();
  return {
    teamId: `TEAM${name.slice(0, 6)}`,
    keyId: `KEY${name.slice(0, 7)}`,
    privateKeyPem: createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
