import type { AppError, AppErrorOptions } from '../../errors/app-error.js';
import {
  ProviderMisconfiguredError,
  ProviderRateLimitedError,
  ProviderUnavailableError,
} from '../../errors/provider.errors.js';
import { errorCodeReader, inStandardForm, parseErrorResponse } from './error-response.js';
import type { ProviderResponse } from '../http/http-message.js';
import { parseOAuth1ErrorBody, parseOAuth1Problem } from './oauth1-response.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import { parseRetryAfterSeconds } from '../http/retry-after.js';

/** A response that cannot be used, with the facts that decide its meaning. */
export interface FailedResponse {
  readonly definition: ProviderDefinition;
  readonly response: ProviderResponse;
  /** The current instant, for a date in `Retry-After`. */
  readonly now: Date;
}

/**
 * Makes the error for a refusal in one call.
 *
 * @param detail - for the log: HTTP status and error code of the response, and no free text of the provider
 */
export type Refusal = (detail: string) => AppError;

/** Returns a refusal with this error class and this message, which a caller may see. */
export function refusal(
  RefusedError: new (message: string, options: AppErrorOptions) => AppError,
  message: string,
): Refusal {
  return (detail) => new RefusedError(message, { detail });
}

/** Returns the refusal that is about us and not the user: the operator must act. */
export function misconfigured(definition: ProviderDefinition): Refusal {
  return refusal(ProviderMisconfiguredError, misconfiguredMessage(definition));
}

function misconfiguredMessage({ displayName }: ProviderDefinition): string {
  return `${displayName} rejected this deployment, not the user. The operator must check the client ID, client secret and URLs.`;
}

/** Whether the HTTP status is 2xx. The body may still report an error; see {@link isFailure}. */
export function isSuccessStatus(response: ProviderResponse): boolean {
  return response.status >= 200 && response.status < 300;
}

/**
 * Whether the response reports an error, by its HTTP status or in its body. Some providers send errors with HTTP 200.
 */
export function isFailure(definition: ProviderDefinition, response: ProviderResponse): boolean {
  return (
    !isSuccessStatus(response) ||
    parseErrorResponse(response, errorCodeReader(definition)).code !== undefined ||
    (definition.oauth === '1.0a' && (parseOAuth1Problem(response) ?? parseOAuth1ErrorBody(response)) !== undefined)
  );
}

/**
 * Returns the error for a response of any endpoint. Some failures mean the same everywhere: rate limit, outage,
 * conflict, our client credentials.
 *
 * @param failed - the response and its provider
 * @param otherwise - makes the error for any other response
 * @returns one of these:
 *   - {@link ProviderRateLimitedError} on HTTP 429 or code `rate_limited`
 *   - {@link ProviderUnavailableError} on HTTP 5xx, 408, 409, 410, 425 or the code of an outage
 *   - {@link ProviderMisconfiguredError} on a code or `oauth_problem` about our client, our signature or our clock, or
 *     on HTTP 401 that asks for Basic authentication
 *   - the error of `otherwise`
 */
export function endpointFailure(failed: FailedResponse, otherwise: Refusal): AppError {
  const { definition, response } = failed;
  const { status } = response;
  const code = errorCodeOf(failed);
  const detail = detailOf(failed, code);
  if (status === 429 || code === 'rate_limited') {
    const message = `${definition.displayName} limits the rate of our requests. Try again later.`;
    return new ProviderRateLimitedError(message, { detail, ...retryAfter(failed) });
  }
  if (status === 409) {
    return conflict(failed, detail);
  }
  if (status >= 500 || [408, 410, 425].includes(status) || (code !== undefined && outageCodes.has(code))) {
    return unavailable(failed, detail);
  }
  const asksForClient = status === 401 && /(^|,)\s*basic\b/i.test(response.headers['www-authenticate'] ?? '');
  if ((asksForClient && code !== 'invalid_grant') || (code !== undefined && refusedClientCodes.has(code))) {
    return new ProviderMisconfiguredError(misconfiguredMessage(definition), { detail, refusesClient: true });
  }
  const meansClient = definition.oauth === '1.0a' ? clientProblems : clientCodes;
  if (code !== undefined && meansClient.has(code)) {
    return misconfigured(definition)(detail);
  }
  return otherwise(detail);
}

/**
 * Returns the error for a response of an OAuth 2.0 token endpoint: as at any endpoint, then by the codes of RFC 6749.
 *
 * @param received - the response and its provider
 * @param refused - makes the error for `invalid_grant` and its equivalents in the definition
 * @param refusedWithoutReason - makes the error for HTTP 400, 401 or 403 without a known code that is JSON, a form or
 *   empty. Absent if that is no evidence: firewalls, quotas and gateways respond so too.
 * @returns those of {@link endpointFailure}, and:
 *   - {@link ProviderMisconfiguredError} on `invalid_request`, unless its description asks to retry
 *   - {@link ProviderUnavailableError} on that, and on anything else, such as the page of a firewall
 * @see RFC 6749 section 5.2, https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export function tokenFailure(received: FailedResponse, refused: Refusal, refusedWithoutReason?: Refusal): AppError {
  const { definition } = received;
  const response = inStandardForm(definition, received.response);
  const failed = { ...received, response };
  const { isRead, code, asksToRetry } = parseErrorResponse(response, errorCodeReader(definition));
  return endpointFailure(failed, (detail) => {
    if (code === 'invalid_grant') {
      return refused(detail);
    }
    if (code === 'invalid_request') {
      return asksToRetry ? conflict(failed, detail) : misconfigured(definition)(detail);
    }
    const isOpaque = [400, 401, 403].includes(response.status) && (isRead || response.body.trim() === '');
    return isOpaque && refusedWithoutReason !== undefined ? refusedWithoutReason(detail) : unavailable(failed, detail);
  });
}

/**
 * Returns the error for a response that says nothing about the user or us: the provider is unavailable now.
 *
 * @param failed - the response and its provider
 * @param detail - for the log; no free text of the provider
 * @returns the error with fate `answered`, and `retryAfterSeconds` if the provider sent it; `isGone` on HTTP 410
 */
export function unavailable(failed: FailedResponse, detail: string): ProviderUnavailableError {
  const isGone = failed.response.status === 410;
  const message = isGone
    ? `${failed.definition.displayName} says that this part of its API no longer exists (HTTP 410). The operator must check its URL.`
    : `${failed.definition.displayName} cannot serve requests at the moment. Try again later.`;
  return new ProviderUnavailableError(message, { fate: 'answered', isGone, detail, ...retryAfter(failed) });
}

/**
 * Returns the error for a response that asks to repeat the request, because it conflicted with another one.
 */
function conflict(failed: FailedResponse, detail: string): ProviderUnavailableError {
  const message = `${failed.definition.displayName} was busy with another request for the same grant. Try again.`;
  return new ProviderUnavailableError(message, { fate: 'answered', isConflict: true, detail, ...retryAfter(failed) });
}

/**
 * Error codes for a client id or secret that is not, or no longer, valid. Some providers have more than RFC 6749
 * section 5.2.
 */
const refusedClientCodes: ReadonlySet<string> = new Set(['invalid_client', 'deleted_client', 'disabled_client']);

/** Error codes about us and not the user (RFC 6749 section 5.2). */
const clientCodes: ReadonlySet<string> = new Set(['unauthorized_client', 'unsupported_grant_type', 'invalid_scope']);

/**
 * Error codes of an outage. RFC 6749 section 4.1.2.1 has them for the authorization endpoint. Some token endpoints send
 * them too.
 */
const outageCodes: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable', 'slow_down']);

/**
 * `oauth_problem` values about us and not the user (OAuth Problem Reporting extension).
 */
const clientProblems: ReadonlySet<string> = new Set([
  'consumer_key_unknown',
  'consumer_key_rejected',
  'consumer_key_refused',
  'signature_invalid',
  'signature_method_rejected',
  'timestamp_refused',
  'version_rejected',
  'parameter_absent',
  'parameter_rejected',
]);

/**
 * The `oauth_problem` of OAuth 1.0a (OAuth Problem Reporting extension), or the code that a body of any provider may
 * have.
 */
function errorCodeOf({ definition, response }: FailedResponse): string | undefined {
  const problem = definition.oauth === '1.0a' ? parseOAuth1Problem(response) : undefined;
  return problem ?? parseErrorResponse(response, errorCodeReader(definition)).code;
}

function detailOf({ definition, response }: FailedResponse, code: string | undefined): string {
  const named = code ?? (definition.oauth === '1.0a' ? parseOAuth1ErrorBody(response) : undefined);
  return named === undefined ? `HTTP ${response.status}` : `HTTP ${response.status}, ${named}`;
}

function retryAfter({ response, now }: FailedResponse): { retryAfterSeconds?: number } {
  const retryAfterSeconds = parseRetryAfterSeconds(response.headers['retry-after'], now);
  return retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
}
