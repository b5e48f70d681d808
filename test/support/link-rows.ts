import { hashOneTimeSecret } from '../../src/links/one-time-secret.js';
import type { HandshakeSecrets } from '../../src/provider-kit/handshake.js';
import type { SealContext } from '../../src/vault/associated-data.js';
import { VaultService } from '../../src/vault/vault.service.js';
import type { TestApplication } from './application.js';
import { queryDatabase } from './test-database.js';

/** Reads the row of a link. */
export async function findLinkRow(application: TestApplication, state: string) {
  const [row] = await queryDatabase<{
    id: string;
    userId: string;
    registrationId: string;
    sealed: Buffer | null;
    outcome: string | null;
  }>(
    application.databaseUrl,
    'SELECT id, user_id AS "userId", registration_id AS "registrationId", sealed, outcome FROM links WHERE state_hash = $1',
    [hashOneTimeSecret(state)],
  );
  if (row === undefined) {
    throw new Error('There is no such link.');
  }
  return row;
}

/** Opens what a link keeps sealed, as only the application can. */
export async function openSealed(application: TestApplication, state: string): Promise<HandshakeSecrets> {
  const { id, userId, registrationId, sealed } = await findLinkRow(application, state);
  const context: SealContext = { purpose: 'links.sealed', rowId: id, userId, registrationId, generation: 0 };
  return (await application.app.get(VaultService).open(sealed ?? Buffer.alloc(0), context)) as HandshakeSecrets;
}

/** Replaces what a link keeps sealed. */
export async function reseal(application: TestApplication, state: string, secrets: HandshakeSecrets): Promise<void> {
  const { id, userId, registrationId } = await findLinkRow(application, state);
  const context: SealContext = { purpose: 'links.sealed', rowId: id, userId, registrationId, generation: 0 };
  const sealed = application.app.get(VaultService).seal(secrets, context);
  await queryDatabase(application.databaseUrl, 'UPDATE links SET sealed = $1 WHERE id = $2', [sealed, id]);
}

/** Lets a link end so many seconds earlier. */
export async function shiftExpiry(application: TestApplication, state: string, seconds: number): Promise<void> {
  await queryDatabase(
    application.databaseUrl,
    "UPDATE links SET expires_at = expires_at - $1 * interval '1 second' WHERE state_hash = $2",
    [seconds, hashOneTimeSecret(state)],
  );
}
