import { createPrivateKey } from 'node:crypto';

/** Signature algorithms of client assertions, asymmetric only. */
export type AssertionAlgorithm = 'ES256' | 'ES384' | 'RS384';

/** NIST SP 800-131A: shorter keys of RSA are not used for signatures. */
const shortestModulus = 2_048;

/**
 * Returns the first of the allowed algorithms that fits this private key; `undefined` if none does, or the text is no
 * private key.
 *
 * @param pem - PKCS#8 in PEM, from the operator
 */
export function findAlgorithm(pem: string, allowed: readonly AssertionAlgorithm[]): AssertionAlgorithm | undefined {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails: details = {} } = createPrivateKey(pem);
    const isLongEnough = asymmetricKeyType === 'rsa' && (details.modulusLength ?? 0) >= shortestModulus;
    const fits: Readonly<Record<AssertionAlgorithm, boolean>> = {
      ES256: details.namedCurve === 'prime256v1',
      ES384: details.namedCurve === 'secp384r1',
      RS384: isLongEnough,
    };
    return allowed.find((algorithm) => fits[algorithm]);
  } catch {
    // The library's own error could quote the key.
    return undefined;
  }
}
