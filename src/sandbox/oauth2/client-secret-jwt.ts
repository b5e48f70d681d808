import { createPublicKey } from 'node:crypto';
import { jwtVerify } from 'jose';
import { sandboxSigningKey } from '../../provider-kit/definition/sandbox-credentials.js';

/** Six months, as counted by providers that take such a secret. */
const longestLifeSeconds = 15_777_000;

/** The claims that the JWT must have. */
export interface ExpectedClientSecretJwt {
  readonly slug: string;
  readonly clientId: string;
  readonly audience: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/**
 * Checks a client secret that is a JWT. It is signed with ES256 by the sandbox's signing key, which the header names.
 * It is from the team, for the client and the audience, issued by now, and valid for at most six months more.
 *
 * @throws Error saying what is wrong
 */
export async function verifyClientSecretJwt(jwt: string, expected: ExpectedClientSecretJwt): Promise<void> {
  const { teamId, keyId, privateKeyPem } = sandboxSigningKey(expected.slug);
  const { payload, protectedHeader } = await jwtVerify(jwt, createPublicKey(privateKeyPem), {
    algorithms: ['ES256'],
    issuer: teamId,
    subject: expected.clientId,
    audience: expected.audience,
    currentDate: new Date(expected.nowMs),
  });
  // Absent counts as infinite, which both checks refuse.
  const { iat = Infinity, exp = Infinity } = payload;
  const nowSeconds = expected.nowMs / 1000;
  if (protectedHeader.kid !== keyId) {
    throw new Error('kid names another key');
  }
  if (iat > nowSeconds) {
    throw new Error('iat is in the future');
  }
  if (exp > nowSeconds + longestLifeSeconds) {
    throw new Error(`exp is more than ${longestLifeSeconds} seconds ahead`);
  }
}
