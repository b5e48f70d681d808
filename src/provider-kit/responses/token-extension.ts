import type { ProviderResponse } from '../http/http-message.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import { parseJsonBody } from './response-body.js';
import { ownField } from './json-field.js';
import { TokenResponse } from '../token-response.js';

/**
 * Reads the response to a refresh that brings no tokens, but renews the lifetime of the current access token.
 *
 * @param response - a response to a refresh with status 2xx that is no error
 * @param definition - says with `refreshExtendsToken` whether the provider does this; has the lifetime of an access
 *   token
 * @param accessToken - the current one when the request left
 * @param requestedAt - the instant just before the request left
 * @returns a token response with the same access token; `undefined` when the provider does not do this. Also when the
 *   response has an access token of its own, is no JSON object, or lacks the provider's sign of success.
 */
export function parseTokenExtension(
  response: ProviderResponse,
  definition: OAuth2Definition,
  accessToken: string,
  requestedAt: Date,
): TokenResponse | undefined {
  if (definition.refreshExtendsToken !== true) {
    return undefined;
  }
  const body = parseJsonBody(response);
  const { status } = definition.responseDialect ?? {};
  const saysSuccess = status === undefined || ownField(body, status.field) === status.success;
  if (body === undefined || Array.isArray(body) || !saysSuccess || ownField(body, 'access_token') !== undefined) {
    return undefined;
  }
  const expiresInSeconds = definition.accessTokenLifetimeSeconds;
  return new TokenResponse({
    accessToken,
    requestedAt,
    ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
  });
}
