import { z } from 'zod';
import { InvalidTokenResponseError } from '../errors/provider.errors.js';
import type { GrantTokens } from './health-provider.js';
import type { ProviderDefinition } from './provider-definition.js';
import type { ProviderSettings } from './provider-settings.js';
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
      ? findId(
          await client.getJson(definition, settings, settings.endpoints.accountUrl ?? account.url, tokens),
          account.field,
        )
      : tokens.providerUserId;
  if (id === undefined) {
    throw new InvalidTokenResponseError(`${definition.displayName} did not tell the user's id.`);
  }
  return id;
}

/** A number beyond 2^53 has already lost digits and would name somebody else. */
const idSchema = z.union([z.string().min(1).max(255), z.int().transform(String)]);

/**
 * Follows a dotted path into parsed JSON and returns the id there.
 *
 * @returns the id as text; `undefined` when there is none, or a number that JSON has already rounded
 */
export function findId(body: unknown, path: string): string | undefined {
  let value = body;
  for (const step of path.split('.')) {
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Record<string, unknown>)[step]
        : undefined;
  }
  return idSchema.safeParse(value).data;
}
