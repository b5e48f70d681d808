import type { KeyPurpose } from '../../src/vault/associated-data.js';
import { KeyAdministration } from '../../src/vault/key-administration.js';
import type { TestApplication } from './application.js';
import { addRow } from './rows.js';

/** Environments of replicas that look for new keys all the time, and of those that never do. */
export const oftenReloaded = { KEY_RELOAD_SECONDS: '0.1' };
export const neverReloaded = { KEY_RELOAD_SECONDS: '300' };

/** Makes a key and seals under it from now on. Returns its id. */
export async function rotate({ app }: TestApplication, purpose: KeyPurpose): Promise<string> {
  const administration = app.get(KeyAdministration);
  const kid = await administration.add(purpose);
  await administration.promote(kid, 0, true);
  return kid;
}

/**
 * Adds a living replica of version 1.0.0, which writes no generation.
 *
 * @param kids - the keys that it has loaded
 */
export async function addReplica(databaseUrl: string, id: string, kids: readonly string[] = []): Promise<void> {
  await addRow(databaseUrl, 'vault_replicas', { id, kids, live_until: new Date(Date.now() + 3_600_000) });
}
