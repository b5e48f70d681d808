import { RequestInvalidError } from '../../errors/request.errors.js';
import type { GrantTokens, HealthProvider } from '../health-provider.js';
import type { ProviderRequest } from '../http/http-message.js';
import { oauth1Authorization } from '../oauth1/oauth1-request.js';

/** Total time of a call of a data API, in milliseconds: it may respond with months of measurements. */
const timeoutMs = 30_000;
/** The largest response of a data API, in bytes. */
export const maxApiResponseBytes = 10 * 1024 * 1024;

/** A call to a provider's data API, without its credentials. */
export interface ApiCall {
  readonly method: ProviderRequest['method'];
  /** As `apiUrl` returns it. */
  readonly url: string;
  /** Names in lower case; none of them carries credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
}

/**
 * Builds the request of a call with the user's token. It has `Authorization: Bearer` (RFC 6750 section 2.1), or for
 * OAuth 1.0a a signature over method, URL and form body. A signed request can be sent once only (O1-03).
 *
 * @param provider - the owner of the API
 * @param call - the request without credentials
 * @param tokens - the tokens in force
 * @param now - the current instant
 * @throws {@link RequestInvalidError} as {@link formOf}
 */
export function apiRequest(
  provider: Pick<HealthProvider, 'definition' | 'settings'>,
  call: ApiCall,
  tokens: GrantTokens,
  now: Date,
): ProviderRequest {
  const { definition, settings } = provider;
  const { method, url, headers, body } = call;
  const formBody = formOf(call);
  const authorization =
    definition.oauth === '1.0a'
      ? oauth1Authorization(
          definition,
          settings,
          { method, url, tokens, ...(formBody === undefined ? {} : { formBody }) },
          now,
        )
      : `Bearer ${tokens.accessToken}`;
  return {
    method,
    url,
    headers: { ...headers, authorization },
    ...(body === undefined ? {} : { body }),
    timeoutMs,
    maxResponseBytes: maxApiResponseBytes,
  };
}

/**
 * Returns the body of a call if it is a form. Its parameters are checked and signed (RFC 5849 section 3.4.1.3.1).
 *
 * @throws {@link RequestInvalidError} when it is compressed, or has bytes beyond ASCII: servers could read it
 *   differently
 */
export function formOf({ headers, body }: Pick<ApiCall, 'headers' | 'body'>): string | undefined {
  const isForm = /^\s*application\/x-www-form-urlencoded\s*(;|$)/i.test(headers['content-type'] ?? '');
  if (!isForm || body === undefined) {
    return undefined;
  }
  if (headers['content-encoding'] !== undefined) {
    throw new RequestInvalidError('A form must be sent without content-encoding.');
  }
  if (body.some((byte) => byte > 0x7f)) {
    throw new RequestInvalidError('A form must be percent-encoded ASCII.');
  }
  return body.toString();
}
