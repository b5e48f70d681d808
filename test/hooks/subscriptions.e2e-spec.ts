import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NotificationWorker } from '../../src/hooks/notification-worker.js';
import type { NotificationSettings } from '../../src/provider-kit/definition/notification-settings.js';
import { sandboxClientId, sandboxClientSecret } from '../../src/provider-kit/definition/provider-settings.js';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import { SubscriptionIds } from '../../src/subscriptions/subscription-ids.js';
import { SubscriptionSecrets } from '../../src/subscriptions/subscription-secrets.js';
import { SubscriptionStore, type SubscriptionSummary } from '../../src/subscriptions/subscription-store.js';
import { SubscriptionCount } from '../../src/subscriptions/subscription-count.js';
import { SubscriptionWorker } from '../../src/subscriptions/subscription-worker.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { eventsOf, readEvents, typesOf } from '../support/event-stream.js';
import { linkAccount } from '../support/linking.js';
import { checkout, startProcess } from '../support/service-process.js';
import { endAllTrouble } from '../support/subject.js';
import { ago, changeRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { request } from '../../src/sandbox/testing/request.js';

const subscribed = ['oura', 'polar', 'strava', 'withings'];
const withingsTopics = 12;

let application: TestApplication;
let worker: SubscriptionWorker;

beforeAll(async () => {
  application = await startApplication();
  worker = application.app.get(SubscriptionWorker, { strict: false });
  const url = await application.app.getUrl();
  for (const slug of subscribed) {
    Object.assign(settingsOf(slug), { url: `${url}/v1/hooks/${slug}` });
  }
  // As in production: the secret of Polar's signatures is the one that its API returns.
  Object.assign(settingsOf('polar'), { secret: undefined });
});
afterAll(() => application.close());

describe('subscriptions of an app', () => {
  it('are created by a worker, and the secret that Polar returns then proves its notifications (TE-13)', async () => {
    await linkAccount(application, 'polar-user', 'polar', { account: '7101' });
    const send = () => {
      const url = `${settingsOf('polar').url}`;
      return application.sandbox.provider('polar').notifier.send(url, { kind: 'data', accountIds: ['7101'] });
    };
    expect(await send()).toEqual([401]);
    await worker.sweep();
    expect(await stateOf('polar')).toMatchObject([{ scope: 'app', state: 'active', active: 1, wanted: 1 }]);
    // Forgets that there was none a moment ago.
    application.app.get(SubscriptionSecrets, { strict: false })['known'].clear();
    expect(await send()).toEqual([200]);
    await application.app.get(NotificationWorker, { strict: false }).sweep();
    const [, event] = await eventsOf(application, 'polar-user');
    expect(event).toMatchObject({ type: 'data.available', data: { proof: 'signed', data_types: ['exercise'] } });
  });

  it('are one at Strava and one for each kind of event and data at Oura, in view of the metrics', async () => {
    await drain();
    expect(await stateOf('strava')).toMatchObject([{ state: 'active', active: 1, wanted: 1, expiresAt: null }]);
    const [oura] = await stateOf('oura');
    expect(oura).toMatchObject({ state: 'active', active: 51, wanted: 51, expiresAt: expect.any(Date) as unknown });
    await application.app.get(SubscriptionCount, { strict: false }).sweep();
    const { text } = await application.api.get('/metrics').expect(200);
    expect(text).toContain('cufflink_subscriptions{provider="strava",state="active"} 1');
    expect(await stravaSubscriptions()).toHaveLength(1);
  });

  it('are created again when the provider has lost them', async () => {
    const [first] = await stravaSubscriptions();
    await callStrava('DELETE', `/${String(first?.['id'])}`);
    expect(await stravaSubscriptions()).toEqual([]);
    await worker.repair(['strava']);
    expect(await stravaSubscriptions()).toHaveLength(1);
  });

  it('refuse notifications of another subscription at Strava, and check whether their own was replaced', async () => {
    await linkAccount(application, 'strava-user', 'strava', { account: '7105' });
    const send = (isOfOtherApp: boolean) =>
      application.sandbox
        .provider('strava')
        .notifier.send(settingsOf('strava').url, { kind: 'data', accountIds: ['7105'], isOfOtherApp });
    expect(await send(true)).toEqual([401]);
    expect(await send(false)).toEqual([200]);
    const { text } = await application.api.get('/metrics').expect(200);
    expect(text).toContain('cufflink_hook_requests_total{provider="strava",outcome="misrouted"} 1');
    // A check an hour ago has found one that Strava has replaced since.
    await changeRows(
      application.databaseUrl,
      'subscriptions',
      { only_id: '12345', checked_at: ago(3_600) },
      { provider: 'strava' },
    );
    application.app.get(SubscriptionIds, { strict: false })['known'].clear();
    expect(await send(false)).toEqual([401]);
    await until('the subscription is due', async () => {
      await send(false);
      return (await stravaRow())?.isDue === true;
    });
    await drain();
    await until('the new one is taken', async () => (await send(false))[0] === 200);
    expect(await send(true)).toEqual([401]);
    expect(await stravaRow()).toEqual({ onlyId: '99001', isDue: false });
  });

  it('leave a single subscription to another URL alone', async () => {
    const url = settingsOf('strava').url;
    Object.assign(settingsOf('strava'), { url: url.replace('/hooks/strava', '/hooks/oura') });
    try {
      await worker.repair(['strava']);
      expect(await stateOf('strava')).toMatchObject([{ state: 'blocked', active: 0 }]);
      expect(await stravaSubscriptions()).toMatchObject([{ callback_url: url }]);
      expect(await stravaRow()).toMatchObject({ onlyId: null });
    } finally {
      Object.assign(settingsOf('strava'), { url });
    }
  });

  it('wait for a provider that does not respond, and say why', async () => {
    await worker.repair(['strava']);
    application.sandbox.provider('strava').misbehave({ endpoint: 'endpoint', type: 'status', code: 503 });
    await worker.repair(['strava']);
    await endAllTrouble(application);
    expect(await stateOf('strava')).toMatchObject([{ state: 'failed', errorCode: 'PROVIDER_UNAVAILABLE' }]);
    expect(await stravaRow()).toMatchObject({ onlyId: '99001' });
    const [row] = await queryDatabase<{ soon: boolean }>(
      application.databaseUrl,
      `SELECT due_at BETWEEN now() AND now() + interval '2 minutes' AS soon FROM subscriptions WHERE provider = 'strava'`,
    );
    expect(row).toEqual({ soon: true });
    await worker.repair(['strava']);
    expect(await stateOf('strava')).toMatchObject([{ state: 'active', errorCode: null }]);
    expect(await stravaRow()).toMatchObject({ onlyId: '99001' });
  });

  it('are listed and repaired from the command line, which names a missing setting', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-subscriptions-'));
    const environment = {
      ENVIRONMENT_NAME: 'test',
      DATABASE_URL: application.databaseUrl,
      ENCRYPTION_ROOT_KEY: application.rootKey,
      STRAVA_CLIENT_ID: sandboxClientId('strava'),
      STRAVA_CLIENT_SECRET: sandboxClientSecret('strava'),
    };
    const cli = async (...words: readonly string[]) => {
      const program = startProcess(
        [join(checkout, 'bin/cufflink.js'), '--json', 'subscriptions', ...words],
        directory,
        environment,
      );
      const { status } = await program.ended();
      expect({ status, stderr: program.stderr() }).toMatchObject({ stderr: '' });
      return { status, ...(JSON.parse(program.stdout()) as { subscriptions: (SubscriptionSummary & object)[] }) };
    };
    try {
      const listed = await cli('list');
      expect(listed.status).toBe(0);
      expect(listed.subscriptions).toContainEqual(expect.objectContaining({ provider: 'strava', state: 'active' }));
      const repaired = await cli('repair', 'strava');
      expect(repaired.status).toBe(1);
      expect(repaired.subscriptions).toContainEqual(
        expect.objectContaining({
          provider: 'strava',
          state: 'not_configured',
          remedy: expect.stringContaining('STRAVA_HOOK_VERIFY_TOKEN') as unknown,
        }),
      );
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('subscriptions of a user', () => {
  it('are created after the link, and removed at unlink before the grant ends', async () => {
    await linkAccount(application, 'withings-user', 'withings', { account: '7102' });
    expect(await profilesOf('withings-user')).toEqual([]);
    await readEvents(application);
    await drain();
    expect(await stateOf('withings')).toMatchObject([{ scope: 'user', state: 'active', count: 1 }]);
    expect(await profilesOf('withings-user')).toHaveLength(withingsTopics);
    await application.api.delete('/v1/users/withings-user/connections/withings').expect(200);
    expect(await stateOf('withings')).toEqual([]);
    // The same account again, whose subscriptions nobody has created yet.
    await linkAccount(application, 'withings-user', 'withings', { account: '7102' });
    expect(await profilesOf('withings-user')).toEqual([]);
  });

  it('are repaired after the user has linked again', async () => {
    await linkAccount(application, 'withings-again', 'withings', { account: '7103' });
    await readEvents(application);
    await drain();
    await callWithings('withings-again', { action: 'revoke', appli: '46', callbackurl: settingsOf('withings').url });
    expect(await profilesOf('withings-again')).toHaveLength(withingsTopics - 1);
    await linkAccount(application, 'withings-again', 'withings', { account: '7103' });
    expect(typesOf(await eventsOf(application, 'withings-again'))).toContain('connection.relinked');
    await drain();
    expect(await profilesOf('withings-again')).toHaveLength(withingsTopics);
  });

  it('are created for users who had linked before there were subscriptions', async () => {
    const users = ['withings-early-1', 'withings-early-2'];
    await Promise.all(users.map((user) => linkAccount(application, user, 'withings')));
    await readEvents(application);
    await drain();
    await queryDatabase(application.databaseUrl, 'DELETE FROM subscriptions WHERE user_id = ANY ($1)', [users]);
    const store = application.app.get(SubscriptionStore, { strict: false });
    let last: string | null = '';
    while (last !== null) {
      last = await store.addOfUsers('withings', last, 1);
    }
    expect((await Promise.all(users.map((user) => store.listOfUser(user)))).flat()).toMatchObject([
      { state: 'pending' },
      { state: 'pending' },
    ]);
    // Those who had one kept theirs.
    expect(await stateOf('withings')).toContainEqual(expect.objectContaining({ state: 'active' }));
    await drain();
  });

  it('are removed at unlink where no foreign key can refer to the connection', async () => {
    await queryDatabase(
      application.databaseUrl,
      'ALTER TABLE subscriptions DROP CONSTRAINT IF EXISTS subscriptions_connection',
    );
    await linkAccount(application, 'withings-apart', 'withings');
    await readEvents(application);
    const store = application.app.get(SubscriptionStore, { strict: false });
    await store.follow(['withings']);
    expect(await store.listOfUser('withings-apart')).toHaveLength(1);
    await application.api.delete('/v1/users/withings-apart/connections/withings').expect(200);
    expect(await store.listOfUser('withings-apart')).toEqual([]);
  });

  it('do not keep a grant alive when the provider refuses to remove them', async () => {
    await linkAccount(application, 'withings-stuck', 'withings', { account: '7104' });
    await readEvents(application);
    await drain();
    application.sandbox.provider('withings').misbehave({ endpoint: 'endpoint', type: 'status', code: 400 });
    const response = await application.api.delete('/v1/users/withings-stuck/connections/withings').expect(200);
    await endAllTrouble(application);
    expect(response.body).toMatchObject({ provider_revocation: 'revoked' });
  });
});

function settingsOf(slug: string): NotificationSettings {
  return application.app.get(ProviderRegistry).get(slug).settings.notifications;
}

/** Checks all that is due. */
async function drain(): Promise<void> {
  const count = async (): Promise<number> => {
    const [row] = await queryDatabase<{ count: number }>(
      application.databaseUrl,
      'SELECT count(*)::int AS count FROM subscriptions WHERE due_at <= now()',
    );
    return row?.count ?? 0;
  };
  do {
    await worker.sweep();
  } while ((await count()) > 0);
}

async function stateOf(slug: string): Promise<SubscriptionSummary[]> {
  return (await worker.list()).filter(({ provider }) => provider === slug);
}

async function stravaRow(): Promise<{ onlyId: string | null; isDue: boolean } | undefined> {
  const [row] = await queryDatabase<{ onlyId: string | null; isDue: boolean }>(
    application.databaseUrl,
    `SELECT only_id AS "onlyId", due_at <= now() AS "isDue" FROM subscriptions WHERE provider = 'strava'`,
  );
  return row;
}

async function stravaSubscriptions(): Promise<Record<string, unknown>[]> {
  return (await callStrava('GET', '')) as Record<string, unknown>[];
}

async function callStrava(method: 'GET' | 'DELETE', path: string): Promise<unknown> {
  const query = new URLSearchParams({
    client_id: sandboxClientId('strava'),
    client_secret: sandboxClientSecret('strava'),
  });
  const base = `${application.sandbox.provider('strava').url}/api/v3/push_subscriptions`;
  const { body } = await request(`${base}${path}?${query.toString()}`, { method });
  const text = await body.text();
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

/** The categories that a user is subscribed to at Withings. */
async function profilesOf(userId: string): Promise<unknown[]> {
  return (await callWithings(userId, { action: 'list' })).body.profiles ?? [];
}

async function callWithings(
  userId: string,
  fields: Readonly<Record<string, string>>,
): Promise<{ body: { profiles?: unknown[] } }> {
  const token = await application.api.get(`/v1/users/${userId}/connections/withings/token`).expect(200);
  const { body } = await request(`${application.sandbox.provider('withings').url}/notify`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${(token.body as { access_token: string }).access_token}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(fields).toString(),
  });
  return (await body.json()) as { body: { profiles?: unknown[] } };
}
