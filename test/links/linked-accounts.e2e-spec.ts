import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import { RevocationOutbox } from '../../src/tokens/revocation/revocation-outbox.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { linkAccount, pathOf, startLink } from '../support/linking.js';
import { changeRows, makeRevocationsDue } from '../support/rows.js';
import { describeOnPlain } from '../support/plain-postgres.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { isConnected } from '../support/connection-bodies.js';

/**
 * Responds only when so many have asked, so that none sees what another is about to write. Later requests do not wait.
 */
class SlowConnectionStore extends ConnectionStore {
  static expected = 0;
  private static waiting: (() => void)[] = [];

  override async isAccountTaken(digest: Buffer, userId: string): Promise<boolean> {
    const isTaken = await super.isAccountTaken(digest, userId);
    const { waiting } = SlowConnectionStore;
    if (waiting.length + 1 < SlowConnectionStore.expected) {
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      SlowConnectionStore.expected = 0;
      SlowConnectionStore.waiting = [];
      waiting.forEach((resolve) => resolve());
    }
    return isTaken;
  }
}

let application: TestApplication;
let users = 0;

beforeAll(async () => {
  application = await startApplication({ environment: { ACCOUNT_SHARING: undefined } });
});
afterAll(() => application.close());

function newUser(): string {
  users += 1;
  return `user-${users}`;
}

/** An account that no other test uses. */
function newAccount(): string {
  users += 1;
  return String(800_000 + users);
}

async function link(user: string, slug: string, account: string, body: object = {}, instance = application) {
  const { linkWebUrl } = await startLink(instance, user, slug, body);
  const response = await instance.browser.get(pathOf(await consent(linkWebUrl, { account })));
  return { status: response.status, code: (response.body as { code?: string }).code };
}

function liveGrants(slug: string, account: string): number {
  return application.sandbox
    .provider(slug)
    .liveGrants()
    .filter(({ accountId }) => accountId === account).length;
}

async function readToken(user: string, slug: string, { api } = application): Promise<string> {
  const response = await api.get(`/v1/users/${user}/connections/${slug}/token`).expect(200);
  const { access_token: bearer, token } = response.body as { access_token?: string; token?: string };
  return bearer ?? String(token);
}

const taken = { status: 409, code: 'ACCOUNT_ALREADY_LINKED' };
const slugs = ['whoop', 'fitbit', 'garmin-oauth1'];

describe('an account that another user has connected', () => {
  it.each(slugs)('is refused at %s, and the first connection stays (AR-23)', async (slug) => {
    const [first, second, account] = [newUser(), newUser(), newAccount()];
    await linkAccount(application, first, slug, { account });
    const token = await readToken(first, slug);

    expect(await link(second, slug, account)).toEqual(taken);

    expect(await isConnected(application, second, slug)).toBe(false);
    expect(await auditEntriesOf(application, second)).toContain('link.failed denied browser ACCOUNT_ALREADY_LINKED');
    expect(await readToken(first, slug)).toBe(token);
    expect(application.sandbox.provider(slug).isLiveAccessToken(token)).toBe(true);
    expect(liveGrants(slug, account)).toBeGreaterThanOrEqual(1);
  });

  it('is refused to the return_url with its code, and to the confirmation (AR-23)', async () => {
    const [first, second, account] = [newUser(), newUser(), newAccount()];
    await linkAccount(application, first, 'whoop', { account });
    const body = { return_url: 'http://localhost:8080/done', require_confirmation: true };
    const { linkWebUrl } = await startLink(application, second, 'whoop', body);
    const back = await application.browser.get(pathOf(await consent(linkWebUrl, { account }))).expect(303);
    const { searchParams } = new URL(String(back.headers['location']));

    const response = await application.api
      .post(`/v1/links/${searchParams.get('link_id')}/confirm`)
      .send({ user_id: second, confirmation_code: searchParams.get('confirmation_code') })
      .expect(409);

    expect(response.body).toMatchObject({ code: 'ACCOUNT_ALREADY_LINKED', act: 'user' });
  });

  it('may be connected once the other user has unlinked it, or needs a new link (AR-23)', async () => {
    const [first, second, third, account] = [newUser(), newUser(), newUser(), newAccount()];
    await linkAccount(application, first, 'whoop', { account });
    await application.api.delete(`/v1/users/${first}/connections/whoop`).expect(200);
    expect(await link(second, 'whoop', account)).toMatchObject({ status: 200 });

    await changeRows(application.databaseUrl, 'connections', { status: 'needs_relink' }, { user_id: second });
    expect(await link(third, 'whoop', account)).toMatchObject({ status: 200 });
    // The dead connection cannot come back to life on it.
    expect(await link(second, 'whoop', account)).toEqual(taken);
  });

  it('is another one at another provider, and may be connected', async () => {
    const [first, second, account] = [newUser(), newUser(), newAccount()];
    expect(await link(first, 'whoop', account)).toMatchObject({ status: 200 });
    expect(await link(second, 'oura', account)).toMatchObject({ status: 200 });
  });

  it('with the defense off (ACCOUNT_SHARING=allow) is connected twice (AR-23)', async () => {
    const { databaseUrl, rootKey, sandbox, clock } = application;
    const sharing = await startApplication({
      databaseUrl,
      rootKey,
      sandbox,
      clock,
      environment: { ACCOUNT_SHARING: 'allow' },
    });
    try {
      const [first, second, third, account] = [newUser(), newUser(), newUser(), newAccount()];
      expect(await link(first, 'whoop', account, {}, sharing)).toMatchObject({ status: 200 });
      expect(await link(second, 'whoop', account, {}, sharing)).toMatchObject({ status: 200 });
      // Those that were shared count when sharing is denied again.
      expect(await link(third, 'whoop', account)).toEqual(taken);
    } finally {
      await sharing.close();
    }
  });

  describe('by several users at the same moment', () => {
    const count = 8;

    async function linkAtOnce(dropIndex: boolean): Promise<number> {
      const racing = await startApplication({
        environment: { ACCOUNT_SHARING: 'deny' },
        override: (builder) =>
          builder
            .overrideProvider(ConnectionStore)
            .useFactory({ factory: (database: Database) => new SlowConnectionStore(database), inject: [Database] }),
      });
      try {
        if (dropIndex) {
          await queryDatabase(racing.databaseUrl, 'DROP INDEX connections_one_per_account');
        }
        SlowConnectionStore.expected = count;
        const names = Array.from({ length: count }, newUser);
        const responses = await Promise.all(names.map((user) => link(user, 'whoop', '4711', {}, racing)));
        expect(responses.every(({ status, code }) => status === 200 || code === taken.code)).toBe(true);
        return responses.filter(({ status }) => status === 200).length;
      } finally {
        await racing.close();
      }
    }

    it('is connected by one of them (AR-23)', async () => {
      expect(await linkAtOnce(false)).toBe(1);
    });

    describeOnPlain('a unique index is the guard on one server only')('with the defense off (no unique index)', () => {
      it('is connected by all of them (AR-23)', async () => {
        expect(await linkAtOnce(true)).toBe(count);
      });
    });
  });

  it('is in the database as a keyed digest only (CR-11)', async () => {
    const [user, account] = [newUser(), newAccount()];
    await linkAccount(application, user, 'whoop', { account });
    const [row] = await queryDatabase<{ digest: Buffer; text: string }>(
      application.databaseUrl,
      'SELECT account_digest AS digest, to_jsonb(connections)::text AS text FROM connections WHERE user_id = $1',
      [user],
    );
    expect(row?.digest).toHaveLength(32);
    expect(row?.text).not.toContain(account);
  });
});

describe('a new link of a connected user', () => {
  it.each(slugs)('that brings the same account at %s replaces the tokens (AR-24)', async (slug) => {
    const [user, account] = [newUser(), newAccount()];
    const id = await linkAccount(application, user, slug, { account });
    const token = await readToken(user, slug);

    expect(await linkAccount(application, user, slug, { account })).toBe(id);

    expect(await readToken(user, slug)).not.toBe(token);
  });

  it.each(['whoop', 'fitbit', 'oura'])(
    'that brings another account at %s is refused; the connection stays, the new grant is ended (AR-24)',
    async (slug) => {
      const [user, mine, other] = [newUser(), newAccount(), newAccount()];
      await linkAccount(application, user, slug, { account: mine });
      const token = await readToken(user, slug);

      expect(await link(user, slug, other)).toEqual({ status: 409, code: 'ACCOUNT_CHANGED' });
      expect(await auditEntriesOf(application, user)).toContain('link.failed denied browser ACCOUNT_CHANGED');

      expect(await readToken(user, slug)).toBe(token);
      expect(application.sandbox.provider(slug).isLiveAccessToken(token)).toBe(true);
      expect(liveGrants(slug, other)).toBe(0);
    },
  );

  it('that may replace the account does, and the old grant is ended (AR-24)', async () => {
    const [user, mine, other, next] = [newUser(), newAccount(), newAccount(), newUser()];
    const id = await linkAccount(application, user, 'whoop', { account: mine });
    const token = await readToken(user, 'whoop');

    expect(await link(user, 'whoop', other, { on_account_change: 'replace' })).toMatchObject({ status: 200 });

    const response = await application.api.get(`/v1/users/${user}/connections/whoop`).expect(200);
    expect((response.body as { connection_id: string }).connection_id).toBe(id);
    expect(await readToken(user, 'whoop')).not.toBe(token);
    expect(application.sandbox.provider('whoop').isLiveAccessToken(token)).toBe(false);
    expect(liveGrants('whoop', other)).toBe(1);
    // The old account is free.
    expect(await link(next, 'whoop', mine)).toMatchObject({ status: 200 });
  });

  it.each([
    ['the grant of the old account', 'replace', 200],
    ['a grant that is refused', 'refuse', 409],
  ] as const)(
    'ends %s when the provider is back, where it was away (AR-24, TE-10)',
    async (_what, onAccountChange, status) => {
      const [user, mine, other] = [newUser(), newAccount(), newAccount()];
      const fake = application.sandbox.provider('whoop');
      await linkAccount(application, user, 'whoop', { account: mine });
      fake.misbehave({ endpoint: 'revoke', type: 'status', code: 503 });

      expect(await link(user, 'whoop', other, { on_account_change: onAccountChange })).toMatchObject({ status });

      const unwanted = onAccountChange === 'replace' ? mine : other;
      expect(liveGrants('whoop', unwanted)).toBe(1);
      await makeRevocationsDue(application.databaseUrl);
      application.app.get(RevocationOutbox, { strict: false }).processNow();
      await until('the grant is ended', () => liveGrants('whoop', unwanted) === 0);
      expect(await isConnected(application, user, 'whoop')).toBe(true);
      expect(liveGrants('whoop', onAccountChange === 'replace' ? other : mine)).toBe(1);
    },
  );

  it("may not replace the account with another user's (AR-23)", async () => {
    const [user, other, mine, theirs] = [newUser(), newUser(), newAccount(), newAccount()];
    await linkAccount(application, user, 'whoop', { account: mine });
    await linkAccount(application, other, 'whoop', { account: theirs });
    const token = await readToken(user, 'whoop');

    expect(await link(user, 'whoop', theirs, { on_account_change: 'replace' })).toEqual(taken);
    expect(await readToken(user, 'whoop')).toBe(token);
    expect(await isConnected(application, other, 'whoop')).toBe(true);
    expect(liveGrants('whoop', theirs)).toBeGreaterThanOrEqual(1);
  });

  it('repairs a connection with unreadable tokens', async () => {
    const [user, mine, other] = [newUser(), newAccount(), newAccount()];
    await linkAccount(application, user, 'whoop', { account: mine });
    await queryDatabase(
      application.databaseUrl,
      'UPDATE connections SET secret_gen = secret_gen + 1 WHERE user_id = $1',
      [user],
    );
    await application.api.get(`/v1/users/${user}/connections/whoop/token`).expect(500);

    expect(await link(user, 'whoop', other)).toMatchObject({ status: 200 });
    await readToken(user, 'whoop');
  });

  it('is started with refuse or replace, and nothing else', async () => {
    const path = `/v1/users/${newUser()}/connections/whoop/link`;
    const response = await application.api.post(path).send({ on_account_change: 'ignore' }).expect(400);
    expect(response.body).toMatchObject({ code: 'REQUEST_INVALID' });
  });
});
