import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { calls, connected, refused, returnUrl, sendCallback, startReplica } from '../support/observed-application.js';
import { approvedLink, newUser, pathOf, startLink } from '../support/linking.js';
import { queryDatabase } from '../support/test-database.js';

let application: TestApplication;

beforeAll(async () => {
  application = await startApplication({ environment: { RETURN_URLS: returnUrl } });
});
afterAll(() => application.close());

async function countLinks(user: string, provider?: string): Promise<number> {
  const rows = await queryDatabase(
    application.databaseUrl,
    'SELECT 1 FROM links WHERE user_id = $1 AND ($2::text IS NULL OR provider = $2)',
    [user, provider ?? null],
  );
  return rows.length;
}

async function bytesOfLinks(user: string): Promise<number> {
  const [row] = await queryDatabase<{ bytes: number }>(
    application.databaseUrl,
    'SELECT sum(pg_column_size(links.*))::int AS bytes FROM links WHERE user_id = $1',
    [user],
  );
  return row?.bytes ?? 0;
}

/** Starts so many links in a row, as fast as they can be started. */
async function startMany(user: string, provider: string, times: number, body: object = {}): Promise<void> {
  for (let at = 0; at < times; at += 1) {
    await startLink(application, user, provider, body);
  }
}

/** Scopes of so many bytes together that have nothing in common, so that PostgreSQL cannot shorten them. */
function scopesOf(bytes: number): string[] {
  return Array.from({ length: bytes / 32 }, (_, at) => hash('sha256', `scope ${at}`, 'base64url').slice(0, 31));
}

describe('the links of one user', () => {
  it('are five at a provider: of two hundred starts in a row the last ones are left, and work (AR-28)', async () => {
    const user = newUser();
    const first = await approvedLink(application, 'whoop', { user });
    await startMany(user, 'whoop', 200, { return_url: returnUrl });
    const last = await approvedLink(application, 'whoop', { user });
    const before = calls(application, 'whoop');

    expect(await countLinks(user)).toBe(5);
    expect(await sendCallback(application, pathOf(first.callback))).toEqual(refused);
    expect(calls(application, 'whoop')).toBe(before);
    expect(await sendCallback(application, pathOf(last.callback))).toEqual(connected);
  });

  it('are twenty in all, and others are not touched by them (AR-28)', async () => {
    const [user, other] = [newUser(), newUser()];
    const theirs = await approvedLink(application, 'whoop', { user: other });
    const slugs = ['whoop', 'oura', 'fitbit', 'garmin', 'polar', 'withings', 'wahoo'];
    for (const slug of slugs) {
      await startMany(user, slug, 6);
    }

    expect(await countLinks(user)).toBe(20);
    expect(await Promise.all(slugs.map((slug) => countLinks(user, slug)))).toEqual([0, 0, 0, 5, 5, 5, 5]);
    expect(await sendCallback(application, pathOf(theirs.callback))).toEqual(connected);
  });

  it('with the defense off (no limit) are as many as are started (AR-28)', async () => {
    const unlimited = await startReplica(application, {
      environment: { LINKS_PER_PROVIDER: '1000', LINKS_PER_USER: '1000' },
    });
    try {
      const user = newUser();
      for (let at = 0; at < 200; at += 1) {
        await startLink(unlimited, user, 'whoop');
      }
      expect(await countLinks(user)).toBe(200);
    } finally {
      await unlimited.close();
    }
  });

  it('are few too when all are started at the same moment (AR-28)', async () => {
    const user = newUser();
    await Promise.all(Array.from({ length: 50 }, () => startLink(application, user, 'whoop')));
    await startLink(application, user, 'whoop');

    expect(await countLinks(user)).toBe(5);
  });

  it('that have ended make room before those that are open (AR-28)', async () => {
    const user = newUser();
    const open = await Promise.all([1, 2, 3].map(() => approvedLink(application, 'whoop', { user })));
    for (let at = 0; at < 10; at += 1) {
      const { state } = await startLink(application, user, 'whoop');
      await application.browser.get(`/v1/oauth/whoop/callback?state=${state}&error=access_denied`).expect(403);
    }

    expect(await countLinks(user)).toBe(5);
    for (const { callback } of open) {
      expect(await sendCallback(application, pathOf(callback))).toEqual(connected);
    }
  });

  it('that are being redeemed stay, so that their connection does (AR-28)', async () => {
    const user = newUser();
    const { callback } = await approvedLink(application, 'whoop', { user });
    application.sandbox.provider('whoop').misbehave({ endpoint: 'token', type: 'slow', ms: 1_500 });
    const before = calls(application, 'whoop');
    const redeemed = sendCallback(application, pathOf(callback));
    while (calls(application, 'whoop') === before) {
      await new Promise((resolve) => setImmediate(resolve));
    }

    await startMany(user, 'whoop', 8);

    expect(await redeemed).toEqual(connected);
    await application.api.get(`/v1/users/${user}/connections/whoop/token`).expect(200);
  });

  it('that wait to be confirmed are voided like open ones (AR-28, AR-04)', async () => {
    const user = newUser();
    const body = { return_url: returnUrl, require_confirmation: true };
    const { linkWebUrl } = await startLink(application, user, 'whoop', body);
    const response = await application.browser.get(pathOf(await consent(linkWebUrl))).expect(303);
    const told = new URL(String(response.headers['location'])).searchParams;
    await startMany(user, 'whoop', 5);

    const confirmed = await application.api
      .post(`/v1/links/${told.get('link_id')}/confirm`)
      .send({ user_id: user, confirmation_code: told.get('confirmation_code') })
      .expect(403);
    expect(confirmed.body).toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
  });
});

describe('the link sessions of one user', () => {
  it('are twenty: the oldest cannot be opened any longer (AR-28)', async () => {
    const user = newUser();
    const tokens: string[] = [];
    for (let at = 0; at < 30; at += 1) {
      const response = await application.api.post('/v1/link-sessions').send({ user_id: user }).expect(201);
      tokens.push((response.body as { link_token: string }).link_token);
    }

    const statuses = await Promise.all(
      tokens.map(async (token) => (await application.browser.get('/connect').query({ link_token: token })).status),
    );
    expect(statuses).toEqual([...Array<number>(10).fill(403), ...Array<number>(20).fill(200)]);
  });
});

describe('the scopes that a link asks for', () => {
  const path = (user: string) => `/v1/users/${user}/connections/whoop/link`;

  it('are refused when those beside the default ones are long, before anything is kept (AR-28)', async () => {
    const user = newUser();

    const response = await application.api
      .post(path(user))
      .send({ scopes: scopesOf(544) })
      .expect(400);

    expect(response.body).toMatchObject({ code: 'REQUEST_INVALID', detail: expect.stringContaining('512 bytes') });
    expect(await countLinks(user)).toBe(0);
    await application.api
      .post(path(user))
      .send({ scopes: Array.from({ length: 10 }, (_, at) => `${'x'.repeat(190)}${at}`) })
      .expect(400);
  });

  it('may be all of the default ones and 512 bytes more, and each is requested once (AR-28)', async () => {
    const defaults = ['offline', 'read:recovery', 'read:cycles', 'read:sleep', 'read:workout', 'read:profile'];
    const scopes = [...defaults, ...defaults, ...scopesOf(512)];

    const { linkWebUrl } = await startLink(application, newUser(), 'whoop', { scopes });

    expect(new URL(linkWebUrl).searchParams.get('scope')?.split(' ')).toEqual([...new Set(scopes)]);
  });

  it('leave a user who requests as much as possible with a few kilobytes (AR-28)', async () => {
    const user = newUser();
    await startMany(user, 'whoop', 60, { scopes: scopesOf(512) });
    await startMany(user, 'oura', 60, { scopes: scopesOf(512) });

    expect(await bytesOfLinks(user)).toBeLessThan(20 * 2_048);
  });
});
