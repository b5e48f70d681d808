import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NotificationWorker } from '../../src/hooks/notification-worker.js';
import { sandboxHookSecret, sandboxVerifyToken } from '../../src/provider-kit/definition/notification-settings.js';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import type { NotificationOrder } from '../../src/sandbox/orders/notifier.js';
import { AccountLookupWorker } from '../../src/tokens/accounts/account-lookup.worker.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { changeRows, countRows, deleteRows, hideTable, passTimeInRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { request } from '../../src/sandbox/testing/request.js';

const pathSecret = 'not-a-real-path-secret';

let application: TestApplication;
let url: string;
let accounts = 8_000;

beforeAll(async () => {
  application = await startApplication({
    environment: {
      // Off, because it has no credentials and the sandbox is switched off for nothing else.
      WAHOO_CLIENT_ID: 'wahoo-client',
      WAHOO_CLIENT_SECRET: 'wahoo-secret-not-a-real-secret',
      STRAVA_CLIENT_ID: 'strava-client',
      STRAVA_CLIENT_SECRET: 'strava-secret-not-a-real-secret',
      STRAVA_HOOK_PATH_SECRET: pathSecret,
      STRAVA_HOOK_VERIFY_TOKEN: 'strava-verify-not-a-real-token',
    },
  });
  url = await application.app.getUrl();
});
afterAll(() => application.close());

describe('the check of a URL', () => {
  it.each([
    ['oura', `verification_token=${sandboxVerifyToken('oura')}&challenge=abc-123`, 200, { challenge: 'abc-123' }],
    ['oura', 'verification_token=wrong&challenge=abc-123', 401, undefined],
    ['oura', 'challenge=abc-123', 401, undefined],
    ['oura', `verification_token=${sandboxVerifyToken('oura')}&challenge=%3Cscript%3E`, 401, undefined],
    ['oura', `verification_token=${sandboxVerifyToken('oura')}&challenge=a&challenge=b`, 401, undefined],
    ['fitbit', `verify=${sandboxVerifyToken('fitbit')}`, 204, undefined],
    ['fitbit', 'verify=wrong', 404, undefined],
    ['coros', '', 200, { message: 'ok', result: '0000' }],
  ])('by GET at %s with "%s" gets %i', async (slug, query, status, body) => {
    const response = await application.browser.get(`/v1/hooks/${slug}?${query}`).expect(status);
    expect(response.text).toBe(body === undefined ? '' : JSON.stringify(body));
  });

  it('by GET at Strava has the challenge under its own name, and 403 for a wrong token', async () => {
    const call = (token: string) =>
      application.browser
        .get(`/v1/hooks/strava/${pathSecret}`)
        .query({ 'hub.mode': 'subscribe', 'hub.challenge': 'xyz', 'hub.verify_token': token });
    const right = await call('strava-verify-not-a-real-token').expect(200);
    expect(right.body).toEqual({ 'hub.challenge': 'xyz' });
    await call('another-token').expect(403);
  });

  it('by HEAD gets 200 at Withings, and 404 where the provider does not check so', async () => {
    await application.browser.head('/v1/hooks/withings').expect(200);
    await application.browser.head('/v1/hooks/whoop').expect(404);
    await application.browser.get('/v1/hooks/whoop').expect(404);
  });

  it('by POST gets its status, at Google only with the secret', async () => {
    const google = () => application.browser.post('/v1/hooks/google-health');
    const body = { type: 'verification' };
    await application.browser.post('/v1/hooks/polar').send({ event: 'PING' }).expect(200);
    await google().set('authorization', sandboxHookSecret('google-health')).send(body).expect(200);
    await google().set('authorization', 'Bearer wrong').send(body).expect(401);
    await google().send(body).expect(401);
    expect(await countRows(application.databaseUrl, 'notifications')).toBe(0);
  });
});

describe('a hook', () => {
  it.each(['nobody', 'dexcom', 'hexoskin'])('is not there for %s, which sends nothing', async (slug) => {
    for (const path of [`/v1/hooks/${slug}`, `/v1/hooks/${slug}/a-path-secret-of-nobody`]) {
      const response = await application.browser.post(path).send({}).expect(404);
      expect(response.body).toMatchObject({ code: 'ROUTE_NOT_FOUND' });
    }
  });

  it('with a path secret is at no other path', async () => {
    const event = { object_type: 'activity', owner_id: 1, aspect_type: 'create', object_id: 2 };
    await application.browser.post('/v1/hooks/strava').send(event).expect(404);
    await application.browser.post('/v1/hooks/strava/another-path-secret').send(event).expect(404);
    await application.browser.post(`/v1/hooks/strava/${pathSecret}`).send(event).expect(200);
    await application.browser.post(`/v1/hooks/garmin/${pathSecret}`).send({}).expect(404);
  });

  it('refuses everything where the secret of its proof is not set', async () => {
    await application.browser
      .post('/v1/hooks/wahoo')
      .send({ webhook_token: '', user: { id: 1 } })
      .expect(401);
  });

  it.each([
    ['whoop', 256 * 1024],
    ['garmin', 10 * 1024 * 1024],
  ])('of %s takes a body of %i bytes and no more, told or not (AR-14)', async (slug, bytes) => {
    const send = async (size: number, isChunked: boolean): Promise<number> => {
      const whole = Buffer.alloc(size, ' ');
      async function* chunks(): AsyncGenerator<Buffer> {
        for (let at = 0; at < size; at += 64 * 1024) {
          yield whole.subarray(at, at + 64 * 1024);
        }
      }
      const { statusCode, body } = await request(`${url}/v1/hooks/${slug}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: isChunked ? Readable.from(chunks()) : whole,
      });
      await body.dump();
      return statusCode;
    };
    for (const isChunked of [false, true]) {
      expect(await send(bytes, isChunked)).toBe(401);
      expect(await send(bytes + 1, isChunked)).toBe(413);
    }
  });

  it('responds with 503 and stores nothing while the database is away', async () => {
    const { account } = await link('huawei-health-kit');
    const [sent] = await prepare('huawei-health-kit', { kind: 'deauthorized', accountIds: [account] });
    const bringBack = await hideTable(application.databaseUrl, 'notifications');
    try {
      const { statusCode, body } = await request(`${url}/v1/hooks/huawei-health-kit`, { method: 'POST', ...sent });
      await body.dump();
      expect(statusCode).toBeGreaterThanOrEqual(500);
    } finally {
      await bringBack();
    }
  });
});

describe('an unproven withdrawal', () => {
  it('of a user who is still connected leaves the connection as it is, and tries no refresh token', async () => {
    const { user, account } = await link('garmin');
    await send('garmin', { kind: 'deauthorized', accountIds: [account] });
    const before = application.sandbox.provider('garmin').history.length;
    await work();
    const calls = application.sandbox.provider('garmin').history.slice(before);
    expect(calls.map(({ kind, outcome }) => [kind, outcome])).toEqual([['account', 'ok']]);
    expect(await statusOf(user, 'garmin')).toMatchObject({ status: 'active', reason: null });
  });

  it('of a withdrawn user makes the refresh due, and its first refusal is confirmed in 5 minutes (R-13)', async () => {
    const { user, account } = await link('garmin');
    application.sandbox.provider('garmin').revokeGrant(account);
    await send('garmin', { kind: 'deauthorized', accountIds: [account] });
    await work();
    expect(await statusOf(user, 'garmin')).toMatchObject({ status: 'active' });
    expect(await rowOf(user)).toEqual({ due: true, corroborated: true });
  });

  it('for many users has only 50 of them asked for in ten minutes', async () => {
    await deleteRows(application.databaseUrl, 'notifications');
    const linked = [];
    for (let at = 0; at < 8; at += 1) {
      linked.push(await link('withings'));
    }
    await send('withings', { kind: 'deauthorized', accountIds: linked.map(({ account }) => account) });
    // Others have used up all but one.
    await queryDatabase(
      application.databaseUrl,
      `INSERT INTO notifications (user_id, provider, digest, kind, proven, hint, repeatable_at, done_at, outcome)
       SELECT $1, 'withings', decode(lpad(to_hex(number), 8, '0'), 'hex'), 'deauthorized', false, false, now() + interval '1 hour', now(), 'checked'
       FROM generate_series(1, 49) AS number`,
      [linked[0]?.user],
    );
    await changeRows(application.databaseUrl, 'notifications', { due_at: null }, { user_id: String(linked[0]?.user) });
    await sweep();
    const due = await queryDatabase<{ count: number }>(
      application.databaseUrl,
      `SELECT count(*)::int AS count FROM notifications WHERE due_at IS NOT NULL AND due_at > now() + interval '30 seconds'`,
    );
    // Of the seven that are due, one is checked.
    expect(due).toEqual([{ count: 6 }]);
  });
});

describe('the defenses', () => {
  it('keep a forged withdrawal from ending a connection: without the proof it ends it (TE-13)', async () => {
    const slug = 'huawei-health-kit';
    const channel = application.app.get(ProviderRegistry).get(slug).definition.notifications?.channels[0];
    const { user, account } = await link(slug);
    const forged: NotificationOrder = { kind: 'deauthorized', accountIds: [account], isForged: true };
    expect(await send(slug, forged)).toEqual([401]);
    await sweep();
    expect(await statusOf(user, slug)).toMatchObject({ status: 'active' });
    const { proof } = channel ?? {};
    Object.assign(channel ?? {}, { proof: { kind: 'token', tokens: [] } });
    try {
      expect(await send(slug, forged)).toEqual([204]);
      await sweep();
    } finally {
      Object.assign(channel ?? {}, { proof });
    }
    expect(await statusOf(user, slug)).toMatchObject({ status: 'needs_relink', reason: 'deauthorized' });
  });

  it('keep a late withdrawal from ending a newer link: an older link ends (TE-13)', async () => {
    const slug = 'huawei-health-kit';
    const { user, account } = await link(slug);
    const late: NotificationOrder = { kind: 'deauthorized', accountIds: [account], lateByMs: 3_600_000 };
    const [sent] = await prepare(slug, late);
    await post(slug, sent);
    await sweep();
    expect(await statusOf(user, slug)).toMatchObject({ status: 'active', reason: null });
    await passTimeInRows(application.databaseUrl, 'connections', ['linked_at'], 2 * 3_600, { user_id: user });
    await deleteRows(application.databaseUrl, 'notifications', { user_id: user });
    await post(slug, sent);
    await sweep();
    expect(await statusOf(user, slug)).toMatchObject({ status: 'needs_relink', reason: 'deauthorized' });
  });

  it('keep a repeated notification from counting twice: without the row it counts again', async () => {
    const { user, account } = await link('whoop');
    const [sent] = await prepare('whoop', { kind: 'data', accountIds: [account] });
    await post('whoop', sent);
    await sweep();
    await post('whoop', sent);
    await sweep();
    expect(await countEvents(user)).toBe(1);
    await deleteRows(application.databaseUrl, 'notifications', { user_id: user });
    await post('whoop', sent);
    await sweep();
    expect(await countEvents(user)).toBe(2);
  });
});

describe('a proven withdrawal', () => {
  it('waits for a refresh in flight, and ends the connection behind it', async () => {
    const slug = 'huawei-health-kit';
    const { user, account } = await link(slug);
    await changeRows(application.databaseUrl, 'connections', { attempt_started_at: 'now' }, { user_id: user });
    await send(slug, { kind: 'deauthorized', accountIds: [account] });
    await sweep();
    expect(await statusOf(user, slug)).toMatchObject({ status: 'active' });
    await changeRows(application.databaseUrl, 'connections', { attempt_started_at: null }, { user_id: user });
    await changeRows(application.databaseUrl, 'notifications', { due_at: 'now' }, { user_id: user });
    await sweep();
    expect(await statusOf(user, slug)).toMatchObject({ status: 'needs_relink', reason: 'deauthorized' });
  });
});

// The last one: it sets the clock forward, and links after it would be older than they are.
describe('a late repetition', () => {
  it('of WHOOP is not lost, although it may have the timestamp of the first try an hour ago', async () => {
    const { user, account } = await link('whoop');
    const [first, second] = await prepareTwo('whoop', account);
    application.clock.advance(3_600_000);
    await post('whoop', first);
    await sweep();
    expect(await countEvents(user)).toBe(1);
    application.clock.advance(3_600_001);
    const { statusCode, body } = await request(`${url}/v1/hooks/whoop`, { method: 'POST', ...second });
    await body.dump();
    expect(statusCode).toBe(401);
  });
});

async function link(slug: string): Promise<{ user: string; account: string }> {
  accounts += 1;
  const [user, account] = [`hooked-${accounts}`, String(accounts)];
  await linkAccount(application, user, slug, { account });
  return { user, account };
}

function prepare(slug: string, order: NotificationOrder) {
  return application.sandbox.provider(slug).notifier.prepare(order);
}

async function prepareTwo(slug: string, account: string) {
  const order: NotificationOrder = { kind: 'data', accountIds: [account] };
  return [...(await prepare(slug, order)), ...(await prepare(slug, order))];
}

function send(slug: string, order: NotificationOrder): Promise<number[]> {
  return application.sandbox.provider(slug).notifier.send(`${url}/v1/hooks/${slug}`, order);
}

async function post(
  slug: string,
  sent: { headers: Readonly<Record<string, string>>; body: string } | undefined,
): Promise<void> {
  const { statusCode, body } = await request(`${url}/v1/hooks/${slug}`, { method: 'POST', ...sent });
  await body.dump();
  expect(statusCode).toBeLessThan(300);
}

/** Processes what was stored. */
async function sweep(): Promise<void> {
  while ((await application.app.get(NotificationWorker, { strict: false }).sweep()) === 0);
}

/** The same, and asks the provider for what is due. */
async function work(): Promise<void> {
  await sweep();
  await application.app.get(AccountLookupWorker, { strict: false }).sweep();
}

async function statusOf(user: string, slug: string): Promise<object> {
  return (await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(200)).body as object;
}

async function rowOf(user: string): Promise<object | undefined> {
  const [row] = await queryDatabase(
    application.databaseUrl,
    `SELECT refresh_due_at <= now() AS due, access_rejected_at IS NOT NULL AS corroborated FROM connections WHERE user_id = $1`,
    [user],
  );
  return row;
}

function countEvents(user: string): Promise<number> {
  return countRows(application.databaseUrl, 'events', { user_id: user, type: 'data.available' });
}
