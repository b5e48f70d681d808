import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditTrail } from '../../src/audit/audit-trail.js';
import { SubscriptionWorker } from '../../src/subscriptions/subscription-worker.js';
import { MigrationRun } from '../../src/tokens/migration/migration-run.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { linkAccount, startLink } from '../support/linking.js';
import { SecretSearch } from '../support/secret-search.js';
import { changeRows, hideTable } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';

const userId = 'exported-user@example.com';
const path = `/v1/users/${encodeURIComponent(userId)}`;
const account = '8015551234567';
const returnUrl = 'https://app.example.com/devices';

/**
 * Where the export has what a table holds about a user. A new table with a user in it must be added here, and to the
 * export.
 */
const partOf: Readonly<Record<string, keyof Export>> = {
  // On distributed tables only. The export of the connection has the account.
  accounts: 'connections',
  connections: 'connections',
  grant_migrations: 'migrations',
  revocations: 'pending_revocations',
  notifications: 'notifications',
  subscriptions: 'subscriptions',
  links: 'links',
  link_sessions: 'link_sessions',
  events: 'events',
  audit_entries: 'audit_entries',
  erasures: 'last_erased_at',
};

interface Export {
  readonly user_id: string;
  readonly last_erased_at: string | null;
  readonly connections: Record<string, unknown>[];
  readonly migrations: Record<string, unknown>[];
  readonly pending_revocations: Record<string, unknown>[];
  readonly links: Record<string, unknown>[];
  readonly notifications: Record<string, unknown>[];
  readonly subscriptions: Record<string, unknown>[];
  readonly link_sessions: Record<string, unknown>[];
  readonly events: Record<string, unknown>[];
  readonly audit_entries: Record<string, unknown>[];
}

describe('GET /v1/users/{user_id}/export', () => {
  let application: TestApplication;
  beforeAll(async () => {
    application = await startApplication({ environment: { RETURN_URLS: returnUrl } });
  });
  afterAll(() => application.close());

  async function exportUser(of = path): Promise<{ body: Export; text: string }> {
    const response = await application.api.get(`${of}/export`).expect(200);
    return { body: response.body as Export, text: response.text };
  }

  it('knows every table that has a user in it (LOG-08)', async () => {
    const tables = await queryDatabase<{ name: string }>(
      application.databaseUrl,
      `SELECT DISTINCT table_name AS name FROM information_schema.columns
       WHERE table_schema = 'public' AND column_name ~ 'user'`,
    );
    expect(tables.map(({ name }) => name).sort()).toEqual(Object.keys(partOf).sort());
  });

  it('has something of every table that holds something, and no token or secret (LOG-08)', async () => {
    const { api, browser, sandbox, databaseUrl } = application;
    await api.delete(path).expect(200);
    const connectionId = await linkAccount(application, encodeURIComponent(userId), 'whoop', { account });
    await linkAccount(application, encodeURIComponent(userId), 'garmin-oauth1', { account });
    const token = await api.get(`${path}/connections/whoop/token`).expect(200);
    const signing = await api.get(`${path}/connections/garmin-oauth1/token`).expect(200);
    sandbox.provider('garmin').misbehave({ endpoint: 'account', type: 'status', code: 403 });
    const options = { repeatUnanswered: false, perSecond: 100, limit: Infinity };
    await application.app.get(MigrationRun, { strict: false }).run('garmin-oauth1', options, () => undefined);
    await linkAccount(application, encodeURIComponent(userId), 'fitbit', { account: '7770001' });
    const unlinked = await api.get(`${path}/connections/fitbit/token`).expect(200);
    sandbox.provider('fitbit').misbehave({ endpoint: 'revoke', type: 'status', code: 503 });
    const gone = await api.delete(`${path}/connections/fitbit`).expect(200);
    expect(gone.body).toMatchObject({ provider_revocation: 'pending' });
    const waiting = await startLink(application, encodeURIComponent(userId), 'oura', {
      return_url: returnUrl,
      require_confirmation: true,
    });
    const callback = await consent(waiting.linkWebUrl);
    const parked = await browser.get(callback.pathname + callback.search).expect(303);
    const confirmation = new URL(String(parked.headers['location'])).searchParams.get('confirmation_code');
    const session = await api
      .post('/v1/link-sessions')
      .send({ user_id: userId, providers: ['whoop'] })
      .expect(201);

    for (const { headers, body } of await sandbox
      .provider('whoop')
      .notifier.prepare({ kind: 'data', accountIds: [account] })) {
      await browser.post('/v1/hooks/whoop').set(headers).send(body).expect(200);
    }

    await linkAccount(application, encodeURIComponent(userId), 'withings', { account: '7770002' });
    await application.app.get(SubscriptionWorker, { strict: false }).sweep();

    const { body, text } = await exportUser();

    for (const [table, part] of Object.entries(partOf)) {
      expect({ table, held: body[part] }).not.toEqual({ table, held: [] });
      expect({ table, held: body[part] }).not.toEqual({ table, held: null });
    }
    expect(body.user_id).toBe(userId);
    expect(body.connections).toMatchObject([
      { provider: 'garmin-oauth1', provider_user_id: account, status: 'active' },
      { provider: 'whoop', provider_user_id: account, status: 'active', connection_id: connectionId },
      { provider: 'withings', provider_user_id: '7770002', status: 'active' },
    ]);
    expect(body.subscriptions).toMatchObject([{ provider: 'withings' }]);
    expect(body.pending_revocations).toMatchObject([{ provider: 'fitbit', provider_user_id: '7770001', attempts: 1 }]);
    expect(body.links.find(({ provider }) => provider === 'oura')).toMatchObject({
      return_url: returnUrl,
      waits_for: 'confirmation',
      outcome: null,
    });
    expect(body.migrations).toMatchObject([{ provider: 'garmin-oauth1', successor: 'garmin', state: 'exchanged' }]);
    expect(body.notifications).toMatchObject([{ provider: 'whoop', kind: 'data', data_type: 'sleep' }]);
    expect(body.link_sessions).toMatchObject([{ providers: ['whoop'], opened: false }]);
    expect(body.audit_entries[0]).toMatchObject({ action: 'user.exported', outcome: 'success' });
    expect(body.audit_entries.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['user.erased', 'link.started', 'token.handed_out', 'connection.unlinked']),
    );
    const sealed = await queryDatabase<{ sealed: Buffer }>(
      databaseUrl,
      `SELECT sealed FROM connections UNION ALL SELECT sealed FROM revocations UNION ALL SELECT sealed FROM grant_migrations
       UNION ALL SELECT sealed FROM links WHERE sealed IS NOT NULL`,
    );
    const search = new SecretSearch([
      { kind: 'access token', value: (token.body as { access_token: string }).access_token },
      { kind: 'unlinked access token', value: (unlinked.body as { access_token: string }).access_token },
      { kind: 'token', value: (signing.body as { token: string }).token },
      { kind: 'token secret', value: (signing.body as { token_secret: string }).token_secret },
      { kind: 'state', value: waiting.state },
      { kind: 'code', value: String(callback.searchParams.get('code')) },
      { kind: 'confirmation code', value: String(confirmation) },
      { kind: 'link token', value: (session.body as { link_token: string }).link_token },
      ...sealed.map((row) => ({ kind: 'sealed value', value: row.sealed })),
    ]);
    expect(search.find(text)).toEqual([]);
  });

  it('has no data of other users, and is empty for an unknown user (LOG-08)', async () => {
    await linkAccount(application, 'other-user', 'whoop', { account: '9990001112223' });
    expect((await exportUser()).text).not.toContain('9990001112223');
    const { body } = await exportUser('/v1/users/nobody');
    expect(body).toMatchObject({
      connections: [],
      migrations: [],
      pending_revocations: [],
      links: [],
      link_sessions: [],
      events: [],
      notifications: [],
      subscriptions: [],
    });
    expect(body.last_erased_at).toBeNull();
    expect(body.audit_entries.map(({ action }) => action)).toEqual(['user.exported']);
  });

  it('has every audit entry of the user, however many pages they take', async () => {
    const trail = application.app.get(AuditTrail);
    const requestIds = Array.from({ length: 1_200 }, (_, at) => `request-${at}`);
    await Promise.all(
      requestIds.map((requestId) =>
        trail.record({ action: 'token.handed_out', outcome: 'success', actor: 'cli', userId: 'busy', requestId }),
      ),
    );
    const { body } = await exportUser('/v1/users/busy');
    const exported = body.audit_entries.slice(1).map(({ request_id: requestId }) => requestId);
    expect(new Set(exported)).toEqual(new Set(requestIds));
    expect(exported).toHaveLength(requestIds.length);
  });

  it('has a connection with unreadable tokens, without the account', async () => {
    await linkAccount(application, 'broken', 'whoop', { account });
    await changeRows(application.databaseUrl, 'connections', { secret_gen: 7 }, { user_id: 'broken' });
    const { body } = await exportUser('/v1/users/broken');
    expect(body.connections).toMatchObject([{ provider: 'whoop', provider_user_id: null }]);
  });

  it('is kept by no cache, and leaves an audit entry or does not respond', async () => {
    const response = await application.api.get(`${path}/export`).expect(200);
    expect(response.headers).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'application/json; charset=utf-8',
    });
    const bringBack = await hideTable(application.databaseUrl, 'audit_entries');
    try {
      const refused = await application.api.get(`${path}/export`).expect(503);
      expect(refused.body).toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    } finally {
      await bringBack();
    }
  });
});
