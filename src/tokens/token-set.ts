import { z } from 'zod';
import { TokenUnreadableError } from '../errors/connection.errors.js';
import type { ProviderDefinition } from '../provider-kit/definition/provider-definition.js';
import type { TokenResponse } from '../provider-kit/token-response.js';

/**
 * A lifetime counts from a whole second of the provider's clock, so it may end this much earlier than it seems, in
 * milliseconds.
 */
const wholeSecondMs = 1_000;

/** The content of one sealed envelope: the whole token set of a connection, so that its parts cannot be mixed. */
const tokenSetSchema = z.object({
  accessToken: z.string(),
  tokenSecret: z.string().optional(),
  refreshToken: z.string().optional(),
  /** The refresh token of a second refresh that succeeded at the same time; tried before a refusal counts. */
  spareRefreshToken: z.string().optional(),
  expiresAt: z.coerce.date().optional(),
  refreshExpiresAt: z.coerce.date().optional(),
  grantedScopes: z.array(z.string()).optional(),
  /** The provider listed the scopes in an unreadable way, so `grantedScopes` is absent. */
  scopesUnknown: z.boolean().optional(),
  /**
   * The scopes that the link asked for. They count as granted if the provider names none. Absent in sets of an earlier
   * version.
   */
  requestedScopes: z.array(z.string()).optional(),
  providerUserId: z.string().optional(),
  /** The previous id of this user at the provider. */
  formerUserId: z.string().optional(),
  /** The refresh token came with a response about another user: the next response must name the right user (AR-18). */
  mustNameUser: z.boolean().optional(),
  obtainedAt: z.coerce.date(),
});

/** The decrypted tokens of a connection. Never log them; never keep them longer than one call. */
export type TokenSet = z.output<typeof tokenSetSchema>;

/**
 * Builds the token set to store from a token response. No lifetime in it ends later than at the provider.
 *
 * @param response - the token response
 * @param previous - the set that it replaces on a refresh; fields missing in the response are kept (RFC 6749 section 6)
 */
export function toTokenSet(response: TokenResponse, previous?: TokenSet): TokenSet {
  const after = (seconds: number | undefined): Date | undefined =>
    seconds === undefined ? undefined : new Date(response.requestedAt.getTime() + seconds * 1_000 - wholeSecondMs);
  const keptRefreshExpiry = response.refreshToken === undefined ? previous?.refreshExpiresAt : undefined;
  return {
    accessToken: response.accessToken,
    tokenSecret: response.tokenSecret,
    refreshToken: response.refreshToken ?? previous?.refreshToken,
    expiresAt: after(response.expiresInSeconds),
    refreshExpiresAt: after(response.refreshExpiresInSeconds) ?? keptRefreshExpiry,
    ...toScopes(response, previous),
    requestedScopes: previous?.requestedScopes,
    providerUserId: response.providerUserId ?? previous?.providerUserId,
    formerUserId: response.formerUserId ?? previous?.formerUserId,
    obtainedAt: response.requestedAt,
  };
}

/** Returns the tokens of a new link with the refresh token of the replaced set, and its known facts. */
export function keepRefreshToken(tokens: TokenSet, stored: TokenSet): TokenSet {
  const { refreshToken, spareRefreshToken, refreshExpiresAt, mustNameUser } = stored;
  return { ...tokens, refreshToken, spareRefreshToken, refreshExpiresAt, mustNameUser };
}

/**
 * Returns the scopes of a new token set. If the response to a refresh has no scopes or an empty field, they are the
 * same as before (RFC 6749 section 6). An unreadable field makes them unknown. At a link an empty field makes them
 * unknown too, because there is nothing to keep.
 *
 * @see RFC 6749 section 6, https://www.rfc-editor.org/rfc/rfc6749#section-6
 */
function toScopes(
  { grantedScopes }: TokenResponse,
  previous?: TokenSet,
): Pick<TokenSet, 'grantedScopes' | 'scopesUnknown'> {
  const isEmpty = grantedScopes?.length === 0;
  if (grantedScopes === undefined || (isEmpty && previous !== undefined)) {
    return { grantedScopes: previous?.grantedScopes, scopesUnknown: previous?.scopesUnknown };
  }
  return grantedScopes === null || isEmpty
    ? { grantedScopes: undefined, scopesUnknown: true }
    : { grantedScopes: [...grantedScopes], scopesUnknown: undefined };
}

/**
 * Returns the scopes that a token set may be used for, from the sealed value. So nobody can widen them by a write to
 * the database (AR-27).
 *
 * @param tokens - the set, opened
 * @param scopesRequested - of the row, which counts for sets of an earlier version
 * @returns as granted, or as requested if the provider named none; `null` when they are unknown
 */
export function sealedScopes(
  { grantedScopes, scopesUnknown, requestedScopes }: TokenSet,
  scopesRequested: readonly string[],
): readonly string[] | null {
  return grantedScopes ?? (scopesUnknown === true ? null : (requestedScopes ?? scopesRequested));
}

/**
 * Returns when a token set should be refreshed: when its access token expires. If the expiry is unknown and the set can
 * be refreshed, an assumed lifetime counts.
 *
 * @param tokens - the set
 * @param definition - of its provider
 * @param assumedLifetimeMs - counts from when the set was obtained
 * @returns `undefined` when nothing makes a refresh necessary
 */
export function expectedExpiry(
  { expiresAt, refreshToken, obtainedAt }: Pick<TokenSet, 'expiresAt' | 'refreshToken' | 'obtainedAt'>,
  definition: ProviderDefinition,
  assumedLifetimeMs: number,
): Date | undefined {
  const lasts = definition.oauth === '1.0a' || definition.neverExpires === true || refreshToken === undefined;
  return expiresAt ?? (lasts ? undefined : new Date(obtainedAt.getTime() + assumedLifetimeMs));
}

/**
 * Checks a decrypted value.
 *
 * @throws {@link TokenUnreadableError} when it is not a token set
 */
export function parseTokenSet(opened: unknown): TokenSet {
  const result = tokenSetSchema.safeParse(opened);
  if (!result.success) {
    throw new TokenUnreadableError('the sealed value is not a token set');
  }
  return result.data;
}
