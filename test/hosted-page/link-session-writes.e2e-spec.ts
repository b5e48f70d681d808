import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LinkSessionStore, type StoredLinkSession } from '../../src/links/store/link-session-store.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { newUser } from '../support/linking.js';
import { queryDatabase } from '../support/test-database.js';

let application: TestApplication;
let store: LinkSessionStore;

beforeAll(async () => {
  application = await startApplication();
  store = application.app.get(LinkSessionStore, { strict: false });
});
afterAll(() => application.close());

const bytes = (): Buffer => randomBytes(32);

/** Makes a session that ends so many seconds from now, or has ended. */
async function insert(endsInSeconds: number, userId = newUser(), most = 20): Promise<StoredLinkSession> {
  const terms = {
    providers: null,
    returnUrl: null,
    requireConfirmation: false,
    connectionAccess: 'none' as const,
    browserHash: null,
  };
  const expiresAt = new Date(Date.now() + endsInSeconds * 1_000);
  const session = { tokenHash: bytes(), userId, ...terms, expiresAt, mac: bytes() };
  await store.insert(session, most);
  return session;
}

describe('the row of a link session (AR-05)', () => {
  it('is found and bound while it is open, by the first browser alone', async () => {
    const { tokenHash } = await insert(600);
    expect(await store.findUnopened(tokenHash)).toMatchObject({ tokenHash });
    const [first, second] = [bytes(), bytes()];
    expect(await store.findBound(tokenHash, first)).toBeUndefined();

    expect(await store.bind(tokenHash, first, bytes())).toBe(true);

    expect(await store.findUnopened(tokenHash)).toBeUndefined();
    expect(await store.bind(tokenHash, second, bytes())).toBe(false);
    expect(await store.findBound(tokenHash, first)).toMatchObject({ browserHash: first });
    expect(await store.findBound(tokenHash, second)).toBeUndefined();
  });

  it('is neither found nor bound when it has ended, as between the look at it and its opening', async () => {
    const { tokenHash } = await insert(-1);
    expect(await store.findUnopened(tokenHash)).toBeUndefined();
    expect(await store.bind(tokenHash, bytes(), bytes())).toBe(false);
  });

  it('is not found by its own browser when it has ended', async () => {
    const { tokenHash, userId } = await insert(600);
    const browserHash = bytes();
    expect(await store.bind(tokenHash, browserHash, bytes())).toBe(true);
    await queryDatabase(application.databaseUrl, 'UPDATE link_sessions SET expires_at = now() WHERE user_id = $1', [
      userId,
    ]);
    expect(await store.findBound(tokenHash, browserHash)).toBeUndefined();
  });

  it('makes room for the next one of its user when it is the oldest, and for no other user (AR-28)', async () => {
    const [userId, other] = [newUser(), newUser()];
    const untouched = await insert(600, other);
    const sessions: StoredLinkSession[] = [];
    for (let count = 0; count < 5; count += 1) {
      sessions.push(await insert(600, userId, 3));
    }
    const open = await Promise.all(
      sessions.map(async ({ tokenHash }) => (await store.findUnopened(tokenHash)) !== undefined),
    );
    expect(open).toEqual([false, false, true, true, true]);
    expect(await store.findUnopened(untouched.tokenHash)).toBeDefined();
  });
});
