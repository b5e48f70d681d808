import { createLocalJWKSet, decodeJwt, jwtVerify, type JWTPayload } from 'jose';
import { z } from 'zod';
import { InvalidTokenResponseError } from '../../errors/provider.errors.js';
import type { AccountLookup, IdTokenAlgorithm } from '../definition/provider-definition.js';

/** The values that an ID token must agree with. */
export interface IdTokenExpectation {
  readonly displayName: string;
  /** `iss` must be one of them, by simple string equality; empty if the provider documents none. */
  readonly issuers: readonly string[];
  readonly account: IdTokenAccount;
  readonly clientId: string;
  readonly nonce: string | undefined;
  /** The provider's JSON Web Key Set, from outside; `undefined` skips the signature, see `AccountLookup`. */
  readonly keys: unknown;
  readonly now: Date;
}

/** Where the ID token has the user's id. */
export type IdTokenAccount = Extract<AccountLookup, { readonly from: 'id-token' }>;

/** The user that an ID token names. */
export interface NamedUser {
  readonly userId: string;
  /** The id of this user in earlier connections, if the provider's definition has a former claim. */
  readonly formerUserId: string | undefined;
}

/** The issuer and the audience that an ID token must have. */
type Parties = Pick<IdTokenExpectation, 'displayName' | 'issuers' | 'account' | 'clientId'>;

const allAlgorithms: readonly IdTokenAlgorithm[] = ['RS256', 'ES256', 'PS256'];
/** Clocks differ; the specification allows "a small leeway". */
const clockToleranceSeconds = 60;

const keySetSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) });

/**
 * Verifies an ID token and returns the user that it names.
 *
 * @param idToken - as received; `undefined` when the response had none
 * @throws {@link InvalidTokenResponseError} when signature, algorithm, issuer, audience, time or nonce is wrong, or the
 *   user's id is missing
 * @see OpenID Connect Core 1.0 section 3.1.3.7, https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
 */
export async function verifyIdToken(idToken: string | undefined, expected: IdTokenExpectation): Promise<NamedUser> {
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
  const userId = readId(claims, expected.account.claim ?? 'sub');
  if (userId === undefined) {
    throw refused(expected, 'it names no user');
  }
  return { userId, formerUserId: readFormerId(claims, expected) };
}

/**
 * Reads the user of an ID token that came with refreshed tokens. Its signature is not checked, because no request for
 * keys may delay the commit of a refresh. It came straight from the token endpoint over TLS (section 3.1.3.7, 6).
 *
 * @param idToken - as received
 * @returns the user, to be compared with that of the link; without a user's id if it has only the former one
 * @throws {@link InvalidTokenResponseError} when it is no JWT, issuer or audience is wrong, or it names no user
 * @see OpenID Connect Core 1.0 section 12.2, https://openid.net/specs/openid-connect-core-1_0.html#RefreshTokenResponse
 */
export function readRefreshedUser(
  idToken: string,
  expected: Parties,
): { readonly [Id in keyof NamedUser]: string | undefined } {
  let claims: JWTPayload;
  try {
    claims = decodeJwt(idToken);
  } catch {
    throw refused(expected, 'it is not a JWT');
  }
  checkParties(claims, expected);
  const userId = readId(claims, expected.account.claim ?? 'sub');
  const formerUserId = readFormerId(claims, expected);
  if (userId === undefined && formerUserId === undefined) {
    throw refused(expected, 'it names no user');
  }
  return { userId, formerUserId };
}

/**
 * Returns the user that an ID token names, without any check. Use it only to leave the account of that user alone.
 *
 * @param idToken - as received
 * @returns both ids `undefined` when it is no JWT, or names none
 */
export function claimedUser(
  idToken: string,
  account: IdTokenAccount,
): { readonly [Id in keyof NamedUser]: string | undefined } {
  try {
    const claims = decodeJwt(idToken);
    return { userId: readId(claims, account.claim ?? 'sub'), formerUserId: readFormerId(claims, { account }) };
  } catch {
    return { userId: undefined, formerUserId: undefined };
  }
}

function checkParties(claims: JWTPayload, expected: Parties): void {
  const audiences = [claims.aud ?? []].flat();
  if (expected.issuers.length > 0 && !expected.issuers.includes(claims.iss ?? '')) {
    throw refused(expected, `its issuer is not ${expected.issuers.join(' or ')}`);
  }
  if (!audiences.includes(expected.clientId) || (audiences.length > 1 && claims['azp'] !== expected.clientId)) {
    throw refused(expected, 'it is meant for another client');
  }
}

function readId(claims: JWTPayload, claim: string): string | undefined {
  const id = claims[claim];
  return typeof id === 'string' && id !== '' && id.length <= 255 ? id : undefined;
}

function readFormerId(claims: JWTPayload, { account }: Pick<Parties, 'account'>): string | undefined {
  return account.formerClaim === undefined ? undefined : readId(claims, account.formerClaim);
}

function refused({ displayName }: Parties, what: string): InvalidTokenResponseError {
  return new InvalidTokenResponseError(`The ID token of ${displayName} is not valid: ${what}.`);
}

async function readClaims(idToken: string, expected: IdTokenExpectation): Promise<JWTPayload> {
  if (expected.keys === undefined) {
    return decodeJwt(idToken);
  }
  const keys = createLocalJWKSet(keySetSchema.parse(expected.keys));
  const algorithms = [...(expected.account.algorithms ?? allAlgorithms)];
  const options = { algorithms, currentDate: expected.now, clockTolerance: clockToleranceSeconds };
  return (await jwtVerify(idToken, keys, options)).payload;
}
