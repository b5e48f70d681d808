import { createHash } from 'node:crypto';
import { Refusal } from '../http/fake-response.js';
import type { Parameters } from '../http/form.js';
import { equalSecrets } from '../grants/random-token.js';

/** How a provider treats PKCE; see the definition of a sandbox provider. */
export type PkceRule = 'required' | 'supported' | 'ignored';

/**
 * Reads the challenge of an authorize request.
 *
 * @returns the S256 challenge, or `undefined` if none was sent or the provider ignores it
 * @throws {@link Refusal} `invalid_request` when a required challenge is missing, is not 43 base64url characters, or is
 *   not S256
 * @see RFC 7636 section 4.3, https://www.rfc-editor.org/rfc/rfc7636#section-4.3
 */
export function readChallenge(rule: PkceRule, query: Parameters): string | undefined {
  const challenge = query.find('code_challenge');
  const method = query.find('code_challenge_method');
  if (rule === 'ignored' || (rule === 'supported' && challenge === undefined && method === undefined)) {
    return undefined;
  }
  if (challenge === undefined || method !== 'S256') {
    throw new Refusal(400, 'invalid_request', 'code_challenge with code_challenge_method=S256 is needed');
  }
  if (!/^[A-Za-z0-9_-]{43}$/.test(challenge)) {
    throw new Refusal(400, 'invalid_request', 'code_challenge must be 43 base64url characters');
  }
  return challenge;
}

/**
 * Checks the verifier of a token request.
 *
 * @param challenge - of the code, if it has one
 * @throws {@link Refusal} `invalid_request` when the verifier is missing, malformed or without a challenge;
 *   `invalid_grant` when it does not match
 * @see RFC 7636 section 4.6, https://www.rfc-editor.org/rfc/rfc7636#section-4.6
 */
export function checkVerifier(rule: PkceRule, challenge: string | undefined, form: Parameters): void {
  if (rule === 'ignored') {
    return;
  }
  const verifier = form.find('code_verifier');
  if (challenge === undefined) {
    if (verifier !== undefined) {
      // The downgrade of RFC 9700 section 2.1.1: a verifier for a request that had no challenge.
      throw new Refusal(400, 'invalid_request', 'code_verifier without a code_challenge');
    }
    return;
  }
  if (verifier === undefined || !/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) {
    throw new Refusal(400, 'invalid_request', 'code_verifier must be 43 to 128 unreserved characters');
  }
  if (!equalSecrets(createHash('sha256').update(verifier).digest('base64url'), challenge)) {
    throw new Refusal(400, 'invalid_grant', 'code_verifier does not match');
  }
}
