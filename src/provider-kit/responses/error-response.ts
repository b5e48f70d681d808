import type { ProviderResponse } from '../http/http-message.js';
import type { DeadGrantError, ProviderDefinition } from '../definition/provider-definition.js';
import { parseFields, parseJsonBody } from './response-body.js';
import { fieldAt, ownField } from './json-field.js';

/** Reads the error code from a body; `undefined` when the body has no error in the provider's own format. */
export type ReadErrorCode = (body: unknown) => string | undefined;

/**
 * Returns a function that reads the error code from a provider's own response. It tries in this order:
 * 1. `invalid_grant`, if the definition lists the response as a dead grant
 * 2. the code of its `parseErrorCode`
 * 3. the code for the status in the body
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

/** Code of an error in the body that the definition does not list. Its meaning is unknown. */
const unlistedStatus = 'unlisted_status';

/** The parts of an error response that may be kept. Error descriptions may quote a token. */
export interface ErrorResponse {
  /** The body is JSON or a form of OAuth, not the page of a gateway. */
  readonly isRead: boolean;
  /** Letters and `_` only, at most 40; `undefined` when the response has none of that shape. */
  readonly code: string | undefined;
  /** The description asks to repeat the request, as Ory Hydra's does for two refreshes at the same time. */
  readonly asksToRetry: boolean;
}

/**
 * Reads the kind of error that a response reports. The content type does not matter.
 *
 * The provider's own reader comes first, then the standard field `error`. A body with an access token is no error, so
 * the response may have any status.
 *
 * @param response - any response
 * @param readErrorCode - as {@link errorCodeReader} returns it
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

/** Whether a body has an access token. Some error bodies have the field, but empty. */
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

/** Returns the value if it has the shape of an error code and so cannot be a token. */
export function safeErrorCode(value: unknown): string | undefined {
  return typeof value === 'string' && /^[a-z_]{1,40}$/i.test(value) ? value : undefined;
}
