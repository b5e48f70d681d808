import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { InvalidTokenResponseError, ProviderUnavailableError } from '../errors/provider.errors.js';
import { knownSecrets } from '../redaction/known-secrets.js';
import type { ProviderResponse } from './http-client.js';
import { formDecode } from './percent-encoding.js';
import type { OAuth2Definition, ProviderDefinition } from './provider-definition.js';
import { findId } from './account-lookup.js';
import { TokenGrant } from './token-grant.js';

const tenYearsInSeconds = 10 * 365 * 24 * 3600;

/** RFC 6749 appendix A allows spaces in tokens; in a header or a log they are a mistake. */
const visibleAscii = /^[\x21-\x7e]+$/;

/** What a list of scopes may hold (RFC 6749 appendix A.4). PostgreSQL would refuse some of the rest, and the tokens with it. */
const printableAscii = /^[\x20-\x7e]*$/;

const lifetimeSchema = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d{1,12}$/)
      .transform(Number),
  ])
  .pipe(z.number().positive().max(tenYearsInSeconds));

const tokenSchema = z.string().regex(visibleAscii);

const tokenAnswerSchema = z.object({
  access_token: tokenSchema,
  token_type: z.string().regex(/^bearer$/i),
  expires_in: lifetimeSchema.nullish(),
  refresh_token: z.union([z.literal(''), tokenSchema]).nullish(),
});

/**
 * Reads a grant out of a successful token answer.
 *
 * What a request cannot do without is checked: `access_token`, `token_type`, `refresh_token` and `expires_in` where sent. What only
 * informs (scopes, life of the refresh token, account id) is left out when malformed, because refusing the answer would throw away
 * a refresh token that has just replaced the old one.
 *
 * @param response - an answer with status 2xx that is no error; see {@link parseErrorAnswer}
 * @param definition - tells the fields and defaults of this provider
 * @param requestedAt - the instant just before the request left
 * @returns the grant; `refreshToken` is `undefined` when the answer has none, `null` or an empty one: keep the old one
 * @throws {@link InvalidTokenResponseError} when the JSON is no object or lacks a field; names the field, never its value, and has the
 *   refresh token where that is sound
 * @throws {@link ProviderUnavailableError} with fate `answered` when the answer is not JSON, such as a maintenance page
 * @see RFC 6749 section 5.1, https://www.rfc-editor.org/rfc/rfc6749#section-5.1
 */
export function parseTokenResponse(
  response: ProviderResponse,
  definition: OAuth2Definition,
  requestedAt: Date,
): TokenGrant {
  const whole = parseJsonBody(response);
  if (whole === undefined) {
    throw new ProviderUnavailableError(`${definition.displayName} answered with something other than JSON.`, {
      fate: 'answered',
      detail: `HTTP ${response.status}, not JSON`,
    });
  }
  const body = toStandardFields(whole, definition);
  const result = tokenAnswerSchema.safeParse(body);
  if (!result.success) {
    throw invalidAnswer(definition, result.error.issues[0]?.path[0], ownField(body, 'refresh_token'));
  }
  const answer = result.data;
  const expiresInSeconds =
    definition.neverExpires === true ? undefined : (answer.expires_in ?? definition.accessTokenLifetimeSeconds);
  const refreshLifetime = lifetimeSchema.safeParse(ownField(body, definition.refreshExpiresInField));
  const grantedScopes = readScopes(body, definition);
  const { account } = definition;
  const providerUserId = account.from === 'token-response' ? findId(body, account.field) : undefined;
  const idToken = account.from === 'id-token' ? ownField(body, 'id_token') : undefined;
  return new TokenGrant({
    accessToken: answer.access_token,
    requestedAt,
    ...(answer.refresh_token ? { refreshToken: answer.refresh_token } : {}),
    ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
    ...(refreshLifetime.success ? { refreshExpiresInSeconds: refreshLifetime.data } : {}),
    ...(grantedScopes === undefined ? {} : { grantedScopes }),
    ...(providerUserId === undefined ? {} : { providerUserId }),
    ...(typeof idToken === 'string' ? { idToken } : {}),
  });
}

/** Returns the token fields under their standard names, with what the provider sends or leaves out by custom made up for. */
function toStandardFields(whole: unknown, definition: OAuth2Definition): unknown {
  const { answer, neverExpires } = definition;
  const body = answer?.bodyField === undefined ? whole : ownField(whole, answer.bodyField);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return body;
  }
  const fields: Record<string, unknown> = { ...body };
  for (const [standard, own] of Object.entries(answer?.fieldNames ?? {})) {
    fields[standard] = ownField(body, own);
  }
  if (answer?.noTokenType === true) {
    fields['token_type'] ??= 'bearer';
  }
  if (neverExpires === true) {
    delete fields['expires_in'];
  }
  return fields;
}

/**
 * Returns a function that reads the error code out of a provider's own answer: its `parseErrorCode`, then the status that its
 * answers carry in the body. `undefined` when the answer reports no error.
 */
export function errorCodeReader(definition: ProviderDefinition): (body: unknown) => string | undefined {
  if (definition.oauth === '1.0a') {
    return () => undefined;
  }
  const { parseErrorCode, answer } = definition;
  return (body) => {
    const status = ownField(body, answer?.status?.field);
    const failed = status !== undefined && status !== answer?.status?.success;
    return parseErrorCode?.(body) ?? (failed ? (answer?.status?.errors[asKey(status)] ?? unlistedStatus) : undefined);
  };
}

function asKey(status: unknown): string {
  return typeof status === 'number' || typeof status === 'string' ? `${status}` : '';
}

/** Code of an error in the body that the definition does not list; nobody can say more than that it did not work. */
const unlistedStatus = 'unlisted_status';

/** What an error answer says, reduced to what may be kept: error descriptions may quote a token. */
export interface ErrorAnswer {
  readonly isJson: boolean;
  /** Letters and `_` only, at most 40; `undefined` when the answer has none of that shape. */
  readonly code: string | undefined;
  /** The description asks to send the request again, as Ory Hydra's does when two refreshes meet. */
  readonly asksToRetry: boolean;
}

/**
 * Reads what kind of error an answer reports.
 *
 * The provider's own `parseErrorCode` is asked first, then the standard field `error`. A JSON object with an `access_token` is no
 * error, so this may be asked about answers of any status.
 *
 * @param response - any answer
 * @param parseErrorCode - the provider's hook, where it has one
 * @see RFC 6749 section 5.2, https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export function parseErrorAnswer(
  response: ProviderResponse,
  parseErrorCode?: OAuth2Definition['parseErrorCode'],
): ErrorAnswer {
  const body = parseJsonBody(response);
  if (body === undefined || ownField(body, 'access_token') !== undefined) {
    return { isJson: body !== undefined, code: undefined, asksToRetry: false };
  }
  const description = [ownField(body, 'error_description'), ownField(body, 'error_hint')]
    .filter((text) => typeof text === 'string')
    .join(' ');
  return {
    isJson: true,
    code: safeErrorCode(parseErrorCode?.(body)) ?? safeErrorCode(ownField(body, 'error')),
    asksToRetry: /\bretry\b/i.test(description),
  };
}

/** Returns the value where it has the shape of an error code and so cannot be a token. */
function safeErrorCode(value: unknown): string | undefined {
  return typeof value === 'string' && /^[a-z_]{1,40}$/i.test(value) ? value : undefined;
}

/**
 * Parses a body that is declared as JSON.
 *
 * @returns the value, from outside and unchecked; `undefined` when the content type is neither `application/json` nor `…+json`, or
 *   when the text is no JSON. The parser's own error is dropped because it quotes the text.
 */
export function parseJsonBody(response: ProviderResponse): unknown {
  const mediaType = response.headers['content-type']?.split(';')[0]?.trim() ?? '';
  if (!/^application\/([\w.+-]+\+)?json$/i.test(mediaType)) {
    return undefined;
  }
  try {
    return JSON.parse(response.text) as unknown;
  } catch {
    return undefined;
  }
}

/** A parsed OAuth 1.0a credentials answer. Holds a secret: hand it on, do not print it. */
export interface OAuth1TokenAnswer {
  readonly token: string;
  readonly tokenSecret: string;
  /** `oauth_callback_confirmed` is exactly `true`. */
  readonly callbackConfirmed: boolean;
  /** Every other field, such as a user id. */
  readonly extras: ReadonlyMap<string, string>;
}

/**
 * Parses the form-encoded answer of an OAuth 1.0a endpoint, strictly: no field twice, none without `=`, no broken escape.
 *
 * @param text - the body; the content type is not looked at because providers send many
 * @throws {@link InvalidTokenResponseError} when it is no such form, or `oauth_token` or `oauth_token_secret` is missing, empty or
 *   not visible ASCII
 * @see RFC 5849 section 2.1 and 2.3, https://www.rfc-editor.org/rfc/rfc5849#section-2.1
 */
export function parseOAuth1TokenResponse(text: string): OAuth1TokenAnswer {
  const fields = parseStrictForm(text.trim());
  if (fields === undefined) {
    throw new InvalidTokenResponseError('The credentials answer is no form with each field once.');
  }
  const required = (name: string): string => {
    const value = fields.get(name);
    if (value === undefined || !visibleAscii.test(value)) {
      throw new InvalidTokenResponseError(`The credentials answer has no valid "${name}".`);
    }
    fields.delete(name);
    return value;
  };
  const token = required('oauth_token');
  const tokenSecret = required('oauth_token_secret');
  const callbackConfirmed = fields.get('oauth_callback_confirmed') === 'true';
  return { token, tokenSecret, callbackConfirmed, extras: fields };
}

/**
 * Returns the `oauth_problem` of an OAuth 1.0a error answer, where there is one that has the shape of a code.
 *
 * @param response - carries it in the header `WWW-Authenticate`, in its body as a form, or in both (OAuth Problem Reporting extension)
 */
export function parseOAuth1Problem(response: Pick<ProviderResponse, 'headers' | 'text'>): string | undefined {
  const inHeader = /^OAuth\b.*\boauth_problem="([^"]*)"/i.exec(response.headers['www-authenticate'] ?? '')?.[1];
  return safeErrorCode(inHeader ?? parseStrictForm(response.text.trim())?.get('oauth_problem'));
}

/** Returns the fields of a form, or `undefined` when the text is none, repeats a field or is no UTF-8 below the escapes. */
function parseStrictForm(text: string): Map<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const pair of text.split('&')) {
    const separator = pair.indexOf('=');
    if (separator < 1 || !/^[\x21-\x7e]+$/.test(pair) || /%(?![0-9A-Fa-f]{2})/.test(pair)) {
      return undefined;
    }
    const name = formDecode(pair.slice(0, separator));
    const value = formDecode(pair.slice(separator + 1));
    if (!isUtf8(name) || !isUtf8(value) || fields.has(name.toString())) {
      return undefined;
    }
    fields.set(name.toString(), value.toString());
  }
  return fields;
}

function invalidAnswer(
  definition: OAuth2Definition,
  field: PropertyKey | undefined,
  refreshToken: unknown,
): InvalidTokenResponseError {
  const message =
    field === undefined
      ? `The token answer of ${definition.displayName} is no JSON object.`
      : `The token answer of ${definition.displayName} has no valid "${String(field)}".`;
  const rotated = tokenSchema.safeParse(refreshToken).data;
  if (rotated !== undefined) {
    knownSecrets.addToken(rotated);
  }
  return new InvalidTokenResponseError(message, { refreshToken: rotated });
}

/** Reads a field that the object has itself, so that `__proto__` and `constructor` in an answer mean nothing. */
function ownField(body: unknown, name: string | undefined): unknown {
  return typeof body === 'object' && body !== null && name !== undefined && Object.hasOwn(body, name)
    ? (body as Record<string, unknown>)[name]
    : undefined;
}

function readScopes(body: unknown, definition: OAuth2Definition): readonly string[] | undefined {
  const scope = ownField(body, 'scope');
  if (definition.grantedScopesIn !== 'token-response' || typeof scope !== 'string' || !printableAscii.test(scope)) {
    return undefined;
  }
  const scopes = scope.split(definition.scopeSeparator).filter((each) => each !== '');
  return scopes.length === 0 ? undefined : scopes;
}
