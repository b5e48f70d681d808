import { LinkVault } from '../../src/links/store/link-vault.js';
import type { StoredLink } from '../../src/links/store/link-store.js';
import { hashOneTimeSecret } from '../../src/links/store/one-time-secret.js';
import type { HandshakeSecrets } from '../../src/provider-kit/handshake.js';
import type { TestApplication } from './application.js';
import { queryDatabase } from './test-database.js';

/** Reads the row of a link. */
export async function findLinkRow(application: TestApplication, state: string) {
  const [row] = await queryDatabase<Omit<StoredLink, 'sealed'> & { sealed: Buffer | null; outcome: string | null }>(
    application.databaseUrl,
    `SELECT id, state_hash AS "stateHash", user_id AS "userId", provider, registration_id AS "registrationId",
       registration_hash AS "registrationHash", return_url AS "returnUrl", scopes, sealed, outcome,
       require_confirmation AS "requireConfirmation", browser_hash AS "browserHash",
       on_account_change AS "onAccountChange", expires_at AS "expiresAt"
     FROM links WHERE state_hash = $1`,
    [hashOneTimeSecret(state)],
  );
  if (row === undefined) {
    throw new Error('There is no such link.');
  }
  return row;
}

/** The links of a user and how they ended, in the order of their start. */
export function linksOf(
  { databaseUrl }: Pick<TestApplication, 'databaseUrl'>,
  user: string,
): Promise<{ id: string; outcome: string | null }[]> {
  return queryDatabase(databaseUrl, 'SELECT id, outcome FROM links WHERE user_id = $1 ORDER BY created_at', [user]);
}

/** Opens what a link keeps sealed, as only the application can. */
export async function openSealed(application: TestApplication, state: string): Promise<HandshakeSecrets> {
  const row = await findLinkRow(application, state);
  return vaultOf(application).openSecrets({ ...row, sealed: row.sealed ?? Buffer.alloc(0) });
}

/** Replaces what a link keeps sealed. */
export async function reseal(application: TestApplication, state: string, secrets: HandshakeSecrets): Promise<void> {
  const row = await findLinkRow(application, state);
  const sealed = vaultOf(application).sealSecrets(row, secrets);
  await queryDatabase(application.databaseUrl, 'UPDATE links SET sealed = $1 WHERE id = $2', [sealed, row.id]);
}

/** Lets a link end so many seconds earlier, as if it had been started then. */
export async function shiftExpiry(application: TestApplication, state: string, seconds: number): Promise<void> {
  const assignment = "expires_at = expires_at - $2 * interval '1 second'";
  const { sealed } = await findLinkRow(application, state);
  if (sealed === null) {
    // A link that has ended keeps nothing sealed.
    const values = [hashOneTimeSecret(state), seconds];
    await queryDatabase(application.databaseUrl, `UPDATE links SET ${assignment} WHERE state_hash = $1`, values);
    return;
  }
  await rewriteLink(application, state, assignment, seconds);
}

/** Alters the row of a link and seals it for the new row, as only the application can. */
export async function rewriteLink(
  application: TestApplication,
  state: string,
  assignment: string,
  ...values: readonly unknown[]
): Promise<void> {
  const secrets = await openSealed(application, state);
  await queryDatabase(application.databaseUrl, `UPDATE links SET ${assignment} WHERE state_hash = $1`, [
    hashOneTimeSecret(state),
    ...values,
  ]);
  await reseal(application, state, secrets);
}

function vaultOf({ app }: TestApplication): LinkVault {
  return app.get(LinkVault, { strict: false });
}
