/** A cryptographic algorithm that this service uses. */
export interface AlgorithmUse {
  /** As the code names it. */
  readonly algorithm: string;
  readonly standard: string;
  readonly use: string;
}

/** Every algorithm in the code, and its use (CR-16). A test compares it with the source both ways. */
export const cryptoInventory: readonly AlgorithmUse[] = [
  {
    algorithm: 'aes-256-gcm',
    standard: 'NIST SP 800-38D',
    use: 'sealed values; branch keys wrapped by a local root key',
  },
  { algorithm: 'aes', standard: 'FIPS 197', use: 'making branch keys, 256 bits' },
  {
    algorithm: 'hkdf sha256',
    standard: 'RFC 5869',
    use: 'a key and a commitment for each sealed value, under branch keys of suite 1',
  },
  {
    algorithm: 'hmac sha256',
    standard: 'RFC 2104',
    use: 'keyed digests, audit chain, key checks; signatures that providers require',
  },
  {
    algorithm: 'hmac sha512',
    standard: 'NIST SP 800-108r1, counter mode',
    use: 'a key and a commitment for each sealed value, under branch keys of suite 2',
  },
  {
    algorithm: 'hmac sha1',
    standard: 'RFC 5849 section 3.4.2',
    use: 'OAuth 1.0a requests that providers require; nothing else',
  },
  { algorithm: 'sha256', standard: 'FIPS 180-4', use: 'digests of random secrets, fingerprints, associated data' },
  {
    algorithm: 'sha384',
    standard: 'FIPS 180-4',
    use: 'keys of the clients of the vendor sandbox, which are no secrets',
  },
  {
    algorithm: 'ES256',
    standard: 'RFC 7518 section 3.4',
    use: 'client secrets that are JWTs; tokens of other issuers; notifications that providers sign with ECDSA',
  },
  ...['ES384', 'ES512'].map((algorithm) => verified(algorithm, 'RFC 7518 section 3.4')),
  ...['RS256', 'RS384', 'RS512'].map((algorithm) => verified(algorithm, 'RFC 7518 section 3.3')),
  ...['PS256', 'PS384', 'PS512'].map((algorithm) => verified(algorithm, 'RFC 7518 section 3.5')),
  verified('EdDSA', 'RFC 8037'),
];

function verified(algorithm: string, standard: string): AlgorithmUse {
  return { algorithm, standard, use: 'tokens of other issuers, verification only' };
}
