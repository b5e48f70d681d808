import { z } from 'zod';
import { readPlainRow, type ReadRow } from './row.js';

/**
 * A connection with its credentials, as Nango's API returns and accepts it (`GET` and `POST /connections`). Only fields
 * about tokens are read.
 */
const connection = z.object({
  connection_id: z.string().optional(),
  provider_config_key: z.string(),
  end_user: z.object({ id: z.string().optional() }).nullish(),
  tags: z.record(z.string(), z.unknown()).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  credentials: z.discriminatedUnion('type', [
    z.object({
      type: z.literal('OAUTH2'),
      access_token: z.string().nullish(),
      refresh_token: z.string().nullish(),
      expires_at: z.union([z.string(), z.number()]).nullish(),
      raw: z.object({ scope: z.string().optional().catch(undefined) }).nullish(),
      config_override: z.object({ client_id: z.string().nullish() }).nullish(),
    }),
    z.object({ type: z.literal('OAUTH1'), oauth_token: z.string(), oauth_token_secret: z.string() }),
  ]),
});

/**
 * Reads a connection of Nango.
 *
 * @param record - from outside
 * @param slugs - the slug of each integration (`provider_config_key`) that has another name here
 */
export function readNangoRow(record: unknown, slugs: ReadonlyMap<string, string>): ReadRow {
  const result = connection.safeParse(record);
  if (!result.success) {
    const fields = result.error.issues.map(({ path }) => path.join('.') || 'the row');
    return { objection: `wrong or missing: ${[...new Set(fields)].join(', ')}` };
  }
  const { provider_config_key: integration, credentials, metadata } = result.data;
  const common = {
    user_id: findUser(result.data),
    provider: slugs.get(integration) ?? integration,
    metadata: metadata === null || metadata === undefined ? undefined : toTexts(metadata),
  };
  if (credentials.type === 'OAUTH1') {
    const { oauth_token: accessToken, oauth_token_secret: tokenSecret } = credentials;
    return readRow({ ...common, access_token: accessToken, token_secret: tokenSecret });
  }
  return readRow({
    ...common,
    access_token: credentials.access_token,
    refresh_token: credentials.refresh_token,
    expires_at: credentials.expires_at,
    scopes: credentials.raw?.scope,
    client_id: credentials.config_override?.client_id,
  });
}

/** Finds the user. Since 2024 Nango's id of a connection is random. Earlier ids are mostly the company's user id. */
function findUser({ end_user: user, tags, connection_id: id }: z.output<typeof connection>): unknown {
  return user?.id ?? tags?.['end_user_id'] ?? id;
}

function toTexts(metadata: Readonly<Record<string, unknown>>): Record<string, string> {
  const entries = Object.entries(metadata).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

function readRow(fields: Readonly<Record<string, unknown>>): ReadRow {
  return readPlainRow(Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)));
}
