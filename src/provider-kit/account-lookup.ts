import { InvalidTokenResponseError } from '../errors/provider.errors.js';
import type { ProviderDefinition } from './provider-definition.js';
import type { ProviderSettings } from './provider-settings.js';
import type { TokenEndpointClient } from './token-endpoint-client.js';
import type { TokenGrant } from './token-grant.js';

/**
 * Returns the user's id at the provider: from the token answer, or by one authenticated GET, as the definition says.
 *
 * @throws {@link InvalidTokenResponseError} when the answer has no id
 * @throws any provider error when the call fails
 */
export async function readAccountId(
  definition: ProviderDefinition,
  settings: ProviderSettings,
  client: TokenEndpointClient,
  grant: TokenGrant,
): Promise<string> {
  const { account } = definition;
  const id =
    account.from === 'token-response'
      ? grant.providerUserId
      : readId(
          await client.getJson(definition, settings, settings.endpoints.accountUrl ?? account.url, grant),
          account.field,
        );
  if (id === undefined) {
    throw new InvalidTokenResponseError(
      `${definition.displayName} did not tell the user's id (field "${account.field}").`,
    );
  }
  return id;
}

function readId(body: unknown, field: string): string | undefined {
  const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[field] : undefined;
  return (typeof value === 'string' && value !== '') || typeof value === 'number' ? String(value) : undefined;
}
