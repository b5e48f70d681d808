import { InvalidTokenResponseError } from '../../errors/provider.errors.js';
import type { GrantTokens } from '../health-provider.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import type { ProviderSettings } from '../definition/provider-settings.js';
import { fieldAt } from '../responses/json-field.js';
import type { TokenEndpointClient } from './token-endpoint-client.js';
import { readId } from '../responses/json-field.js';

/**
 * Returns the user's id at the provider: from the token response, or by one authenticated GET, as the definition says;
 * `undefined` where it says that there is no way.
 *
 * @throws {@link InvalidTokenResponseError} when the response has no id
 * @throws any provider error when the call fails
 */
export async function readAccountId(
  definition: ProviderDefinition,
  settings: ProviderSettings,
  client: TokenEndpointClient,
  tokens: GrantTokens,
): Promise<string | undefined> {
  const { account } = definition;
  if (account.from === 'nowhere') {
    return undefined;
  }
  const id =
    account.from === 'api'
      ? readId(
          fieldAt(
            await client.getJson(definition, settings, settings.endpoints.accountUrl ?? account.url, tokens),
            account.field,
          ),
        )
      : tokens.providerUserId;
  if (id === undefined) {
    throw new InvalidTokenResponseError(`${definition.displayName} did not return the user's id.`);
  }
  return id;
}
