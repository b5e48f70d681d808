import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../src/development/free-port.js';
import { AccountLookupWorker } from '../../src/tokens/accounts/account-lookup.worker.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { newUser, pathOf, startLink } from '../support/linking.js';
import { endMisbehavior } from '../support/fake-providers.js';
import { checkout, removeDirectory, startProcess } from '../support/service-process.js';
import { changeRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const slugs = ['whoop', 'garmin-oauth1', 'oura'];
const unlinked = 'connection.unlinked denied service ACCOUNT_ALREADY_LINKED';
const outage = { endpoint: 'account', type: 'status', code: 503 } as const;

describe('an account that its provider could not name at the end of the link', () => {
  let application: TestApplication;
  let accounts = 0;

  beforeAll(async () => {
    application = await startApplication({ environment: { ACCOUNT_SHARING: 'deny' } });
  });
  afterEach(async () => {
    endMisbehavior(application);
    await changeRows(application.databaseUrl, 'connections', { account_due_at: null });
  });
  afterAll(() => application.close());

  function newAccount(): string {
    accounts += 1;
    return String(600_000 + accounts);
  }

  async function link(user: string, slug: string, account: string, body: object = {}) {
    const { linkWebUrl } = await startLink(application, user, slug, body);
    const response = await application.browser.get(pathOf(await consent(linkWebUrl, { account })));
    return { status: response.status, code: (response.body as { code?: string }).code };
  }

  /** Links while the provider does not tell the account. */
  async function linkUntold(user: string, slug: string, account: string, wrong: object = {}): Promise<void> {
    application.sandbox.provider(slug).misbehave({ ...outage, ...wrong });
    expect(await link(user, slug, account)).toMatchObject({ status: 200 });
  }

  const sweep = () => application.app.get(AccountLookupWorker, { strict: false }).sweep();
  const token = (user: string, slug: string) => application.api.get(`/v1/users/${user}/connections/${slug}/token`);

  function lookups(slug: string): number {
    return application.sandbox.provider(slug).history.filter(({ kind }) => kind === 'account').length;
  }

  async function row(user: string) {
    const [found] = await queryDatabase<{ isKnown: boolean; dueInSeconds: number | null }>(
      application.databaseUrl,
      `SELECT account_digest IS NOT NULL AS "isKnown", extract(epoch FROM account_due_at - now())::float8 AS "dueInSeconds"
       FROM connections WHERE user_id = $1`,
      [user],
    );
    return found;
  }

  async function letBeDue(user: string): Promise<void> {
    await changeRows(application.databaseUrl, 'connections', { account_due_at: 'now' }, { user_id: user });
  }

  /** Lets the account be due while a refresh of the connection is in flight, or after it. */
  async function letBeDueWith(user: string, attempt_started_at: 'now' | null): Promise<void> {
    const changes = { account_due_at: 'now', attempt_started_at };
    await changeRows(application.databaseUrl, 'connections', changes, { user_id: user });
  }

  it.each(slugs)('is looked up later at %s, and the rules apply from then on (AR-23, AR-24)', async (slug) => {
    const [user, other, account] = [newUser(), newUser(), newAccount()];
    await linkUntold(user, slug, account);
    await token(user, slug).expect(200);

    await sweep();

    expect(await row(user)).toEqual({ isKnown: true, dueInSeconds: null });
    await token(user, slug).expect(200);
    expect(await link(other, slug, account)).toEqual({ status: 409, code: 'ACCOUNT_ALREADY_LINKED' });
    expect(await link(user, slug, newAccount())).toEqual({ status: 409, code: 'ACCOUNT_CHANGED' });
  });

  it.each(slugs)(
    "ends the connection when it is another user's account at %s, and leaves that one (AR-23)",
    async (slug) => {
      const [first, second, account] = [newUser(), newUser(), newAccount()];
      expect(await link(first, slug, account)).toMatchObject({ status: 200 });
      await linkUntold(second, slug, account);
      // Until the provider tells, the rule is not known to be broken.
      await token(second, slug).expect(200);

      await sweep();

      expect((await token(second, slug).expect(409)).body).toMatchObject({ code: 'TOKEN_REVOKED' });
      const status = await application.api.get(`/v1/users/${second}/connections/${slug}`).expect(200);
      expect(status.body).toMatchObject({ needs_relink: true, last_error: { code: 'ACCOUNT_ALREADY_LINKED' } });
      expect(await auditEntriesOf(application, second)).toContain(unlinked);
      await token(first, slug).expect(200);
      const grants = application.sandbox.provider(slug).liveGrants();
      expect(grants.filter(({ accountId }) => accountId === account)).toHaveLength(2);
      expect(await link(second, slug, newAccount())).toMatchObject({ status: 200 });
    },
  );

  it('is one connection of two that were linked while the provider was away (AR-23)', async () => {
    const [first, second, account] = [newUser(), newUser(), newAccount()];
    await linkUntold(first, 'whoop', account);
    await linkUntold(second, 'whoop', account);

    await sweep();
    await sweep();

    const statuses = [(await token(first, 'whoop')).status, (await token(second, 'whoop')).status];
    expect(statuses.sort()).toEqual([200, 409]);
  });

  it('ends no connection while a refresh of it is under way, does afterwards, and says so once (AR-23, LOG-06)', async () => {
    const [first, second, account] = [newUser(), newUser(), newAccount()];
    expect(await link(first, 'whoop', account)).toMatchObject({ status: 200 });
    await linkUntold(second, 'whoop', account);
    await letBeDueWith(second, 'now');
    await sweep();
    await token(second, 'whoop').expect(200);
    expect(await auditEntriesOf(application, second)).not.toContain(unlinked);

    await letBeDueWith(second, null);
    await sweep();

    await token(second, 'whoop').expect(409);
    expect((await auditEntriesOf(application, second)).filter((entry) => entry === unlinked)).toHaveLength(1);
  });

  it('is not compared with a known one: the link is refused, and the connection stays (AR-24)', async () => {
    const [user, account] = [newUser(), newAccount()];
    expect(await link(user, 'whoop', account)).toMatchObject({ status: 200 });
    const before = await token(user, 'whoop').expect(200);
    application.sandbox.provider('whoop').misbehave(outage);

    expect(await link(user, 'whoop', newAccount())).toEqual({ status: 503, code: 'PROVIDER_UNAVAILABLE' });

    expect((await token(user, 'whoop').expect(200)).body).toEqual(before.body);
    expect(await row(user)).toEqual({ isKnown: true, dueInSeconds: null });
  });

  it('is requested again after a pause while the provider stays away, not before the time that it names', async () => {
    const user = newUser();
    await linkUntold(user, 'whoop', newAccount(), { code: 429 });
    const fake = application.sandbox.provider('whoop');
    const asked = lookups('whoop');

    fake.misbehave(outage);
    await sweep();
    expect(lookups('whoop')).toBe(asked + 1);
    expect((await row(user))?.dueInSeconds).toBeGreaterThan(50);
    await sweep();
    expect(lookups('whoop')).toBe(asked + 1);

    fake.misbehave({ ...outage, code: 429, headers: { 'retry-after': '7200' } });
    await letBeDue(user);
    await sweep();
    expect((await row(user))?.dueInSeconds).toBeGreaterThan(7_000);

    await letBeDue(user);
    await sweep();
    expect(await row(user)).toEqual({ isKnown: true, dueInSeconds: null });
  });

  it('stays unknown if the provider refuses to name it, at the link or later', async () => {
    const [atOnce, later] = [newUser(), newUser()];
    await linkUntold(atOnce, 'whoop', newAccount(), { code: 403 });
    expect(await row(atOnce)).toEqual({ isKnown: false, dueInSeconds: null });
    await linkUntold(later, 'whoop', newAccount());
    application.sandbox.provider('whoop').misbehave({ ...outage, code: 403 });

    await sweep();

    expect(await row(later)).toEqual({ isKnown: false, dueInSeconds: null });
    await token(later, 'whoop').expect(200);
  });

  it.each([
    ['refuses us', { code: 401, headers: { 'www-authenticate': 'Basic realm="client"' } }],
    ['responds without an id', { code: 200, body: '{}', contentType: 'application/json' }],
  ])('is requested again where the provider %s, once that is mended (AR-23)', async (_title, wrong) => {
    const [first, second, account] = [newUser(), newUser(), newAccount()];
    expect(await link(first, 'whoop', account)).toMatchObject({ status: 200 });
    await linkUntold(second, 'whoop', account);
    application.sandbox.provider('whoop').misbehave({ ...outage, ...wrong });
    await sweep();
    expect((await row(second))?.dueInSeconds).toBeGreaterThan(50);

    await letBeDue(second);
    await sweep();

    await token(second, 'whoop').expect(409);
  });

  it('is not asked for with a token that has expired, nor while a refresh is under way', async () => {
    const user = newUser();
    await linkUntold(user, 'whoop', newAccount());
    const before = lookups('whoop');
    application.clock.advance(2 * 3_600_000);
    await sweep();
    expect(lookups('whoop')).toBe(before);

    await token(user, 'whoop').expect(200);
    await letBeDueWith(user, 'now');
    await sweep();
    expect((await row(user))?.isKnown).toBe(false);
    await letBeDueWith(user, null);
    await sweep();
    expect((await row(user))?.isKnown).toBe(true);
  });

  it('is looked up by a background process', async () => {
    const user = newUser();
    await linkUntold(user, 'whoop', newAccount());
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-accounts-'));
    const worker = startProcess([join(checkout, 'dist/main.js'), 'worker'], directory, {
      NODE_ENV: 'test',
      ENVIRONMENT_NAME: 'test',
      LOG_LEVEL: 'warn',
      PORT: String(await findFreePort()),
      DATABASE_URL: application.databaseUrl,
      ENCRYPTION_ROOT_KEY: application.rootKey,
      SANDBOX_URL: application.sandbox.url,
    });
    try {
      await until('the account is known', async () => (await row(user))?.isKnown === true);
    } finally {
      await worker.stop();
      await removeDirectory(directory);
    }
  });
});
