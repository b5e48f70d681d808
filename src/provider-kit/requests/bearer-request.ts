import type { GrantTokens } from '../health-provider.js';
import type { ProviderRequest } from '../http/http-message.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import { requestTimeoutMs } from './request-timeout.js';

/**
 * Builds a request without a body that carries the user's access token in the header.
 *
 * @param definition - sets the total time
 * @param method - HTTP method
 * @param url - absolute URL
 * @param tokens - the tokens in force; only the access token is sent
 * @see RFC 6750 section 2.1, https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 */
export function bearerRequest(
  definition: ProviderDefinition,
  method: ProviderRequest['method'],
  url: string,
  tokens: GrantTokens,
): ProviderRequest & Required<Pick<ProviderRequest, 'headers'>> {
  const headers = { authorization: `Bearer ${tokens.accessToken}` };
  return { method, url, headers, timeoutMs: requestTimeoutMs(definition) };
}

/**
 * Builds a POST of JSON that carries the user's access token in the header and asks for JSON.
 *
 * @param definition - sets the total time
 * @param url - absolute URL
 * @param tokens - the tokens in force; only the access token is sent
 * @param json - the body
 */
export function bearerJsonRequest(
  definition: ProviderDefinition,
  url: string,
  tokens: GrantTokens,
  json: object,
): ProviderRequest {
  const request = bearerRequest(definition, 'POST', url, tokens);
  const headers = { accept: 'application/json', 'content-type': 'application/json', ...request.headers };
  return { ...request, headers, body: JSON.stringify(json) };
}
