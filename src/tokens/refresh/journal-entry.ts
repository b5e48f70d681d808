import { z } from 'zod';
import type { SealContext } from '../../vault/associated-data.js';
import type { VaultService } from '../../vault/vault.service.js';
import type { ConnectionKey, LinkKey, SealedTokenSet } from '../store/connection.js';

/** `rotated`: only the refresh token is new, because the rest of the response was rejected. */
const entryKindSchema = z.enum(['refreshed', 'rotated']);

export type EntryKind = z.output<typeof entryKindSchema>;

/** A refreshed token set that is not committed yet. Its tokens are already sealed for their row. */
const entrySchema = z.object({
  owner: z.base64().transform((text) => Buffer.from(text, 'base64')),
  provider: z.string(),
  id: z.uuid(),
  secretGen: z.int(),
  kind: entryKindSchema.default('refreshed'),
  sealed: z.base64().transform((text) => Buffer.from(text, 'base64')),
  scopesGranted: z.array(z.string()).nullable(),
  scopesUnknown: z.boolean().default(false),
  expiresAt: z.coerce.date().nullable(),
  refreshable: z.boolean(),
  refreshExpiresAt: z.coerce.date().nullable(),
  // Counts from the replay: the age of an entry is unknown, and callers refresh the connection in any case.
  refreshDueInMs: z.number().min(0).nullable().default(0),
});

export type JournalEntry = z.output<typeof entrySchema>;

/** `linkedAt` identifies the link of the tokens; it is absent in entries of an earlier version. */
const ownerSchema = z.object({ userId: z.string(), linkedAt: z.coerce.date().optional() });

export type EntryOwner = z.output<typeof ownerSchema>;

/** Returns an entry as a line. The user's id is sealed too: a file may outlive the user (LOG-08). */
export function formatEntry(vault: VaultService, replaced: LinkKey, tokens: SealedTokenSet, kind: EntryKind): string {
  const { userId, linkedAt, provider, id, secretGen } = replaced;
  const owner = vault.seal({ userId, linkedAt }, ownerContext(replaced)).toString('base64');
  return JSON.stringify({ owner, provider, id, secretGen, kind, ...tokens, sealed: tokens.sealed.toString('base64') });
}

/**
 * Decrypts the owner of an entry.
 *
 * @throws {@link TokenUnreadableError} when it was not sealed for this entry
 */
export async function openOwner(vault: VaultService, entry: JournalEntry): Promise<EntryOwner> {
  return ownerSchema.parse(await vault.open(entry.owner, ownerContext(entry)));
}

/** Seals the owner for the entry alone: no row of a user has an empty id. */
function ownerContext({ id, secretGen }: Pick<ConnectionKey, 'id' | 'secretGen'>): SealContext {
  return { purpose: 'connections.sealed', rowId: id, userId: '', registrationId: '', generation: secretGen };
}

/** Returns the key of an entry. It is unique, because a generation of a row is replaced once. */
export function keyOf(key: Pick<ConnectionKey, 'id' | 'secretGen'>): string {
  return `${key.id}.${key.secretGen}`;
}

/** Returns the complete lines of a file. A last line without a line end is not an entry yet. */
export function linesOf(bytes: Buffer): string[] {
  return bytes.toString('utf8').split('\n').slice(0, -1);
}

/** Returns the entry of a line; `undefined` if the line is damaged. */
export function parseEntry(line: string): JournalEntry | undefined {
  return entrySchema.safeParse(parseJson(line)).data;
}

/** Returns the connection id of a line, without parsing the rest. */
export function connectionIdOf(line: string): string | undefined {
  return /"id":"([0-9a-f-]{36})"/.exec(line)?.[1];
}

/** Returns `undefined` for damaged text: a damaged file must not prevent the start. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
