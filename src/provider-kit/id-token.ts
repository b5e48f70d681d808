import { createLocalJWKSet, decodeJwt, jwtVerify, type JWTPayload } from 'jose';
import { z } from 'zod';
import { InvalidTokenResponseError } from '../errors/provider.errors.js';

/** What an ID token must agree with. */
export interface IdTokenExpectation {
  readonly displayName: string;
  /** Compared by simple string equality; `undefined` where the provider documents none. */
  readonly issuer: string | undefined;
  readonly clientId: string;
  readonly nonce: string | undefined;
  /** The provider's JSON Web Key Set, from outside; `undefined` skips the signature, see `AccountLookup`. */
  readonly keys: unknown;
  readonly now: Date;
}

/** Who has to have issued an ID token, and for whom. */
type Parties = Pick<IdTokenExpectation, 'displayName' | 'issuer' | 'clientId'>;

/** Asymmetric algorithms only: with a symmetric one, whoever knows the public key could sign. */
const algorithms = ['RS256', 'ES256', 'PS256'];
/** Clocks differ; the specification allows "a small leeway". */
const clockToleranceSeconds = 60;

const keySetSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) });

/**
 * Verifies an ID token and returns its subject.
 *
 * @param idToken - as received; `undefined` when the answer had none
 * @returns `sub`
 * @throws {@link InvalidTokenResponseError} when signature, algorithm, issuer, audience, time or nonce is wrong, or `sub` is missing
 * @see OpenID Connect Core 1.0 section 3.1.3.7, https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
 */
export async function verifyIdToken(idToken: string | undefined, expected: IdTokenExpectation): Promise<string> {
  if (idToken === undefined) {
    throw refused(expected, 'it is missing');
  }
  const claims = await readClaims(idToken, expected).catch(() => {
    // The library's own error quotes claims.
    throw refused(expected, 'signature, issuer, audience or time');
  });
  checkParties(claims, expected);
  const nowSeconds = expected.now.getTime() / 1_000;
  if (typeof claims.exp !== 'number' || claims.exp + clockToleranceSeconds <= nowSeconds) {
    throw refused(expected, 'it has expired');
  }
  if (expected.nonce !== undefined && claims['nonce'] !== expected.nonce) {
    throw refused(expected, 'it belongs to another link');
  }
  return readSubject(claims, expected);
}

/**
 * Reads the subject of an ID token that came with refreshed tokens. Its signature is not looked at, because nothing may be asked of the
 * maker between a refresh and its commit; it came straight from the token endpoint over TLS (section 3.1.3.7, 6).
 *
 * @param idToken - as received
 * @returns `sub`, to be compared with that of the link
 * @throws {@link InvalidTokenResponseError} when it is no JWT, issuer or audience is wrong, or `sub` is missing
 * @see OpenID Connect Core 1.0 section 12.2, https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse
 */
export function readRefreshedSubject(idToken: string, expected: Parties): string {
  let claims: JWTPayload;
  try {
    claims = decodeJwt(idToken);
  } catch {
    throw refused(expected, 'it is no JWT');
  }
  checkParties(claims, expected);
  return readSubject(claims, expected);
}

/**
 * Returns the subject that an ID token names, without any check: enough to leave the account of that subject alone, and for nothing else.
 *
 * @param idToken - as received
 * @returns `undefined` when it is no JWT, or names none
 */
export function claimedSubject(idToken: string): string | undefined {
  try {
    return decodeJwt(idToken).sub;
  } catch {
    return undefined;
  }
}

function checkParties(claims: JWTPayload, expected: Parties): void {
  const audiences = [claims.aud ?? []].flat();
  if (expected.issuer !== undefined && claims.iss !== expected.issuer) {
    throw refused(expected, 'it was issued by somebody else');
  }
  if (!audiences.includes(expected.clientId) || (audiences.length > 1 && claims['azp'] !== expected.clientId)) {
    throw refused(expected, 'it is meant for somebody else');
  }
}

function readSubject({ sub }: JWTPayload, expected: Parties): string {
  if (typeof sub !== 'string' || sub === '' || sub.length > 255) {
    throw refused(expected, 'it names no user');
  }
  return sub;
}

function refused({ displayName }: Parties, what: string): InvalidTokenResponseError {
  return new InvalidTokenResponseError(`The ID token of ${displayName} is not valid: ${what}.`);
}

async function readClaims(idToken: string, expected: IdTokenExpectation): Promise<JWTPayload> {
  if (expected.keys === undefined) {
    return decodeJwt(idToken);
  }
  const keys = createLocalJWKSet(keySetSchema.parse(expected.keys));
  const options = { algorithms, currentDate: expected.now, clockTolerance: clockToleranceSeconds };
  return (await jwtVerify(idToken, keys, options)).payload;
}
