import { AuthorizationFailedError } from '../../errors/authorization.errors.js';
import { bearerRequest } from '../requests/bearer-request.js';
import type { ClientAuthentication } from '../oauth2/client-authentication.js';
import { formRequest } from '../requests/form-request.js';
import type { GrantTokens } from '../health-provider.js';
import type { ProviderRequest } from '../http/http-client.js';
import { oauth1Request } from '../oauth1/oauth1-request.js';
import { percentEncode } from '../http/percent-encoding.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import type { ProviderSettings } from '../definition/provider-settings.js';
import { requestTimeoutMs } from '../requests/request-timeout.js';

/**
 * Builds the request that ends a grant, with the proof that the definition names.
 *
 * A form carries the refresh token where there is one, since that ends the access token too.
 *
 * @param definition - the provider's facts; must have a `revocation`
 * @param settings - endpoints and client credentials in force; `{clientId}` and `{providerUserId}` in the URL are filled in
 * @param tokens - the tokens in force; `tokenSecret` is needed for OAuth 1.0a
 * @param clientAuthentication - builds the form for proof `client`
 * @param now - the current instant
 * @throws {@link AuthorizationFailedError} when the URL needs the user's id and the grant has none
 * @throws Error when the definition has no revocation, one that does not go with its OAuth version, or one of the provider's own
 * @see RFC 7009 section 2.1, https://www.rfc-editor.org/rfc/rfc7009#section-2.1
 */
export async function revocationRequest(
  definition: ProviderDefinition,
  settings: ProviderSettings,
  tokens: GrantTokens,
  clientAuthentication: ClientAuthentication,
  now: Date,
): Promise<ProviderRequest> {
  const { revocation } = definition;
  const template = settings.endpoints.revokeUrl;
  if (revocation === undefined || template === undefined) {
    throw new Error(`Provider "${definition.slug}" offers no way to revoke a grant.`);
  }
  const values = { clientId: settings.clientId, providerUserId: tokens.providerUserId };
  const url = fillTemplate(definition, template, values);
  const { method } = revocation;
  switch (revocation.proof) {
    case 'bearer':
      return bearerRequest(definition, method, url, tokens);
    case 'token':
      return formRequest(definition, url, tokenFields(tokens));
    case 'query': {
      const parameter = `${percentEncode(revocation.parameter)}=${percentEncode(tokens.accessToken)}`;
      const separator = url.includes('?') ? '&' : '?';
      return { method, url: `${url}${separator}${parameter}`, timeoutMs: requestTimeoutMs(definition) };
    }
    case 'client':
      if (definition.oauth === '2.0') {
        const { clientAuthentication: kind = definition.clientAuthentication } = revocation;
        const form = { url, fields: tokenFields(tokens) };
        return clientAuthentication.form({ ...definition, clientAuthentication: kind }, settings, form, now);
      }
      break;
    case 'signature':
      if (definition.oauth === '1.0a') {
        return oauth1Request(definition, settings, { method, url, tokens }, now);
      }
      break;
    case 'custom': // The provider's class overrides `revoke`.
      break;
  }
  throw new Error(
    `Provider "${definition.slug}": proof "${revocation.proof}" does not go with OAuth ${definition.oauth}.`,
  );
}

function tokenFields(tokens: GrantTokens): Readonly<Record<string, string>> {
  return tokens.refreshToken === undefined
    ? { token: tokens.accessToken, token_type_hint: 'access_token' }
    : { token: tokens.refreshToken, token_type_hint: 'refresh_token' };
}

/** Fills `{name}` in a URL, percent-encoded. The braces may be percent-encoded themselves, as `URL` writes them in a path. */
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
