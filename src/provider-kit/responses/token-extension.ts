import type { ProviderResponse } from '../http/http-message.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import { parseJsonBody } from './response-body.js';
import { ownField } from './json-field.js';
import { TokenResponse } from '../token-response.js';

/**
 * Reads the response to a refresh that brings no tokens but gives the access token in use its documented life again.
 *
 * @param response - a response to a refresh with status 2xx that is no error
 * @param definition - says with `refreshExtendsToken` whether the provider does this, and how long an access token
 *   lives
 * @param accessToken - the one in use when the request left
 * @param requestedAt - the instant just before the request left
 * @returns a token response with the same access token; `undefined` when the provider does not do this, or the response
 *   has an access token of its own, is no JSON object, or does not say that it succeeded where the provider's responses
 *   do
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
