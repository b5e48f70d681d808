import { AuthorizationFailedError } from '../../errors/authorization.errors.js';
import { bearerRequest } from '../requests/bearer-request.js';
import { formRequest } from '../requests/form-request.js';
import type { GrantTokens } from '../health-provider.js';
import type { ProviderRequest } from '../http/http-message.js';
import { percentEncode } from '../http/percent-encoding.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import type { ProviderSettings } from '../definition/provider-settings.js';
import { requestTimeoutMs } from '../requests/request-timeout.js';

/**
 * Returns the URL that ends a grant, with `{clientId}` and `{providerUserId}` filled in.
 *
 * @param definition - the provider's facts; must have a `revocation`
 * @param settings - endpoints and client id in force
 * @param tokens - the tokens in force
 * @throws {@link AuthorizationFailedError} when the URL needs the user's id and the grant has none
 * @throws Error when the definition has no revocation
 */
export function revocationUrl(definition: ProviderDefinition, settings: ProviderSettings, tokens: GrantTokens): string {
  const template = settings.endpoints.revokeUrl;
  if (definition.revocation === undefined || template === undefined) {
    throw new Error(`Provider "${definition.slug}" offers no way to revoke a grant.`);
  }
  const values = { clientId: settings.clientId, providerUserId: tokens.providerUserId };
  return fillTemplate(definition, template, values);
}

/**
 * Builds the request that ends a grant by a token alone, with no proof of the client.
 *
 * @param definition - the provider's facts
 * @param url - as {@link revocationUrl} returns it
 * @param tokens - the tokens in force
 * @throws Error when the definition names a proof that its OAuth version does not have, or `custom`
 */
export function tokenRevocationRequest(
  definition: ProviderDefinition,
  url: string,
  tokens: GrantTokens,
): ProviderRequest {
  const { revocation } = definition;
  switch (revocation?.proof) {
    case 'bearer':
      return bearerRequest(definition, revocation.method, url, tokens);
    case 'token':
      return formRequest(definition, url, tokenFields(tokens));
    case 'query': {
      const parameter = `${percentEncode(revocation.parameter)}=${percentEncode(tokens.accessToken)}`;
      const separator = url.includes('?') ? '&' : '?';
      const { method } = revocation;
      return { method, url: `${url}${separator}${parameter}`, timeoutMs: requestTimeoutMs(definition) };
    }
    case 'client':
    case 'signature':
    case 'custom': // The provider's class overrides `revoke`.
    case undefined:
      throw new Error(
        `Provider "${definition.slug}": proof "${revocation?.proof}" does not go with OAuth ${definition.oauth}.`,
      );
  }
}

/** Returns the fields that name a grant (RFC 7009 section 2.1): the refresh token, which ends the access token too. */
export function tokenFields(tokens: GrantTokens): Readonly<Record<string, string>> {
  return tokens.refreshToken === undefined
    ? { token: tokens.accessToken, token_type_hint: 'access_token' }
    : { token: tokens.refreshToken, token_type_hint: 'refresh_token' };
}

/**
 * Fills `{name}` in a URL, percent-encoded. The braces may be percent-encoded themselves, as `URL` writes them in a
 * path.
 */
function fillTemplate(
  definition: ProviderDefinition,
  template: string,
  values: Readonly<Record<string, string | undefined>>,
): string {
  return template.replace(
    /\{(\w+)\}|%7B(\w+)%7D/g,
    (_match, plain: string | undefined, encoded: string | undefined) => {
      const name = plain ?? encoded ?? '';
      const value = values[name];
      if (value === undefined) {
        throw new AuthorizationFailedError(`${definition.displayName} cannot be called: the ${name} is unknown.`);
      }
      return percentEncode(value);
    },
  );
}
