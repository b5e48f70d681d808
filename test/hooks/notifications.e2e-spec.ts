import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NotificationWorker } from '../../src/hooks/notification-worker.js';
import type { NotificationKind } from '../../src/provider-kit/definition/notifications.js';
import type { SandboxNotification } from '../../src/provider-kit/definition/sandbox-notification.js';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { changeRows, countRows, rowsOf } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { request } from '../../src/sandbox/testing/request.js';

/**
 * The proofs of each provider, written here apart from the code. `ends`: a proven withdrawal ends the connection.
 * `data`: notifications of data are proven, and there are no others. `unproven`: nothing is proven.
 */
const providers: Readonly<Record<string, 'ends' | 'data' | 'unproven'>> = {
  'apple-health': 'ends',
  coros: 'data',
  concept2: 'unproven',
  garmin: 'unproven',
  'garmin-oauth1': 'ends',
  'google-health': 'data',
  hammerhead: 'data',
  'huawei-health-kit': 'ends',
  ihealth: 'unproven',
  omron: 'unproven',
  oura: 'data',
  polar: 'data',
  'ride-with-gps': 'data',
  strava: 'unproven',
  suunto: 'data',
  wahoo: 'data',
  whoop: 'data',
  withings: 'unproven',
};
const slugs = Object.keys(providers);
const signed = slugs.filter((slug) => providers[slug] !== 'unproven' && slug !== 'garmin-oauth1');
const ending = slugs.filter((slug) => providers[slug] === 'ends');
const unproven = slugs.filter((slug) => providers[slug] === 'unproven');

interface EventRow {
  readonly type: string;
  readonly reason: string | null;
  readonly source: string;
  readonly proof: string;
  readonly details: Record<string, unknown>;
}

describe('notifications of providers', () => {
  let application: TestApplication;
  let url: string;
  let accounts = 5_000;

  beforeAll(async () => {
    application = await startApplication();
    url = await application.app.getUrl();
  });
  afterAll(() => application.close());

  it('are tested for every provider that sends any and still works', () => {
    const senders = application.app
      .get(ProviderRegistry)
      .list()
      .filter(({ definition }) => definition.notifications !== undefined && !definition.slug.startsWith('fitbit'));
    expect(senders.map(({ definition }) => definition.slug)).toEqual(slugs.toSorted());
  });

  describe.each(slugs)('of %s', (slug) => {
    const kinds: readonly NotificationKind[] = ['deauthorized', 'account_deleted', 'permissions_changed', 'data'];

    it('get the response that the provider expects, and announce data with the proof', async () => {
      const { user, account } = await link(slug);
      const [sent] = await prepare(slug, 'data', [account]);
      if (sent === undefined) {
        expect(slug).toBe('apple-health');
        return;
      }
      const expected = application.app.get(ProviderRegistry).get(slug).definition.notifications?.channels[0]?.response;
      const response = await post(slug, sent);
      expect(response.status).toBe(expected?.status);
      expect(response.text).toBe(expected?.body === undefined ? '' : JSON.stringify(expected.body));
      await work();
      const proof = providers[slug] === 'unproven' ? 'unproven' : 'signed';
      expect(await eventsOf(user, 'data.available')).toMatchObject([
        { source: 'notification', proof, details: { data_types: [expect.any(String)] } },
      ]);
      expect(await statusOf(user, slug)).toMatchObject({ status: 'active', reason: null });
    });

    it('change nothing when anything in them was altered', async () => {
      const { user, account } = await link(slug);
      const other = await link(slug);
      for (const kind of kinds) {
        for (const sent of await prepare(slug, kind, [account])) {
          const tampered = { ...sent, body: tamper(sent.body, account, other.account) };
          const { status } = await post(slug, tampered);
          expect(status >= 400 || isUnproven(slug) || slug === 'coros' || slug === 'wahoo').toBe(true);
        }
      }
      await work();
      expect(await statusOf(user, slug)).toMatchObject({ status: 'active', reason: null });
      expect(await statusOf(other.user, slug)).toMatchObject({ status: 'active', reason: null });
    });

    it('change nothing when they are forged for every user, in a batch and one by one (TE-13)', async () => {
      const linked = [await link(slug), await link(slug), await link(slug)];
      const accountIds = linked.map(({ account }) => account);
      for (const kind of kinds) {
        for (const isBatch of [false, true]) {
          for (const sent of await fake(slug).notifier.prepare({ kind, accountIds, isBatch, isForged: true })) {
            await post(slug, sent);
          }
        }
      }
      await work();
      for (const { user } of linked) {
        expect(await statusOf(user, slug)).toMatchObject({ status: 'active', reason: null });
      }
    });

    it('of an unknown account get the usual response and leave nothing', async () => {
      const before = await countRows(application.databaseUrl, 'notifications');
      for (const kind of kinds) {
        for (const sent of await prepare(slug, kind, ['999999'])) {
          const response = await post(slug, sent);
          expect(response.status).toBeLessThan(300);
        }
      }
      expect(await countRows(application.databaseUrl, 'notifications')).toBe(before);
    });
  });

  describe.each(ending)('a proven withdrawal at %s', (slug) => {
    it('ends the connection with its reason, erases the tokens, and announces it once', async () => {
      const { user, account } = await link(slug);
      const [sent] = await prepare(slug, 'deauthorized', [account]);
      expect((await post(slug, sent)).status).toBeLessThan(300);
      await work();
      expect(await statusOf(user, slug)).toMatchObject({ status: 'needs_relink', reason: 'deauthorized' });
      expect(await sealedOf(user)).toEqual([null]);
      await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(409);
      await post(slug, sent);
      await work();
      expect(await eventsOf(user, 'connection.needs_relink')).toMatchObject([
        { reason: 'deauthorized', source: 'notification', proof: 'signed' },
      ]);
    });

    it('ends the connections of a batch, and no other', async () => {
      const [one, two, other] = [await link(slug), await link(slug), await link(slug)];
      for (const sent of await fake(slug).notifier.prepare({
        kind: 'deauthorized',
        accountIds: [one.account, two.account],
        isBatch: slug === 'garmin-oauth1',
      })) {
        await post(slug, sent);
      }
      await work();
      expect(await statusOf(one.user, slug)).toMatchObject({ status: 'needs_relink' });
      expect(await statusOf(two.user, slug)).toMatchObject({ status: 'needs_relink' });
      expect(await statusOf(other.user, slug)).toMatchObject({ status: 'active' });
    });

    it('does not end a connection that was linked after it, sent late or again (TE-13)', async () => {
      const { user, account } = await link(slug);
      const order = { kind: 'deauthorized', accountIds: [account], lateByMs: 5_000 } as const;
      const [sent] = await fake(slug).notifier.prepare(order);
      await linkAccount(application, user, slug, { account });
      await post(slug, sent);
      for (const late of await fake(slug).notifier.prepare({
        kind: 'deauthorized',
        accountIds: [account],
        lateByMs: 3_600_000,
        isForged: false,
      })) {
        // The fake would repeat the new token of the link, which an old notification does not have.
        if (slug !== 'garmin-oauth1') {
          await post(slug, late);
        }
      }
      await work();
      expect(await statusOf(user, slug)).toMatchObject({ status: 'active', reason: null });
    });
  });

  it.each(['apple-health', 'huawei-health-kit'])(
    'a deleted account at %s ends the connection for that',
    async (slug) => {
      const { user, account } = await link(slug);
      const [sent] = await prepare(slug, 'account_deleted', [account]);
      await post(slug, sent);
      await work();
      expect(await statusOf(user, slug)).toMatchObject({ status: 'needs_relink', reason: 'account_deleted' });
    },
  );

  it.each(['garmin', 'strava', 'withings'])('an unproven withdrawal at %s leads to one account call', async (slug) => {
    const { user, account } = await link(slug);
    const [sent, again] = [
      ...(await prepare(slug, 'deauthorized', [account])),
      ...(await prepare(slug, 'deauthorized', [account])),
    ];
    await post(slug, sent);
    await work();
    const ofUser = { user_id: user };
    expect(await rowsOf(application.databaseUrl, 'connections', ofUser)).toMatchObject([
      { account_due_at: expect.any(Date) },
    ]);
    await changeRows(application.databaseUrl, 'connections', { account_due_at: null }, ofUser);
    await post(slug, again);
    await work();
    expect(await rowsOf(application.databaseUrl, 'connections', ofUser)).toMatchObject([{ account_due_at: null }]);
    expect(await statusOf(user, slug)).toMatchObject({ status: 'active', reason: null });
  });

  it('a permission change is announced', async () => {
    const { user, account } = await link('garmin');
    const [sent] = await prepare('garmin', 'permissions_changed', [account]);
    await post('garmin', sent);
    await work();
    expect(await eventsOf(user, 'connection.scopes_changed')).toMatchObject([
      { source: 'notification', proof: 'unproven' },
    ]);
  });

  it.each(signed)('%s: a request without any proof is refused', async (slug) => {
    const { account } = await link(slug);
    const kind = slug === 'apple-health' ? 'deauthorized' : 'data';
    const [sent] = await prepare(slug, kind, [account]);
    const body =
      slug === 'apple-health'
        ? '{}'
        : slug === 'wahoo'
          ? sent?.body.replace(/"webhook_token":"[^"]*",/, '')
          : sent?.body;
    const bare = { headers: { 'content-type': 'application/json' }, body: body ?? '' };
    expect((await post(slug, bare)).status).toBe(401);
  });

  it.each(unproven)('%s: a body that does not match its content type is not read', async (slug) => {
    const before = await countRows(application.databaseUrl, 'notifications');
    for (const body of ['', '{', '[]', 'null', '"x"', '[[[[', '\u0000']) {
      const { status } = await post(slug, { headers: { 'content-type': 'application/json' }, body });
      expect([200, 401]).toContain(status);
    }
    expect(await countRows(application.databaseUrl, 'notifications')).toBe(before);
  });

  it('keep ids, times and names, and nothing else of the body', async () => {
    const columns = await queryDatabase<{ column: string }>(
      application.databaseUrl,
      `SELECT column_name AS column FROM information_schema.columns WHERE table_name = 'notifications' ORDER BY column_name`,
    );
    expect(columns.map(({ column }) => column)).toEqual([
      'data_type',
      'digest',
      'done_at',
      'due_at',
      'hint',
      'kind',
      'occurred_at',
      'outcome',
      'proven',
      'provider',
      'received_at',
      'repeatable_at',
      'token_fingerprint',
      'user_id',
    ]);
    const rows = await rowsOf(application.databaseUrl, 'notifications');
    expect(JSON.stringify(rows)).not.toMatch(/not-a-real|"5\d{3}"/);
  });

  function fake(slug: string) {
    return application.sandbox.provider(slug);
  }

  async function prepare(slug: string, kind: NotificationKind, accountIds: string[]): Promise<SandboxNotification[]> {
    return fake(slug).notifier.prepare({ kind, accountIds });
  }

  /** Links an account that no other test has. */
  async function link(slug: string): Promise<{ user: string; account: string }> {
    accounts += 1;
    const [user, account] = [`notified-${accounts}`, String(accounts)];
    await linkAccount(application, user, slug, { account });
    return { user, account };
  }

  async function post(slug: string, sent: SandboxNotification | undefined): Promise<{ status: number; text: string }> {
    if (sent === undefined) {
      throw new Error(`The fake "${slug}" sends nothing.`);
    }
    const { statusCode, body } = await request(`${url}/v1/hooks/${slug}`, { method: 'POST', ...sent });
    return { status: statusCode, text: await body.text() };
  }

  async function work(): Promise<void> {
    while ((await application.app.get(NotificationWorker, { strict: false }).sweep()) === 0);
  }

  async function statusOf(user: string, slug: string): Promise<object> {
    const response = await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(200);
    return response.body as object;
  }

  async function sealedOf(user: string): Promise<unknown[]> {
    const rows = await rowsOf<{ sealed: unknown }>(application.databaseUrl, 'connections', { user_id: user });
    return rows.map(({ sealed }) => sealed);
  }

  function eventsOf(user: string, type: string): Promise<EventRow[]> {
    return queryDatabase<EventRow>(
      application.databaseUrl,
      'SELECT type, reason, source, proof, details FROM events WHERE user_id = $1 AND type = $2',
      [user, type],
    );
  }

  /** Names another account; in a JWS, by a character of its payload. */
  function tamper(body: string, account: string, other: string): string {
    const altered = body.replaceAll(account, other);
    return altered === body ? body.replace(/\.(\w{20})\w/, (_, start: string) => `.${start}_`) : altered;
  }

  /** Where the provider proves nothing, an altered notification cannot be told from another one. */
  function isUnproven(slug: string): boolean {
    return providers[slug] === 'unproven' || slug === 'garmin-oauth1';
  }
});
