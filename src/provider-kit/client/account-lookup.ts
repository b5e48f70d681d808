import { InvalidTokenResponseError } from '../../errors/provider.errors.js';
import type { GrantTokens } from '../health-provider.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import type { SettingsOf } from '../definition/provider-settings.js';
import { fieldAt, readId } from '../responses/json-field.js';
import type { OAuthClient } from './oauth-client.js';

/**
 * Returns the user's id at the provider. It is from the token response, or from one authenticated GET, as the
 * definition says; `undefined` if there is no way to get it.
 *
 * @throws {@link InvalidTokenResponseError} when the response has no id
 * @throws any provider error when the call fails
 */
export async function readAccountId<Definition extends ProviderDefinition>(
  definition: Definition,
  settings: SettingsOf<Definition>,
  client: OAuthClient<Definition>,
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
