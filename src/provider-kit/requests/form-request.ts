import type { ProviderRequest } from '../http/http-message.js';
import { formBody } from '../http/percent-encoding.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import { requestTimeoutMs } from './request-timeout.js';

/**
 * Builds a POST of a form that asks for JSON.
 *
 * @param definition - sets the total time
 * @param url - absolute URL
 * @param fields - names and values in the order to send them; a field that is `undefined` is left out
 * @param headers - further headers; they win over `accept` and `content-type`
 * @see RFC 6749 appendix B, https://www.rfc-editor.org/rfc/rfc6749#appendix-B
 */
export function formRequest(
  definition: ProviderDefinition,
  url: string,
  fields: Readonly<Record<string, string | undefined>>,
  headers: Readonly<Record<string, string>> = {},
): ProviderRequest {
  return {
    method: 'POST',
    url,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: formBody(fields),
    timeoutMs: requestTimeoutMs(definition),
  };
}
