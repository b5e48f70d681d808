import { z } from 'zod';
import { InvalidTokenResponseError, ProviderUnavailableError } from '../../errors/provider.errors.js';
import { knownSecrets } from '../../redaction/known-secrets.js';
import { readId } from './json-field.js';
import { parseGrantedScopes } from './granted-scopes.js';
import type { ProviderResponse } from '../http/http-message.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import { parseFields } from './response-body.js';
import { fieldAt, ownField } from './json-field.js';
import type { Remark } from './response-remarks.js';
import { TokenResponse } from '../token-response.js';

const tenYearsInSeconds = 10 * 365 * 24 * 3600;

/** RFC 6749 appendix A allows spaces in tokens; in a header or a log they are a mistake. */
const visibleAscii = /^[\x21-\x7e]+$/;

const tokenSchema = z.string().regex(visibleAscii);

const tokenResponseSchema = z.object({
  access_token: tokenSchema,
  // Absent, null and blank are mistakes of a server. Another type needs another use of the token (RFC 6749 section
  // 7.1).
  token_type: z
    .string()
    .regex(/^\s*(bearer)?\s*$/i)
    .nullish(),
  refresh_token: z.union([z.literal(''), tokenSchema]).nullish(),
});

type TokenFields = z.output<typeof tokenResponseSchema>;

/**
 * Parses a successful token response.
 *
 * The body is read by its shape, JSON object or form, not by its headers. Fields that requests need are checked:
 * `access_token`, `token_type`, and `refresh_token` if sent. Malformed lifetimes, scopes and account ids are left out.
 * To refuse the whole response would lose a refresh token that has just replaced the old one.
 *
 * @param response - a response with status 2xx that is no error; see {@link parseErrorResponse}
 * @param definition - has the fields and defaults of this provider
 * @param requestedAt - the instant just before the request left
 * @param remark - called with each fault of a response that is used nevertheless
 * @returns the token response; `refreshToken` is `undefined` when the response has none, `null` or an empty one: keep
 *   the old one
 * @throws {@link InvalidTokenResponseError} when a field is missing or wrong; names the field, never its value. It has
 *   the refresh token if that is valid. Otherwise the token that was sent may be spent, and the error is in doubt.
 * @throws {@link ProviderUnavailableError} with fate `unknown` when the body has neither shape, such as a maintenance
 *   page, or is empty: its tokens, if any, are lost
 * @see RFC 6749 section 5.1, https://www.rfc-editor.org/rfc/rfc6749#section-5.1
 */
export function parseTokenResponse(
  response: ProviderResponse,
  definition: OAuth2Definition,
  requestedAt: Date,
  remark: (remark: Remark) => void = () => undefined,
): TokenResponse {
  const whole = parseFields(response, ['access_token']);
  if (whole === undefined) {
    throw new ProviderUnavailableError(
      `The token response of ${definition.displayName} cannot be read: it is neither a JSON object nor a form. Try again later.`,
      { fate: 'unknown', detail: `HTTP ${response.status}, unreadable body` },
    );
  }
  const body = toStandardFields(whole, definition);
  const fields = usualFields(body) ?? checkFields(body, definition);
  if (!fields.token_type?.trim() && definition.responseDialect?.noTokenType !== true) {
    remark('no-token-type');
  }
  const expiresInSeconds = lifetimeOf(body, definition, remark);
  const refreshExpiresInSeconds = parseLifetime(ownField(body, definition.refreshExpiresInField));
  const grantedScopes =
    definition.grantedScopesIn === 'token-response' ? parseGrantedScopes(ownField(body, 'scope')) : undefined;
  if (grantedScopes === null || grantedScopes?.length === 0) {
    remark('scopes-unreadable');
  }
  const providerUserId = accountOf(body, definition, remark);
  const idToken = definition.account.from === 'id-token' ? ownField(body, 'id_token') : undefined;
  return new TokenResponse({
    accessToken: fields.access_token,
    requestedAt,
    ...(fields.refresh_token ? { refreshToken: fields.refresh_token } : {}),
    ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
    ...(refreshExpiresInSeconds === undefined ? {} : { refreshExpiresInSeconds }),
    ...(grantedScopes === undefined ? {} : { grantedScopes }),
    ...(providerUserId === undefined ? {} : { providerUserId }),
    ...(typeof idToken === 'string' ? { idToken } : {}),
  });
}

/**
 * Returns the fields of a response that has a bearer token and a refresh token, as nearly all have. The schema accepts
 * them unchanged, at several times the cost, and decides about every other response.
 */
function usualFields(body: unknown): TokenFields | undefined {
  const type = ownField(body, 'token_type');
  const accessToken = ownField(body, 'access_token');
  const refreshToken = ownField(body, 'refresh_token');
  return (type === 'Bearer' || type === 'bearer') && isToken(accessToken) && isToken(refreshToken)
    ? { access_token: accessToken, token_type: type, refresh_token: refreshToken }
    : undefined;
}

function isToken(value: unknown): value is string {
  return typeof value === 'string' && visibleAscii.test(value);
}

/** @throws {@link InvalidTokenResponseError} */
function checkFields(body: unknown, definition: OAuth2Definition): TokenFields {
  const result = tokenResponseSchema.safeParse(body);
  if (!result.success) {
    throw invalidResponse(definition, result.error.issues[0]?.path[0], ownField(body, 'refresh_token'));
  }
  return result.data;
}

/**
 * Returns the lifetime of the access token in seconds: from the response, or as documented if the response has none
 * that can be read.
 */
function lifetimeOf(body: unknown, definition: OAuth2Definition, remark: (remark: Remark) => void): number | undefined {
  if (definition.neverExpires === true) {
    return undefined;
  }
  const told = ownField(body, 'expires_in');
  const seconds = parseLifetime(told);
  if (seconds === undefined && told !== undefined && told !== null) {
    remark('lifetime-unreadable');
  }
  return seconds ?? definition.accessTokenLifetimeSeconds;
}

/** Returns whole seconds, without a fraction; `undefined` for no number, or one below 1 or beyond ten years. */
function parseLifetime(value: unknown): number | undefined {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d{1,12}(\.\d+)?$/.test(value.trim()));
  const seconds = isNumber ? Math.floor(Number(value)) : 0;
  return seconds >= 1 && seconds <= tenYearsInSeconds ? seconds : undefined;
}

/** Returns the user's id, if this definition reads it here. Links and refreshes also work without it. */
function accountOf(body: unknown, { account }: OAuth2Definition, remark: (remark: Remark) => void): string | undefined {
  if (account.from !== 'token-response') {
    return undefined;
  }
  const value = fieldAt(body, account.field);
  if (value === undefined || value === null) {
    return undefined;
  }
  const id = readId(value);
  if (id === undefined) {
    remark('account-unreadable');
  }
  return id;
}

/** Returns the token fields under their standard names. */
function toStandardFields(whole: unknown, { responseDialect }: OAuth2Definition): unknown {
  const body = responseDialect?.bodyField === undefined ? whole : ownField(whole, responseDialect.bodyField);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return body;
  }
  const fields: Record<string, unknown> = { ...body };
  for (const [standard, own] of Object.entries(responseDialect?.fieldNames ?? {})) {
    fields[standard] = ownField(body, own);
  }
  return fields;
}

function invalidResponse(
  definition: OAuth2Definition,
  field: PropertyKey | undefined,
  refreshToken: unknown,
): InvalidTokenResponseError {
  const message = `The token response of ${definition.displayName} has no valid "${String(field ?? definition.responseDialect?.bodyField)}".`;
  const rotated = tokenSchema.safeParse(refreshToken).data;
  if (rotated === undefined) {
    return new InvalidTokenResponseError(message, { isInDoubt: true });
  }
  knownSecrets.addToken(rotated);
  return new InvalidTokenResponseError(message, { refreshToken: rotated });
}
