import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IdempotencyStore } from '../../src/idempotency/idempotency-store.js';
import { IdempotencyPurge } from '../../src/idempotency/idempotency-purge.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { dumpDatabase, expectAbsent } from '../support/database-dump.js';
import { linkAccount, newUser, pathOf, startLink } from '../support/linking.js';
import { expectProblem } from '../support/problems.js';
import { changeRows, countRows, passTimeInRows, rowsOf } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';

let application: TestApplication;

beforeAll(async () => {
  application = await startApplication({ environment: { RATE_LIMIT_CALLER_PER_MINUTE: '1000' } });
});
afterAll(() => application.close());

const connectionsOf = (user: string): string => `/v1/users/${user}/connections`;
const start = (user: string, key: string, body: object = {}) =>
  application.api
    .post(`${connectionsOf(user)}/whoop/link`)
    .set('idempotency-key', key)
    .send(body);

function rowCount(table: string, user: string): Promise<number> {
  return countRows(application.databaseUrl, table, { user_id: user });
}

describe('a call with an Idempotency-Key', () => {
  it('gets the same response again, and is made once', async () => {
    const user = newUser();
    const first = await start(user, 'key-1').expect(201);
    const second = await start(user, 'key-1').expect(201);
    expect(second.body).toEqual(first.body);
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    expect(second.headers['idempotent-replayed']).toBe('true');
    expect(await rowCount('links', user)).toBe(1);
    await start(user, 'key-2').expect(201);
    expect(await rowCount('links', user)).toBe(2);
  });

  it('stores neither the key nor a secret of the response in clear', async () => {
    const key = 'a-key-that-only-its-caller-knows';
    const started = await start(newUser(), key).expect(201);
    const dump = await dumpDatabase(application);
    expectAbsent(key, dump);
    expectAbsent((started.body as { state: string }).state, dump);
  });

  it('is refused with another body, another user has keys of their own, and so has another caller', async () => {
    const [user, other] = [newUser(), newUser()];
    await start(user, 'shared').expect(201);
    expectProblem(await start(user, 'shared', { scopes: ['offline'] }), 422, 'IDEMPOTENCY_KEY_REUSED');
    expect((await start(other, 'shared').expect(201)).headers['idempotent-replayed']).toBeUndefined();
    const apiKey = await application.createKey('links:write');
    const byAnother = await application.browser
      .post(`${connectionsOf(user)}/whoop/link`)
      .set({ authorization: `Bearer ${apiKey}`, 'idempotency-key': 'shared' })
      .expect(201);
    expect(byAnother.headers['idempotent-replayed']).toBeUndefined();
  });

  it('is refused while the first one is in progress, and is made again once that is given up for lost', async () => {
    const user = newUser();
    await start(user, 'slow').expect(201);
    await changeRows(application.databaseUrl, 'idempotency_keys', { sealed: null });
    const problem = await start(user, 'slow');
    expectProblem(problem, 409, 'IDEMPOTENCY_KEY_IN_PROGRESS');
    expect(problem.headers['retry-after']).toBe('1');
    await passTimeInRows(application.databaseUrl, 'idempotency_keys', ['created_at'], 2 * 60);
    await start(user, 'slow').expect(201);
    expect(await rowCount('links', user)).toBe(2);
  });

  it('is made again after a failure, and after 24 hours, when its row is deleted', async () => {
    const user = newUser();
    const wrong = { return_url: 'https://evil.example' };
    expectProblem(await start(user, 'failed', wrong), 400, 'RETURN_URL_NOT_ALLOWED');
    await start(user, 'failed').expect(201);
    await passTimeInRows(application.databaseUrl, 'idempotency_keys', ['created_at'], 25 * 3_600);
    expect((await start(user, 'failed').expect(201)).headers['idempotent-replayed']).toBeUndefined();
    await passTimeInRows(application.databaseUrl, 'idempotency_keys', ['created_at'], 25 * 3_600);
    await application.app.get(IdempotencyPurge, { strict: false }).sweep();
    expect(await application.app.get(IdempotencyStore, { strict: false }).purge(10)).toBe(0);
    expect(await rowsOf(application.databaseUrl, 'idempotency_keys')).toEqual([]);
  });

  it('is refused when the key is malformed', async () => {
    expectProblem(await start(newUser(), 'with space'), 400, 'REQUEST_INVALID');
    expectProblem(await start(newUser(), 'x'.repeat(256)), 400, 'REQUEST_INVALID');
  });
});

describe('POST /v1/imports', () => {
  const row = (user: string, fields: object = {}) => ({
    user_id: user,
    provider: 'whoop',
    refresh_token: `refresh-token-of-${user}`,
    ...fields,
  });
  const send = (body: object) => application.api.post('/v1/imports').send(body);

  it('imports each row by itself, and nothing twice', async () => {
    const [user, other] = [newUser(), newUser()];
    const body = { connections: [row(user), row(other, { provider: 'nobody' }), { user_id: 'x' }] };
    const first = await send(body).expect(200);
    expect(first.body).toMatchObject({
      imported: 1,
      refused: 2,
      results: [
        { index: 0, outcome: 'imported', warnings: ['scopes_unknown', 'account_unknown'] },
        { index: 1, outcome: 'refused', reason: 'provider_unknown' },
        { index: 2, outcome: 'refused', reason: 'invalid' },
      ],
    });
    const again = await send(body).expect(200);
    expect(again.body).toMatchObject({ imported: 0, already_imported: 1 });
    expect(await rowCount('connections', user)).toBe(1);
    const [event] = await rowsOf<{ source: string }>(application.databaseUrl, 'events', { user_id: user });
    expect(event?.source).toBe('call');
  });

  it('stores nothing in a dry run, and takes 100 rows but no more', async () => {
    const user = newUser();
    const dry = await send({ dry_run: true, connections: [row(user)] }).expect(200);
    expect(dry.body).toMatchObject({ imported: 1 });
    expect(await rowCount('connections', user)).toBe(0);
    const many = Array.from({ length: 101 }, (_, at) => row(`many-${at}`, { scopes: ['a', 'b'] }));
    expectProblem(await send({ connections: many }), 400, 'REQUEST_INVALID');
    await send({ dry_run: true, connections: many.slice(1) }).expect(200);
    expectProblem(await send({ connections: [] }), 400, 'REQUEST_INVALID');
    expectProblem(await send({ connections: ['text'] }), 400, 'REQUEST_INVALID');
  });
});

describe('metadata', () => {
  it('goes from the link to the connection, its view, its events and the filter of the list', async () => {
    const user = newUser();
    const metadata = { clinic: 'north:1', plan: 'pro' };
    const { linkWebUrl } = await startLink(application, user, 'whoop', { metadata });
    await application.browser.get(pathOf(await consent(linkWebUrl))).expect(200);
    await linkAccount(application, user, 'oura');
    const view = await application.api.get(`${connectionsOf(user)}/whoop`).expect(200);
    expect(view.body).toMatchObject({ metadata, frozen_at: null });
    const list = async (query: string): Promise<string[]> => {
      const listed = await application.api.get(`${connectionsOf(user)}?${query}`).expect(200);
      return (listed.body as { connections: { provider: string }[] }).connections.map(({ provider }) => provider);
    };
    expect(await list('metadata=clinic:north:1')).toEqual(['whoop']);
    expect(await list('metadata=clinic:south')).toEqual([]);
    expect(await list('metadata=constructor:x')).toEqual([]);
    expectProblem(await application.api.get(`${connectionsOf(user)}?metadata=clinic`), 400, 'REQUEST_INVALID');
    const events = await queryDatabase<{ provider: string; details: object }>(
      application.databaseUrl,
      'SELECT provider, details FROM events WHERE user_id = $1 ORDER BY number',
      [user],
    );
    expect(events).toEqual([
      { provider: 'whoop', details: { metadata } },
      { provider: 'oura', details: {} },
    ]);
    // A new link without metadata keeps it; an erasure leaves it nowhere.
    await linkAccount(application, user, 'whoop');
    const again = await application.api.get(`${connectionsOf(user)}/whoop`).expect(200);
    expect(again.body).toMatchObject({ metadata });
    await application.api.delete(`/v1/users/${user}`).expect(200);
    expect(await dumpDatabase(application)).not.toContain('north:1');
  });

  it.each([
    ['too many keys', Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`key-${at}`, 'x']))],
    ['a value that is no text', { clinic: 7 }],
    ['a nested value', { clinic: { name: 'north' } }],
    ['a key with a colon', { 'a:b': 'x' }],
    ['a control character', { clinic: 'a\u0000b' }],
    ['half a character', { clinic: '\ud800' }],
    ['more than 4 KiB', Object.fromEntries(Array.from({ length: 5 }, (_, at) => [`key-${at}`, 'x'.repeat(999)]))],
    ['a list', ['x']],
  ])('is refused with %s', async (_what, metadata) => {
    const response = await application.api.post(`${connectionsOf('u')}/whoop/link`).send({ metadata });
    expectProblem(response, 400, 'REQUEST_INVALID');
  });
});

describe('the RateLimit headers', () => {
  it('show a caller the rest, and the limit that was reached', async () => {
    const limited = await startApplication({
      environment: { RATE_LIMIT_CALLER_PER_MINUTE: '2', RATE_LIMIT_USER_PER_MINUTE: '0' },
    });
    try {
      const first = await limited.api.get('/v1/providers').expect(200);
      expect(first.headers['ratelimit-policy']).toBe('"caller";q=2;w=60');
      expect(first.headers['ratelimit']).toMatch(/^"caller";r=1;t=([1-9]|[1-5]\d|60)$/);
      await limited.api.get('/v1/providers').expect(200);
      const refused = await limited.api.get('/v1/providers').expect(429);
      expect(refused.headers['ratelimit']).toMatch(/^"caller";r=0;t=\d+$/);
      expect(refused.headers['ratelimit-policy']).toBe('"caller";q=2;w=60');
    } finally {
      await limited.close();
    }
  });
});
