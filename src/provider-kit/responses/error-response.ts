import type { ProviderResponse } from '../http/http-message.js';
import type { DeadGrantError, ProviderDefinition } from '../definition/provider-definition.js';
import { parseFields, parseJsonBody } from './response-body.js';
import { fieldAt, ownField } from './json-field.js';

/** Reads the error code out of a body; `undefined` when the body reports no error of the provider's own kind. */
export type ReadErrorCode = (body: unknown) => string | undefined;

/**
 * Returns a function that reads the error code out of a provider's own response:
 * `invalid_grant` where the definition lists it as a dead grant, else what its `parseErrorCode` says, else what the
 * status in the body stands for.
 */
export function errorCodeReader(definition: ProviderDefinition): ReadErrorCode {
  if (definition.oauth === '1.0a') {
    return () => undefined;
  }
  const { parseErrorCode, responseDialect, deadGrantErrors = [] } = definition;
  return (body) => {
    if (deadGrantErrors.some((fields) => hasAll(body, fields))) {
      return 'invalid_grant';
    }
    const status = ownField(body, responseDialect?.status?.field);
    const failed = status !== undefined && status !== responseDialect?.status?.success;
    return (
      parseErrorCode?.(body) ??
      (failed ? (responseDialect?.status?.errors[asKey(status)] ?? unlistedStatus) : undefined)
    );
  };
}

function hasAll(body: unknown, fields: DeadGrantError): boolean {
  return Object.entries(fields).every(([path, value]) => fieldAt(body, path) === value);
}

function asKey(status: unknown): string {
  return typeof status === 'number' || typeof status === 'string' ? `${status}` : '';
}

/** Code of an error in the body that the definition does not list; nobody can say more than that it did not work. */
const unlistedStatus = 'unlisted_status';

/** What an error response says, reduced to what may be kept: error descriptions may quote a token. */
export interface ErrorResponse {
  /** The body is JSON or a form of OAuth, not the page of something in between. */
  readonly isRead: boolean;
  /** Letters and `_` only, at most 40; `undefined` when the response has none of that shape. */
  readonly code: string | undefined;
  /** The description asks to send the request again, as Ory Hydra's does when two refreshes meet. */
  readonly asksToRetry: boolean;
}

/**
 * Reads the kind of error that a response reports. The content type does not matter.
 *
 * The provider's own reader is asked first, then the standard field `error`. A body with an access token is no error,
 * so this may be asked about responses of any status.
 *
 * @param response - any response
 * @param readErrorCode - as {@link errorCodeReader} gives it
 * @see RFC 6749 section 5.2, https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export function parseErrorResponse(
  response: Pick<ProviderResponse, 'body'>,
  readErrorCode?: ReadErrorCode,
): ErrorResponse {
  const body = parseFields(response, ['access_token', 'error']);
  const isRead = body !== undefined || parseJsonBody(response) !== undefined;
  if (body === undefined || hasToken(body)) {
    return { isRead, code: undefined, asksToRetry: false };
  }
  const description = [ownField(body, 'error_description'), ownField(body, 'error_hint')]
    .filter((text) => typeof text === 'string')
    .join(' ');
  return {
    isRead,
    code: safeErrorCode(readErrorCode?.(body)) ?? safeErrorCode(ownField(body, 'error')),
    asksToRetry: /\bretry\b/i.test(description),
  };
}

/** Some error bodies have the field all the same, with nothing in it. */
function hasToken(body: unknown): boolean {
  return !['', null, undefined].includes(ownField(body, 'access_token') as string | null | undefined);
}

/**
 * Returns an error that a definition declares as a plain text, in the form of RFC 6749 section 5.2; any other response
 * unchanged.
 */
export function inStandardForm(definition: ProviderDefinition, response: ProviderResponse): ProviderResponse {
  const declared = definition.oauth === '2.0' ? definition.plainTextErrors : undefined;
  const found = declared?.find(({ status }) => status === response.status);
  const isText = parseJsonBody(response) === undefined && !response.body.trimStart().startsWith('<');
  return found === undefined || !isText ? response : { ...response, body: JSON.stringify({ error: found.error }) };
}

/** Returns the value where it has the shape of an error code and so cannot be a token. */
export function safeErrorCode(value: unknown): string | undefined {
  return typeof value === 'string' && /^[a-z_]{1,40}$/i.test(value) ? value : undefined;
}
