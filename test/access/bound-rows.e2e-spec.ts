import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createApiKey, formatApiKey, hashApiKeySecret } from '../../src/access/api-key.js';
import { ApiKeysService } from '../../src/access/api-keys.service.js';
import { accessScopes } from '../../src/access/scopes.js';
import { createOneTimeSecret, hashOneTimeSecret } from '../../src/links/store/one-time-secret.js';
import { Reencryption } from '../../src/vault/reencryption.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { rotate } from '../support/key-rotation.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { rewriteLink } from '../support/link-rows.js';
import { approvedLink, linkAccount, newUser, pathOf } from '../support/linking.js';
import { stopClock } from '../support/stopped-clock.js';
import { queryDatabase } from '../support/test-database.js';
import { isConnected } from '../support/connection-bodies.js';
import { redemptions } from '../support/fake-providers.js';

/**
 * The tests below change rows as a writer of the database could: by an injection, with a stolen login, or as an
 * administrator.
 */
const returnUrl = 'https://app.example.com/devices';
const evilUrl = 'https://evil.example/steal';
/** Another page that is registered, so that nothing but the binding keeps a link from ending there. */
const settings = { RETURN_URLS: `${returnUrl},${evilUrl}` };

let application: TestApplication;
let apiKeys: ApiKeysService;

beforeAll(async () => {
  application = await startApplication({ environment: settings });
  apiKeys = application.app.get(ApiKeysService);
  await linkAccount(application, 'key-user', 'whoop');
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(() => application.close());

function query<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
  return queryDatabase<Row>(application.databaseUrl, text, values);
}

describe('the row of an API key', () => {
  const token = '/v1/users/key-user/connections/whoop/token';
  const idOf = (key: string): string => key.slice(5, 23);
  const use = (key: string, { browser }: TestApplication = application) =>
    browser.get(token).set('authorization', `Bearer ${key}`);

  /** Inserts a row for a secret of the writer's own, as every version before the binding would have taken it. */
  async function insertKey(scopes = '{tokens:read}'): Promise<string> {
    const key = createApiKey();
    await query('INSERT INTO api_keys (id, name, secret_hash, scopes) VALUES ($1, $2, $3, $4)', [
      key.id,
      'inserted',
      hashApiKeySecret(key.secret),
      scopes,
    ]);
    return formatApiKey(key);
  }

  async function findRefusals(key: string): Promise<object[]> {
    return query(
      `SELECT action, outcome, actor, code FROM audit_entries
       WHERE subject = $1 AND action = 'access.denied' ORDER BY writer, sequence`,
      [`api-key:${idOf(key)}`],
    );
  }

  it('that somebody inserted is no key (AR-27)', async () => {
    await use(await insertKey()).expect(401);
  });

  it('that somebody inserted works with the defense off, UNBOUND_API_KEYS=accept (AR-27)', async () => {
    const { databaseUrl, rootKey, sandbox, clock } = application;
    const environment = { ...settings, UNBOUND_API_KEYS: 'accept' };
    const warn = jest.spyOn(Logger.prototype, 'warn');
    const lenient = await startApplication({ databaseUrl, rootKey, sandbox, clock, environment });
    try {
      await use(await insertKey(), lenient).expect(200);
      expect(warn.mock.calls.map(([text]) => String(text)).join()).toContain('UNBOUND_API_KEYS is "accept"');
    } finally {
      await lenient.close();
    }
  });

  it.each([
    ['scopes', `scopes = '{tokens:read,admin}'`],
    ['providers', 'providers = NULL'],
    ['end', `expires_at = now() + interval '10 years'`],
    ['end, to never', 'expires_at = NULL'],
    ['end, to infinity', `expires_at = 'infinity'`],
    ['name', `name = 'somebody else'`],
    ['beginning', `created_at = created_at - interval '1 year'`],
    ['secret', `secret_hash = '\\x${'00'.repeat(32)}'`],
    ['binding, cut off', `mac = substring(mac FROM 1 FOR 20)`],
    ['binding, of another key', `mac = (SELECT mac FROM api_keys WHERE name = 'other' LIMIT 1)`],
  ])('is refused when its %s was altered, with an entry and an error in the log (AR-27)', async (_name, assignment) => {
    await apiKeys.create('other', accessScopes);
    const error = jest.spyOn(Logger.prototype, 'error');
    const limits = { providers: ['whoop'], lifetimeMs: 3_600_000 };
    const [untouched, altered] = [
      await apiKeys.create('untouched', accessScopes, limits),
      await apiKeys.create('altered', accessScopes, limits),
    ];
    await query(`UPDATE api_keys SET ${assignment} WHERE id = $1`, [idOf(altered)]);

    await use(untouched).expect(200);
    await use(altered).expect(401);

    expect(await findRefusals(untouched)).toEqual([]);
    expect(await findRefusals(altered)).toEqual([
      { action: 'access.denied', outcome: 'failed', actor: 'service', code: 'TOKEN_UNREADABLE' },
    ]);
    expect(error.mock.calls.map(([text]) => String(text)).join()).toContain(
      `The row of API key ${idOf(altered)} was changed outside this service`,
    );
  });

  it('leaves one entry when it was altered, however many calls name it at a time (AR-26, AR-27)', async () => {
    const key = await apiKeys.create('altered', accessScopes);
    await query(`UPDATE api_keys SET name = 'another' WHERE id = $1`, [idOf(key)]);
    const guessed = formatApiKey({ ...createApiKey(), id: idOf(key) });

    await Promise.all(Array.from({ length: 30 }, () => use(guessed).expect(401)));

    expect(await findRefusals(key)).toHaveLength(1);
  });

  it('is refused from the moment that it is read again, and works again as it was (AR-27)', async () => {
    const clock = stopClock();
    const key = await apiKeys.create('widened', accessScopes, { providers: ['oura'] });
    const use = () => application.browser.get('/v1/users/key-user/connections').set('authorization', `Bearer ${key}`);
    await use().expect(200);
    await query('UPDATE api_keys SET providers = NULL WHERE id = $1', [idOf(key)]);
    clock.advance(5_001);
    await use().expect(401);
    await query(`UPDATE api_keys SET providers = '{oura}' WHERE id = $1`, [idOf(key)]);
    clock.advance(5_001);
    await use().expect(200);
  });

  it('stays revoked although its revocation was taken back (AR-27)', async () => {
    const key = await apiKeys.create('revoked', accessScopes);
    await apiKeys.revoke(idOf(key));
    await query('UPDATE api_keys SET revoked_at = NULL WHERE id = $1', [idOf(key)]);
    await use(key).expect(401);
  });

  it('of an earlier version works again once the operator has bound it, as it is then (AR-27)', async () => {
    const key = await apiKeys.create('earlier', ['tokens:read'], { providers: ['whoop'], lifetimeMs: 3_600_000 });
    await query('UPDATE api_keys SET mac = NULL WHERE id = $1', [idOf(key)]);
    const clock = stopClock();
    await use(key).expect(401);
    await expect(apiKeys.rotate(idOf(key), 0)).rejects.toThrow(`run "api-keys bind ${idOf(key)}"`);

    expect((await apiKeys.bind([idOf(key)])).map(({ name }) => name)).toEqual(['earlier']);
    await expect(apiKeys.bind([idOf(key)])).resolves.toEqual([]);

    clock.advance(5_001);
    await use(key).expect(200);
    await expect(apiKeys.rotate(idOf(key), 0)).resolves.toMatch(/^cuff_/);
    const entries = await query(`SELECT FROM audit_entries WHERE action = 'api_key.bound' AND subject = $1`, [
      `api-key:${idOf(key)}`,
    ]);
    expect(entries).toHaveLength(1);
  });

  it('is not bound and not rotated by the operator when it was altered (AR-27)', async () => {
    const key = await apiKeys.create('altered', ['tokens:read']);
    await query(`UPDATE api_keys SET scopes = '{admin}' WHERE id = $1`, [idOf(key)]);
    await expect(apiKeys.bind([idOf(key)])).resolves.toEqual([]);
    await expect(apiKeys.rotate(idOf(key), 0)).rejects.toThrow('was changed outside this service');
  });

  it('stays bound when the key of the binding is replaced (AR-27)', async () => {
    const key = await apiKeys.create('before', accessScopes);
    await rotate(application, 'api_keys.mac');
    await use(key).expect(200);
    await use(await apiKeys.create('after', accessScopes)).expect(200);
  });
});

describe('the row of an open link', () => {
  const alterations: [string, string][] = [
    ['return_url', `return_url = '${evilUrl}'`],
    ['return_url, to none', 'return_url = NULL'],
    ['require_confirmation', 'require_confirmation = NOT require_confirmation'],
    ['on_account_change', `on_account_change = 'replace'`],
    ['scopes', `scopes = scopes || '{read:all}'`],
    ['browser_hash', `browser_hash = '\\x${'00'.repeat(32)}'`],
    ['expires_at', `expires_at = expires_at + interval '1 day'`],
    ['registration_hash', `registration_hash = '\\x${'00'.repeat(32)}'`],
    ['user_id', `user_id = 'somebody-else'`],
  ];

  it.each(alterations)('ends nowhere, and sends nothing, when %s was altered (AR-27)', async (column, assignment) => {
    const body = { return_url: returnUrl, require_confirmation: column !== 'require_confirmation' };
    const { user, callback } = await approvedLink(application, 'whoop', { body });
    const before = redemptions(application, 'whoop');
    const error = jest.spyOn(Logger.prototype, 'error');
    await query(`UPDATE links SET ${assignment} WHERE user_id = $1`, [user]);
    const finished = await application.browser.get(pathOf(callback));

    expect(finished.status).toBeGreaterThanOrEqual(400);
    expect(finished.headers['location']).toBeUndefined();
    expect(redemptions(application, 'whoop')).toBe(before);
    expect(await isConnected(application, user, 'whoop')).toBe(false);
    if (column !== 'browser_hash') {
      const concerned = column === 'user_id' ? 'somebody-else' : user;
      expect(await auditEntriesOf(application, concerned)).toContain('link.failed failed browser TOKEN_UNREADABLE');
      expect(error.mock.calls.map(([text]) => String(text)).join()).toContain('failed with TOKEN_UNREADABLE');
    }
  });

  it("ends nowhere when it was given to another browser, and then takes that browser's cookie (AR-27)", async () => {
    const { user, callback } = await approvedLink(application, 'whoop');
    const secret = createOneTimeSecret();
    const [row] = await query<{ id: string }>('UPDATE links SET browser_hash = $1 WHERE user_id = $2 RETURNING id', [
      hashOneTimeSecret(secret),
      user,
    ]);
    const finished = await application.browser.get(pathOf(callback)).set('cookie', `cufflink-${row?.id}=${secret}`);
    expect(finished.status).toBeGreaterThanOrEqual(400);
    expect(await isConnected(application, user, 'whoop')).toBe(false);
    expect(await auditEntriesOf(application, user)).toContain('link.failed failed browser TOKEN_UNREADABLE');
  });

  it('ends nowhere when its state was replaced by one that the writer knows (AR-27)', async () => {
    const { user, callback } = await approvedLink(application, 'whoop');
    const state = createOneTimeSecret();
    await query('UPDATE links SET state_hash = $1 WHERE user_id = $2', [hashOneTimeSecret(state), user]);
    callback.searchParams.set('state', state);
    const before = redemptions(application, 'whoop');

    await application.browser.get(pathOf(callback)).expect(500);

    expect(redemptions(application, 'whoop')).toBe(before);
    expect(await auditEntriesOf(application, user)).toContain('link.failed failed browser TOKEN_UNREADABLE');
  });

  it('goes where the writer wants, with the confirmation code, if the row were not bound (AR-27)', async () => {
    const body = { return_url: returnUrl, require_confirmation: true };
    const { state, callback } = await approvedLink(application, 'whoop', { body });
    // Sealed for the altered row: what a value that is not bound to it would open in.
    await rewriteLink(application, state, 'return_url = $2', evilUrl);

    const finished = await application.browser.get(pathOf(callback)).expect(303);
    expect(finished.headers['location']).toMatch(/^https:\/\/evil\.example\/steal\?.*confirmation_code=/);
  });

  it('is not confirmed with a code of the writer (AR-27)', async () => {
    const body = { return_url: returnUrl, require_confirmation: true };
    const { user, callback } = await approvedLink(application, 'whoop', { body });
    await application.browser.get(pathOf(callback)).expect(303);
    const code = createOneTimeSecret();
    const [row] = await query<{ id: string }>('UPDATE links SET held_hash = $1 WHERE user_id = $2 RETURNING id', [
      hashOneTimeSecret(code),
      user,
    ]);
    const before = redemptions(application, 'whoop');

    const confirmed = await application.api
      .post(`/v1/links/${row?.id}/confirm`)
      .send({ user_id: user, confirmation_code: code });

    expect(confirmed.body).toMatchObject({ code: 'TOKEN_UNREADABLE' });
    expect(redemptions(application, 'whoop')).toBe(before);
  });

  it('opens after its value was sealed again under another key (AR-27)', async () => {
    const open = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
    const parked = await approvedLink(application, 'whoop', {
      body: { return_url: returnUrl, require_confirmation: true },
    });
    const { headers } = await application.browser.get(pathOf(parked.callback)).expect(303);
    await rotate(application, 'links.sealed');
    const progress = await application.app
      .get(Reencryption, { strict: false })
      .run('links.sealed', 1_000, () => undefined);
    expect(progress.moved).toBeGreaterThanOrEqual(2);

    await application.browser.get(pathOf(open.callback)).expect(303);
    const { searchParams } = new URL(String(headers['location']));
    await application.api
      .post(`/v1/links/${searchParams.get('link_id')}/confirm`)
      .send({ user_id: parked.user, confirmation_code: searchParams.get('confirmation_code') })
      .expect(200);
    expect(await isConnected(application, open.user, 'whoop')).toBe(true);
  });
});

describe('the row of a connection', () => {
  it('gives no token to another provider, where it was moved to (CR-03)', async () => {
    const user = newUser();
    await linkAccount(application, user, 'whoop');
    await query(`UPDATE connections SET provider = 'oura' WHERE user_id = $1`, [user]);

    const response = await application.api.get(`/v1/users/${user}/connections/oura/token`);

    expect(response.body).toMatchObject({ code: 'TOKEN_UNREADABLE' });
    await expect(
      application.api.post(`/v1/users/${user}/connections/oura/refresh`).then(({ body }) => body as object),
    ).resolves.toMatchObject({ code: 'TOKEN_UNREADABLE' });
  });
  it.each([
    ['scopes_granted', 'told', `scopes_granted = scopes_granted || '{read:all}'`],
    ['scopes_granted', 'left out', `scopes_granted = '{read:all}'`],
    ['scopes_requested', 'left out', `scopes_requested = '{read:all}'`],
    ['scopes_granted', 'unreadable', `scopes_granted = '{read:all}', scopes_unknown = false`],
  ])(
    'gives no token for a scope that was written into its %s, where the provider had the scopes %s (AR-27)',
    async (_column, told, assignment) => {
      const user = newUser();
      // Suunto tells no scopes.
      const provider = told === 'left out' ? 'suunto' : 'whoop';
      const garbled = { type: 'fields', values: { scope: 7 } } as const;
      if (told === 'unreadable') {
        application.sandbox.provider(provider).misbehave({ endpoint: 'token', ...garbled });
        application.sandbox.provider(provider).misbehave({ endpoint: 'refresh', ...garbled });
      }
      await linkAccount(application, user, provider);
      const path = `/v1/users/${user}/connections/${provider}/token`;
      const before = await application.api.get(path).expect(200);
      await query(`UPDATE connections SET ${assignment} WHERE user_id = $1`, [user]);

      const refused = await application.api.get(path).query({ scope: 'read:all' });
      expect(refused.body).toMatchObject({ code: 'SCOPE_NOT_GRANTED' });
      const { body } = (await application.api.get(path).expect(200)) as { body: object };
      expect(body).toMatchObject({ scopes: (before.body as { scopes: string[] | null }).scopes });

      // The same after a refresh, which writes the columns as they should be.
      await application.api.post(path.replace(/token$/, 'refresh')).expect(200);
      await query(`UPDATE connections SET ${assignment} WHERE user_id = $1`, [user]);
      await application.api.get(path).query({ scope: 'read:all' }).expect(409);
    },
  );
});
