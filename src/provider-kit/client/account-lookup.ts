import { z } from 'zod';
import { InvalidTokenResponseError } from '../../errors/provider.errors.js';
import type { GrantTokens } from '../health-provider.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import type { ProviderSettings } from '../definition/provider-settings.js';
import { fieldAt } from '../responses/response-body.js';
import type { TokenEndpointClient } from './token-endpoint-client.js';

/**
 * Returns the user's id at the provider: from the token answer, or by one authenticated GET, as the definition says;
 * `undefined` where it says that there is no way.
 *
 * @throws {@link InvalidTokenResponseError} when the answer has no id
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

/** A number beyond 2^53 that was not kept as text has already lost digits and would name somebody else. */
const idSchema = z.union([z.string().min(1).max(255), z.int().transform(String)]);

/** Returns an id as text; `undefined` when the value is none, or a number that JSON has already rounded. */
export function readId(value: unknown): string | undefined {
  return idSchema.safeParse(value).data;
}
