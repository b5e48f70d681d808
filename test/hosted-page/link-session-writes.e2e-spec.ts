import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hashOneTimeSecret } from '../../src/links/store/one-time-secret.js';
import { LinkSessionStore, type StoredLinkSession } from '../../src/links/store/link-session-store.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { newUser } from '../support/linking.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { createSession, type LinkSession, openSession, startOnPage } from '../support/hosted-page.js';
import { changeRows, countRows, deleteRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';

const returnUrl = 'https://app.example.com/devices';
/** Another page that is registered, so that only the binding keeps a link from ending there. */
const evilUrl = 'https://evil.example/steal';

let application: TestApplication;
let store: LinkSessionStore;

beforeAll(async () => {
  application = await startApplication({ environment: { RETURN_URLS: `${returnUrl},${evilUrl}` } });
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
    await changeRows(application.databaseUrl, 'link_sessions', { expires_at: 'now' }, { user_id: userId });
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

describe('the row of a link session that somebody else has written', () => {
  const body = { providers: ['whoop'], return_url: returnUrl, require_confirmation: true };

  /** Makes a session and opens it in a browser. */
  async function openNew() {
    const session = await createSession(application, newUser(), body);
    const browser = application.newBrowser();
    return { session, browser, response: await openSession(browser, session) };
  }

  /** Alters the row of a session. Returns its user, who may be another one now. */
  async function alter({ token }: LinkSession, assignment: string): Promise<string> {
    const [row] = await queryDatabase<{ user_id: string }>(
      application.databaseUrl,
      `UPDATE link_sessions SET ${assignment} WHERE token_hash = $1 RETURNING user_id`,
      [hashOneTimeSecret(token)],
    );
    return row?.user_id ?? '';
  }

  const alterations: [string, string][] = [
    ['user', `user_id = 'altered-' || user_id`],
    ['providers', 'providers = NULL'],
    ['return_url', `return_url = '${evilUrl}'`],
    ['require_confirmation', 'require_confirmation = false'],
    ['access to connections', `connection_access = 'read'`],
    ['end', `expires_at = expires_at + interval '1 day'`],
    ['binding, taken away', 'mac = NULL'],
  ];

  it.each(alterations)(
    'does not open when its %s was altered, and leaves an entry (AR-27)',
    async (_name, assignment) => {
      const session = await createSession(application, newUser(), body);
      const user = await alter(session, assignment);

      const response = await openSession(application.newBrowser(), session);

      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.headers['set-cookie']).toBeUndefined();
      expect(await auditEntriesOf(application, user)).toEqual(['access.denied denied browser TOKEN_UNREADABLE']);
    },
  );

  it('starts a link when nothing was altered after it was opened (AR-27)', async () => {
    const { session, browser } = await openNew();
    expect((await startOnPage(browser, 'whoop', session)).status).toBe(303);
  });

  it.each(alterations)(
    'starts no link when its %s was altered after it was opened (AR-27)',
    async (_name, assignment) => {
      const { session, browser, response } = await openNew();
      expect(response.status).toBe(303);
      await alter(session, assignment);
      const before = await countRows(application.databaseUrl, 'links');

      const started = await startOnPage(browser, 'whoop', session);

      expect(started.status).toBeGreaterThanOrEqual(400);
      expect(await countRows(application.databaseUrl, 'links')).toBe(before);
    },
  );

  it('does not let itself be given to another browser (AR-27)', async () => {
    const [opened, other] = [await openNew(), await openNew()];
    const secrets = [opened, other].map(({ response }) => String(response.headers['set-cookie']));
    const [victims, mine] = secrets.map((cookie) => /=([\w-]{43});/.exec(cookie)?.[1] ?? '');
    await deleteRows(application.databaseUrl, 'link_sessions', { browser_hash: hashOneTimeSecret(mine ?? '') });
    const moved = await queryDatabase(
      application.databaseUrl,
      'UPDATE link_sessions SET browser_hash = $1 WHERE browser_hash = $2 RETURNING 1',
      [hashOneTimeSecret(mine ?? ''), hashOneTimeSecret(victims ?? '')],
    );
    expect(moved).toHaveLength(1);

    const start = (secret: string | undefined) =>
      startOnPage(application.newBrowser(), 'whoop', opened.session).set(
        'cookie',
        `cufflink-session-${opened.session.handle}=${secret}`,
      );
    expect((await start(mine)).status).toBeGreaterThanOrEqual(400);
    // The row takes the cookie: only its binding stands in the way.
    await changeRows(
      application.databaseUrl,
      'link_sessions',
      { browser_hash: hashOneTimeSecret(victims ?? '') },
      { browser_hash: hashOneTimeSecret(mine ?? '') },
    );
    expect((await start(victims)).status).toBe(303);
  });
});
