import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';

/** Content encryption of every envelope. */
const enc = 'A256GCM';
const keyAlgorithms = { rsa: 'RSA-OAEP-256', ec: 'ECDH-ES+A256KW', x25519: 'ECDH-ES+A256KW' } as const;
const leastRsaBits = 2_048;

/** The protected header. It describes the content, and is authenticated with it. */
export type RecipientHeader = Readonly<Record<string, string | number>>;

/** An envelope that does not open, or whose content is not as expected. */
export class RecipientEnvelopeError extends Error {}

/**
 * Seals values for the holder of a private key, as a JWE in its compact form (RFC 7516). Unlike the envelope of stored
 * values, it leaves this deployment.
 */
export class RecipientSeal {
  private constructor(
    private readonly key: KeyObject,
    private readonly alg: string,
  ) {}

  /** @throws {@link RecipientEnvelopeError} when the text is no public key of RSA (2048 bits or more), EC or X25519 */
  static fromPem(pem: string): RecipientSeal {
    if (/PRIVATE KEY/.test(pem)) {
      throw new RecipientEnvelopeError('This is a private key. Keep it secret, and use its public key.');
    }
    const key = readKey(() => createPublicKey(pem));
    return new RecipientSeal(key, algorithmOf(key));
  }

  /**
   * Seals a value.
   *
   * @param header - describes the value in clear; holds no secret
   */
  async seal(value: object, header: RecipientHeader): Promise<string> {
    const plaintext = Buffer.from(JSON.stringify(value));
    return new CompactEncrypt(plaintext).setProtectedHeader({ ...header, alg: this.alg, enc }).encrypt(this.key);
  }
}

/** Opens envelopes of {@link RecipientSeal} with the private key. */
export class RecipientOpener {
  private constructor(
    private readonly key: KeyObject,
    private readonly alg: string,
  ) {}

  /** @throws {@link RecipientEnvelopeError} when the text is no such private key in PEM without a password */
  static fromPem(pem: string): RecipientOpener {
    const key = readKey(() => createPrivateKey(pem));
    return new RecipientOpener(key, algorithmOf(key));
  }

  /**
   * Opens an envelope.
   *
   * @returns the value, to be checked by the caller, with its authenticated header
   * @throws {@link RecipientEnvelopeError} when it was altered, or sealed for another key
   */
  async open(jwe: string): Promise<{ readonly value: unknown; readonly header: Readonly<Record<string, unknown>> }> {
    try {
      const { plaintext, protectedHeader } = await compactDecrypt(jwe, this.key, {
        keyManagementAlgorithms: [this.alg],
        contentEncryptionAlgorithms: [enc],
      });
      return { value: JSON.parse(Buffer.from(plaintext).toString('utf8')), header: protectedHeader };
    } catch {
      throw new RecipientEnvelopeError('A line does not open: it was altered, or sealed for another key.');
    }
  }
}

/** The parser's own error is dropped, because it may quote the key. */
function readKey(read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch {
    throw new RecipientEnvelopeError('The file holds no such key in PEM, or the key has a password.');
  }
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const isShort = asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) < leastRsaBits;
  if (isShort || asymmetricKeyType === undefined || !Object.hasOwn(keyAlgorithms, asymmetricKeyType)) {
    throw new RecipientEnvelopeError('The key must be RSA of 2048 bits or more, EC, or X25519.');
  }
  return keyAlgorithms[asymmetricKeyType as keyof typeof keyAlgorithms];
}
