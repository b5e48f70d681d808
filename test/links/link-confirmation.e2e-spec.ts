import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApiKeysService } from '../../src/access/api-keys.service.js';
import { hashOneTimeSecret, createOneTimeSecret } from '../../src/links/store/one-time-secret.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { consent, type ConsentOptions } from '../../src/sandbox/testing/consent.js';
import { startLink } from '../support/linking.js';
import { changeRows, passTimeInRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { isConnected } from '../support/connection-bodies.js';
import { redemptions } from '../support/fake-providers.js';

const returnUrl = 'https://app.example.com/devices';
const settings = { RETURN_URLS: returnUrl };
/** OAuth 2.0 with and without PKCE, OAuth 1.0a, and a provider that sends the browser back with a form. */
const slugs = ['whoop', 'fitbit', 'garmin-oauth1', 'apple-health'];
const refused = { status: 403, code: 'AUTHORIZATION_STATE_INVALID' };

interface Unconfirmed {
  readonly linkId: string;
  readonly code: string;
  readonly expiresAt: Date;
  /** The callback that the browser brought from the provider. */
  readonly callback: URL;
}

let application: TestApplication;
let replica: TestApplication;
let users = 0;

beforeAll(async () => {
  application = await startApplication({ environment: settings });
  const { databaseUrl, rootKey, sandbox, clock } = application;
  replica = await startApplication({ databaseUrl, rootKey, sandbox, clock, environment: settings });
});
afterAll(async () => {
  await replica.close();
  await application.close();
});

function newUser(): string {
  users += 1;
  return `user-${users}`;
}

/** Brings the browser back, as the provider does. */
async function comeBack(callback: URL, slug: string): Promise<URL> {
  const { pathname, search } = callback;
  const response =
    slug === 'apple-health'
      ? await application.browser.post(pathname).type('form').send(search.slice(1))
      : await application.browser.get(pathname + search);
  expect(response.status).toBe(303);
  return new URL(String(response.headers['location']));
}

/** A link that has come back and waits for the company's word. */
async function unconfirmedLink(user: string, slug: string, options: ConsentOptions = {}): Promise<Unconfirmed> {
  const body = { return_url: returnUrl, require_confirmation: true };
  const { linkWebUrl } = await startLink(application, user, slug, body);
  const callback = await consent(linkWebUrl, options);
  const { searchParams } = await comeBack(callback, slug);
  expect([...searchParams.keys()]).toEqual(['status', 'provider', 'link_id', 'confirmation_code', 'expires_at']);
  expect(searchParams.get('status')).toBe('confirmation_required');
  expect(searchParams.get('provider')).toBe(slug);
  return {
    linkId: String(searchParams.get('link_id')),
    code: String(searchParams.get('confirmation_code')),
    expiresAt: new Date(String(searchParams.get('expires_at'))),
    callback,
  };
}

/** The company's service says who is signed in where the browser came back to. */
async function confirm(
  { linkId, code }: Pick<Unconfirmed, 'linkId' | 'code'>,
  user: string,
  { api } = application,
): Promise<{ status: number; code: unknown }> {
  const response = await api.post(`/v1/links/${linkId}/confirm`).send({ user_id: user, confirmation_code: code });
  return { status: response.status, code: (response.body as { code?: unknown }).code };
}

async function findOutcome(linkId: string): Promise<unknown> {
  const rows = await queryDatabase<{ outcome: string | null; sealed: Buffer | null }>(
    application.databaseUrl,
    'SELECT outcome, sealed FROM links WHERE id = $1',
    [linkId],
  );
  return rows[0];
}

describe('a link that must be confirmed', () => {
  it.each(slugs)('to %s is redeemed when the company confirms its user, not before (AR-04)', async (slug) => {
    const user = newUser();
    const before = redemptions(application, slug);
    const link = await unconfirmedLink(user, slug);
    expect(redemptions(application, slug)).toBe(before);
    expect(await isConnected(application, user, slug)).toBe(false);

    const response = await application.api
      .post(`/v1/links/${link.linkId}/confirm`)
      .send({ user_id: user, confirmation_code: link.code })
      .expect(200);

    expect(redemptions(application, slug)).toBe(before + 1);
    const connection = await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(200);
    const { connection_id: id } = connection.body as { connection_id: string };
    expect(response.body).toMatchObject({ success: true, provider: slug, connection_id: id });
    await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(200);
    expect(await findOutcome(link.linkId)).toEqual({ outcome: 'connected', sealed: null });
    expect((await auditEntriesOf(application, user)).slice(0, 3)).toEqual([
      'link.started success api-key',
      'link.confirmed success api-key',
      'link.completed success api-key',
    ]);
  });

  it.each(slugs)(
    'forwarded to a victim links nothing at %s: the company sees another user than it was started for (AR-04, O1-05)',
    async (slug) => {
      const [attacker, victim] = [newUser(), newUser()];
      const before = redemptions(application, slug);
      const link = await unconfirmedLink(attacker, slug, { account: '666001' });

      expect(await confirm(link, victim)).toEqual({ status: 403, code: 'LINK_USER_MISMATCH' });

      expect(redemptions(application, slug)).toBe(before);
      expect(await isConnected(application, attacker, slug)).toBe(false);
      expect(await isConnected(application, victim, slug)).toBe(false);
      expect(await findOutcome(link.linkId)).toEqual({ outcome: 'user_mismatch', sealed: null });
      expect(await auditEntriesOf(application, attacker)).toEqual([
        'link.started success api-key',
        'link.failed denied api-key LINK_USER_MISMATCH',
      ]);
      // The link has ended: the attacker cannot confirm it afterwards.
      expect(await confirm(link, attacker)).toEqual(refused);
      expect(redemptions(application, slug)).toBe(before);
    },
  );

  it.each(['whoop', 'garmin-oauth1'])(
    "with the defense off (no confirmation) a forwarded link to %s gives the attacker the victim's account (AR-04)",
    async (slug) => {
      const attacker = newUser();
      const { linkWebUrl } = await startLink(application, attacker, slug, { return_url: returnUrl });

      const callback = await consent(linkWebUrl, { account: '666002' });
      await comeBack(callback, slug);

      expect(await isConnected(application, attacker, slug)).toBe(true);
    },
  );

  it('that nobody confirms is never redeemed (AR-04)', async () => {
    const user = newUser();
    const before = redemptions(application, 'whoop');
    const { linkId } = await unconfirmedLink(user, 'whoop');
    await changeRows(application.databaseUrl, 'links', { held_until: 'now' }, { id: linkId });

    expect(redemptions(application, 'whoop')).toBe(before);
    expect(await isConnected(application, user, 'whoop')).toBe(false);
  });

  it('is not confirmed before its callback (AR-04)', async () => {
    const user = newUser();
    const before = redemptions(application, 'whoop');
    const started = await application.api
      .post(`/v1/users/${user}/connections/whoop/link`)
      .send({ return_url: returnUrl, require_confirmation: true })
      .expect(201);
    const { link_id: linkId, state } = started.body as { link_id: string; state: string };

    expect(await confirm({ linkId, code: createOneTimeSecret() }, user)).toEqual(refused);
    expect(await confirm({ linkId, code: state }, user)).toEqual(refused);
    expect(redemptions(application, 'whoop')).toBe(before);
  });

  it('is confirmed once, however many confirm it at the same moment at two instances (AR-04)', async () => {
    const user = newUser();
    const link = await unconfirmedLink(user, 'whoop', { account: '4713' });
    const before = redemptions(application, 'whoop');

    const responses = await Promise.all(
      Array.from({ length: 50 }, (_, index) => confirm(link, user, index % 2 === 0 ? application : replica)),
    );

    expect(responses.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(responses.filter(({ code }) => code === refused.code)).toHaveLength(49);
    expect(await confirm(link, user)).toEqual(refused);
    expect(redemptions(application, 'whoop')).toBe(before + 1);
    await application.api.get(`/v1/users/${user}/connections/whoop/token`).expect(200);
  });

  it('is not confirmed with the code of another link, a made-up one, or on an id that does not exist (AR-04)', async () => {
    const [user, other] = [newUser(), newUser()];
    const [mine, theirs] = [await unconfirmedLink(user, 'whoop'), await unconfirmedLink(other, 'whoop')];
    const before = redemptions(application, 'whoop');

    expect(await confirm({ linkId: mine.linkId, code: theirs.code }, user)).toEqual(refused);
    expect(await confirm({ linkId: mine.linkId, code: createOneTimeSecret() }, user)).toEqual(refused);
    expect(await confirm({ linkId: '00000000-0000-4000-8000-000000000000', code: mine.code }, user)).toEqual(refused);
    expect(redemptions(application, 'whoop')).toBe(before);
    const entry = 'link.failed denied api-key AUTHORIZATION_STATE_INVALID';
    // The one of no link is about nobody.
    expect((await auditEntriesOf(application, user)).slice(1)).toEqual([entry, entry]);

    expect(await confirm(mine, user)).toMatchObject({ status: 200 });
    expect(await confirm(theirs, other)).toMatchObject({ status: 200 });
  });

  it.each([
    ['withings', 30],
    ['dexcom', 60],
    ['fitbit', 600],
    ['whoop', 600],
    ['garmin-oauth1', 600],
  ])(
    'to %s waits as long as the provider takes its code, %i seconds, and is refused afterwards (AR-04)',
    async (slug, life) => {
      const user = newUser();
      const [{ now } = { now: new Date(0) }] = await queryDatabase<{ now: Date }>(
        application.databaseUrl,
        'SELECT now()',
      );
      const link = await unconfirmedLink(user, slug);
      const waitSeconds = (link.expiresAt.getTime() - now.getTime()) / 1_000;
      expect(waitSeconds).toBeGreaterThanOrEqual(life);
      expect(waitSeconds).toBeLessThan(life + 20);
      const before = redemptions(application, slug);

      await passTimeInRows(application.databaseUrl, 'links', ['held_until'], life, { id: link.linkId });

      expect(await confirm(link, user)).toEqual(refused);
      expect(redemptions(application, slug)).toBe(before);
      expect(await isConnected(application, user, slug)).toBe(false);
    },
  );

  it('is refused when the settings of the provider changed between its callback and its confirmation (AR-10)', async () => {
    const user = newUser();
    const { databaseUrl, rootKey, sandbox, clock } = application;
    const changed = await startApplication({
      databaseUrl,
      rootKey,
      sandbox,
      clock,
      environment: { ...settings, WHOOP_REDIRECT_URL: 'https://other.example.com/v1/oauth/whoop/callback' },
    });
    try {
      const link = await unconfirmedLink(user, 'whoop');
      const before = redemptions(application, 'whoop');

      expect(await confirm(link, user, changed)).toEqual(refused);

      expect(redemptions(application, 'whoop')).toBe(before);
      expect(await findOutcome(link.linkId)).toEqual({ outcome: 'AUTHORIZATION_STATE_INVALID', sealed: null });
    } finally {
      await changed.close();
    }
  });

  it.each(slugs)('sends a denial at %s to the return_url, and waits for nothing', async (slug) => {
    const body = { return_url: returnUrl, require_confirmation: true };
    const user = newUser();
    const { linkWebUrl } = await startLink(application, user, slug, body);
    const location = await comeBack(await consent(linkWebUrl, { decision: 'deny' }), slug);

    expect(location.href).toBe(`${returnUrl}?status=error&provider=${slug}&error=AUTHORIZATION_DENIED`);
    const waiting = await queryDatabase(
      application.databaseUrl,
      'SELECT id FROM links WHERE held_for IS NOT NULL AND user_id = $1',
      [user],
    );
    expect(waiting).toEqual([]);
  });

  it.each(['whoop', 'garmin-oauth1'])(
    'keeps neither the code of %s nor the confirmation code readable in the database, and forgets both (CR-12)',
    async (slug) => {
      const user = newUser();
      const link = await unconfirmedLink(user, slug);
      const code = link.callback.searchParams.get(slug === 'whoop' ? 'code' : 'oauth_verifier') ?? '';
      expect(code.length).toBeGreaterThan(5);
      const readRow = async (): Promise<string> => {
        const sql = 'SELECT to_jsonb(links)::text AS row FROM links WHERE id = $1';
        return (await queryDatabase<{ row: string }>(application.databaseUrl, sql, [link.linkId]))[0]?.row ?? '';
      };
      const waiting = await readRow();
      expect(await confirm(link, user)).toMatchObject({ status: 200 });
      const finished = await readRow();

      expect(waiting).toContain(hashOneTimeSecret(link.code).toString('hex'));
      expect(finished).not.toContain(hashOneTimeSecret(link.code).toString('hex'));
      for (const secret of [code, link.code]) {
        const shapes = [secret, Buffer.from(secret).toString('hex'), Buffer.from(secret).toString('base64')];
        expect(shapes.filter((shape) => waiting.includes(shape) || finished.includes(shape))).toEqual([]);
      }
    },
  );

  it('needs a return_url, where the browser brings the code to (AR-04)', async () => {
    const response = await application.api
      .post(`/v1/users/${newUser()}/connections/whoop/link`)
      .send({ require_confirmation: true })
      .expect(400);

    expect(response.body).toMatchObject({ code: 'REQUEST_INVALID', detail: expect.stringContaining('return_url') });
  });

  it.each([
    ['no user', { confirmation_code: 'x'.repeat(43) }],
    ['no code', { user_id: 'user-1' }],
    ['a short code', { user_id: 'user-1', confirmation_code: 'x' }],
    ['a code that is no text', { user_id: 'user-1', confirmation_code: { $ne: '' } }],
    ['a user that is no text', { user_id: ['user-1'], confirmation_code: 'x'.repeat(43) }],
  ])('is not confirmed with %s', async (_what, body) => {
    const path = '/v1/links/00000000-0000-4000-8000-000000000000/confirm';
    expect((await application.api.post(path).send(body).expect(400)).body).toMatchObject({ code: 'REQUEST_INVALID' });
    const noId = await application.api.post('/v1/links/1/confirm').send({ user_id: 'user-1', confirmation_code: 'x' });
    expect(noId.body).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
  });

  it('is not confirmed by a key that may not use its provider (TE-08)', async () => {
    const user = newUser();
    const link = await unconfirmedLink(user, 'whoop');
    const keys = application.app.get(ApiKeysService, { strict: false });
    const limited = await keys.create('test', ['links:write'], { providers: ['oura'] });
    const allowed = await keys.create('test', ['links:write'], { providers: ['oura', 'whoop'] });
    const send = (key: string) =>
      application.browser
        .post(`/v1/links/${link.linkId}/confirm`)
        .set('authorization', `Bearer ${key}`)
        .send({ user_id: user, confirmation_code: link.code });

    expect((await send(limited)).body).toMatchObject(refused);
    // The key may not act for the user of this link with its provider, so that its entry names neither.
    expect(await auditEntriesOf(application, user)).toEqual(['link.started success api-key']);
    const left = await queryDatabase(
      application.databaseUrl,
      `SELECT action, code, subject FROM audit_entries WHERE actor = $1`,
      [`api-key:${limited.slice(5, 23)}`],
    );
    expect(left).toEqual([{ action: 'link.failed', code: 'AUTHORIZATION_STATE_INVALID', subject: null }]);
    expect((await send(allowed)).body).toMatchObject({ success: true });
  });

  it('is confirmed with the scope links:write only', async () => {
    const user = newUser();
    const link = await unconfirmedLink(user, 'whoop');
    const key = await application.createKey('tokens:read', 'connections:read', 'connections:write', 'admin');
    const send = (authorization: string) =>
      application.browser
        .post(`/v1/links/${link.linkId}/confirm`)
        .set('authorization', authorization)
        .send({ user_id: user, confirmation_code: link.code });

    expect((await send(`Bearer ${key}`)).body).toMatchObject({ status: 403, code: 'SCOPE_MISSING' });
    expect((await send('')).body).toMatchObject({ status: 401, code: 'API_KEY_INVALID' });
    expect(await confirm(link, user)).toMatchObject({ status: 200 });
  });
});

describe('LINK_CONFIRMATION', () => {
  async function startWith(environment: Record<string, string>): Promise<TestApplication> {
    const { databaseUrl, rootKey, sandbox, clock } = application;
    return startApplication({ databaseUrl, rootKey, sandbox, clock, environment: { ...settings, ...environment } });
  }

  const production = {
    NODE_ENV: 'production',
    ENVIRONMENT_NAME: 'test',
    PUBLIC_URL: 'https://link.example.com',
    WHOOP_CLIENT_ID: 'client',
    WHOOP_CLIENT_SECRET: 'secret',
  };

  it.each([
    ['required', { LINK_CONFIRMATION: 'required' }, true],
    ['not set in production', production, true],
    ['optional in production', { ...production, LINK_CONFIRMATION: 'optional' }, false],
    ['not set elsewhere', {}, false],
  ])('that is %s decides for links that do not say (AR-04)', async (_what, environment, required) => {
    const instance = await startWith(environment);
    try {
      const path = `/v1/users/${newUser()}/connections/whoop/link`;
      const silent = await instance.api.post(path).send({ return_url: returnUrl }).expect(201);
      const asked = await instance.api
        .post(path)
        .send({ return_url: returnUrl, require_confirmation: true })
        .expect(201);
      const declined = await instance.api.post(path).send({ return_url: returnUrl, require_confirmation: false });

      expect(silent.body).toMatchObject({ require_confirmation: required });
      expect(asked.body).toMatchObject({ require_confirmation: true });
      expect(declined.status).toBe(required ? 400 : 201);
    } finally {
      await instance.close();
    }
  });
});
