import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DatabaseUnavailableError } from '../../src/errors/request.errors.js';
import { RevocationOutbox } from '../../src/tokens/revocation/revocation-outbox.js';
import { ConnectionEraser } from '../../src/tokens/connection-eraser.js';
import { UserErasureService } from '../../src/users/user-erasure.service.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { linkAccount, pathOf, startLink } from '../support/linking.js';
import { held } from '../support/fake-providers.js';
import { changeRows, deleteRows, makeRevocationsDue, rowsOf } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const userId = 'canary-user@example.com';
const path = `/v1/users/${encodeURIComponent(userId)}`;
const account = '8015551234567';
const returnUrl = 'https://app.example.com/devices';

/** How many rows each table has. */
const countTables = `SELECT tablename AS name, (xpath('/row/c/text()',
    query_to_xml(format('SELECT count(*) AS c FROM %I', tablename), false, true, '')))[1]::text::int AS rows
  FROM pg_tables WHERE schemaname = 'public'`;

interface ErasedUser {
  readonly erased: boolean;
  readonly erased_at: string;
  readonly connections: { provider: string; provider_revocation: string }[];
}

describe('the erasure of a user', () => {
  let application: TestApplication;
  let directory: string;
  let logFile: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cufflink-erasure-'));
    logFile = join(directory, 'log', 'erasures');
    const environment = {
      ERASURE_LOG_FILE: logFile,
      RATE_LIMIT_STORAGE: 'postgres',
      RATE_LIMIT_USER_PER_MINUTE: '100',
      RETURN_URLS: returnUrl,
    };
    application = await startApplication({ environment });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await application.close();
    await rm(directory, { recursive: true });
  });

  async function erase(): Promise<ErasedUser> {
    const response = await application.api.delete(path).expect(200);
    return response.body as ErasedUser;
  }

  /** Everything that any table holds, as text; bytes as hexadecimal and as what they spell. */
  async function dump(): Promise<string> {
    const tables = await queryDatabase<{ name: string }>(
      application.databaseUrl,
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    const rows = await Promise.all(
      tables.map(({ name }) =>
        queryDatabase<{ row: string }>(application.databaseUrl, `SELECT each::text AS row FROM "${name}" AS each`),
      ),
    );
    const text = rows.flat().map(({ row }) => row);
    const bytes = text.flatMap((row) => row.match(/\\x[0-9a-f]+/g) ?? []);
    return [...text, ...bytes.map((hex) => Buffer.from(hex.slice(2), 'hex').toString('latin1'))].join('\n');
  }

  /** Puts a row back, as a backup does that was made before. */
  async function restore(table: string, row: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const columns = Object.keys(row);
    await queryDatabase(
      application.databaseUrl,
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((_, at) => `$${at + 1}`).join(', ')})`,
      Object.values(row),
    );
  }

  it('leaves nothing that names the user, and ends the grants (LOG-08)', async () => {
    await linkAccount(application, encodeURIComponent(userId), 'whoop', { account });
    await linkAccount(application, encodeURIComponent(userId), 'garmin-oauth1', { account });
    await startLink(application, encodeURIComponent(userId), 'oura');
    const token = await application.api.get(`${path}/connections/whoop/token`).expect(200);
    const { access_token: accessToken } = token.body as { access_token: string };
    expect(await dump()).toContain(userId);

    const erased = await erase();

    expect(erased.connections.map(({ provider }) => provider)).toEqual(['garmin-oauth1', 'whoop']);
    expect(erased.connections.find(({ provider }) => provider === 'whoop')?.provider_revocation).toBe('revoked');
    expect(application.sandbox.provider('whoop').liveGrants()).toEqual([]);
    const left = await dump();
    for (const secret of [userId, account, accessToken]) {
      expect(left).not.toContain(secret);
    }
    await application.api.get(`${path}/connections/whoop/token`).expect(404);
    const list = await application.api.get(`${path}/connections`).expect(200);
    expect(list.body).toEqual({ connections: [] });
  });

  it('leaves no row in any table, at any stage of a link (LOG-08)', async () => {
    const { api, browser, sandbox, databaseUrl } = application;
    const fake = sandbox.provider('whoop');
    await linkAccount(application, encodeURIComponent(userId), 'whoop', { account });
    // A link that waits for its confirmation, a session of the hosted page that was opened, and one that was not.
    const { linkWebUrl } = await startLink(application, encodeURIComponent(userId), 'oura', {
      require_confirmation: true,
      return_url: returnUrl,
    });
    await browser.get(pathOf(await consent(linkWebUrl, { account }))).expect(303);
    for (const opened of [true, false]) {
      const session = await api.post('/v1/link-sessions').send({ user_id: userId }).expect(201);
      const { link_token: token } = session.body as { link_token: string };
      if (opened) {
        await browser.post('/connect').type('form').send({ link_token: token }).expect(303);
      }
    }
    // A refresh that fails, which the circuit breaker counts, and one that leaves its error with the connection.
    fake.misbehave({ endpoint: 'refresh', type: 'status', code: 503 });
    await api.post(`${path}/connections/whoop/refresh`).expect(503);
    // A provider that is away when the grants are to be ended.
    fake.misbehave({ endpoint: 'revoke', type: 'status', code: 503 });
    const before = await queryDatabase<{ name: string; rows: number }>(databaseUrl, countTables);
    const filled = before.filter(({ rows }) => rows > 0).map(({ name }) => name);
    expect(filled).toEqual(
      expect.arrayContaining(['connections', 'links', 'link_sessions', 'circuit_breakers', 'rate_limits', 'api_keys']),
    );
    expect(await dump()).toContain(userId);

    const erased = await erase();

    expect(erased.connections).toEqual([{ provider: 'whoop', provider_revocation: 'pending' }]);
    const pending = await dump();
    for (const trace of [userId, encodeURIComponent(userId), Buffer.from(userId).toString('base64'), account]) {
      expect(pending).not.toContain(trace);
    }
    await makeRevocationsDue(databaseUrl);
    application.app.get(RevocationOutbox, { strict: false }).processNow();
    await until('the provider has ended the grant', () => fake.liveGrants().length === 0);
    const rows = (): Promise<object[]> => rowsOf(databaseUrl, 'revocations');
    await until('nothing is left of it here', async () => (await rows()).length === 0);
    expect(await dump()).not.toContain(userId);
  });

  it('can be proved with the id of the user, and nothing names the user (LOG-08)', async () => {
    await linkAccount(application, encodeURIComponent(userId), 'whoop', { account });
    const { erased_at: erasedAt } = await erase();
    const found = await application.api.get('/v1/audit').query({ user_id: userId, action: 'user.erased' }).expect(200);
    const { entries } = found.body as { entries: { outcome: string; actor: string; recorded_at: string }[] };
    expect(entries).toMatchObject([{ outcome: 'success', actor: expect.stringMatching(/^api-key:/) }]);
    expect(Math.abs(Date.parse(entries[0]?.recorded_at ?? '') - Date.parse(erasedAt))).toBeLessThan(60_000);
    expect(found.text).not.toContain(userId);
    const exported = await application.api.get(`${path}/export`).expect(200);
    expect(exported.body).toMatchObject({ last_erased_at: erasedAt, connections: [], links: [], link_sessions: [] });
  });

  it('is repeated for a user with nothing but a session of the hosted page in a restored backup (LOG-08)', async () => {
    await application.api.post('/v1/link-sessions').send({ user_id: userId }).expect(201);
    const [session] = await rowsOf<Record<string, unknown>>(application.databaseUrl, 'link_sessions');
    await erase();
    await restore('link_sessions', session);
    await expect(application.app.get(UserErasureService).replay()).resolves.toBe(1);
    expect(await dump()).not.toContain(userId);
  });

  it('is noted everywhere before anything goes, so that the replay finishes one that was broken off (LOG-08)', async () => {
    await linkAccount(application, encodeURIComponent(userId), 'whoop', { account });
    await linkAccount(application, encodeURIComponent(userId), 'oura', { account });
    const eraser = application.app.get(ConnectionEraser, { strict: false });
    jest.spyOn(eraser, 'eraseUser').mockRejectedValueOnce(new DatabaseUnavailableError('It went away.'));

    await application.api.delete(path).expect(503);

    await application.api.get(`${path}/connections/whoop/token`).expect(200);
    expect(await readFile(logFile, 'utf8')).toMatch(/^\{"user_digest":"[0-9a-f]{64}"/);
    expect(await auditEntriesOf(application, userId)).toContainEqual(expect.stringMatching(/^user\.erased success/));
    await expect(application.app.get(UserErasureService).replay()).resolves.toBe(1);
    await application.api.get(`${path}/connections/whoop/token`).expect(404);
    expect(await dump()).not.toContain(userId);
  });

  it('voids the links first: a callback behind the end of the connections brings none back (LOG-08)', async () => {
    const { linkWebUrl } = await startLink(application, encodeURIComponent(userId), 'whoop');
    const callback = await consent(linkWebUrl);
    const eraser = application.app.get(ConnectionEraser, { strict: false });
    const eraseUser = eraser.eraseUser.bind(eraser);
    const statuses: number[] = [];
    jest.spyOn(eraser, 'eraseUser').mockImplementationOnce(async (...call) => {
      const erased = await eraseUser(...call);
      statuses.push((await application.browser.get(pathOf(callback))).status);
      return erased;
    });

    await erase();

    expect(statuses).toEqual([403]);
    await application.api.get(`${path}/connections/whoop`).expect(404);
    expect(await dump()).not.toContain(userId);
  });

  it('is not set back by the replay of an older log: data between two erasures goes with the later one (LOG-08)', async () => {
    await erase();
    const older = await readFile(logFile, 'utf8');
    await linkAccount(application, encodeURIComponent(userId), 'whoop', { account });
    const [between] = await rowsOf<Record<string, unknown>>(application.databaseUrl, 'connections');
    const { erased_at: erasedAt } = await erase();
    await restore('connections', between);
    const file = join(directory, 'older');
    await writeFile(file, older);

    await expect(application.app.get(UserErasureService).replay(file)).resolves.toBe(1);

    expect(await dump()).not.toContain(userId);
    const exported = await application.api.get(`${path}/export`).expect(200);
    expect(exported.body).toMatchObject({ last_erased_at: erasedAt });
  });

  it('leaves other users alone (LOG-08)', async () => {
    await linkAccount(application, 'other', 'whoop', { account: '111' });
    await linkAccount(application, encodeURIComponent(userId), 'whoop', { account });
    await erase();
    await application.api.get('/v1/users/other/connections/whoop/token').expect(200);
  });

  it('makes the callback of a link that was under way lead nowhere (LOG-08)', async () => {
    const { linkWebUrl } = await startLink(application, encodeURIComponent(userId), 'whoop');
    const callback = await consent(linkWebUrl);
    await erase();
    await application.browser.get(pathOf(callback)).expect(403);
    expect(await dump()).not.toContain(userId);
  });

  it('starts no link if the provider responds during the erasure of its user (LOG-08)', async () => {
    const fake = application.sandbox.provider('garmin-oauth1');
    fake.misbehave({ endpoint: 'request_token', ...held });
    const started = application.api
      .post(`${path}/connections/garmin-oauth1/link`)
      .send({})
      .then(({ status, body }) => ({ status, code: (body as { code?: string }).code }));
    await until('the provider is asked', () => fake.history.some(({ kind }) => kind === 'request_token'));
    await erase();
    fake.behave();
    expect(await started).toEqual({ status: 403, code: 'AUTHORIZATION_STATE_INVALID' });
    expect(await dump()).not.toContain(userId);
    await startLink(application, encodeURIComponent(userId), 'garmin-oauth1');
  });

  it('undoes a link if the provider responds during the erasure of its user (LOG-08)', async () => {
    const fake = application.sandbox.provider('whoop');
    const { linkWebUrl } = await startLink(application, encodeURIComponent(userId), 'whoop');
    const callback = await consent(linkWebUrl);
    fake.misbehave({ endpoint: 'token', ...held });
    const response = application.browser.get(pathOf(callback)).then(({ status }) => status);
    await until('the provider is asked', () => fake.history.some(({ kind }) => kind === 'token'));
    await erase();
    fake.behave();
    expect(await response).toBe(403);
    expect(fake.liveGrants()).toEqual([]);
    expect(await dump()).not.toContain(userId);
  });

  it('is repeated in a database that was restored from a backup made before (LOG-08)', async () => {
    await linkAccount(application, encodeURIComponent(userId), 'whoop', { account });
    await linkAccount(application, 'other', 'whoop', { account: '111' });
    const backup = await rowsOf<Record<string, unknown>>(application.databaseUrl, 'connections');
    await erase();
    await deleteRows(application.databaseUrl, 'erasures');
    await deleteRows(application.databaseUrl, 'connections');
    for (const row of backup) {
      await restore('connections', row);
    }
    expect(await dump()).toContain(userId);

    const erasure = application.app.get(UserErasureService);
    await expect(erasure.replay()).resolves.toBe(1);

    expect(await dump()).not.toContain(userId);
    await application.api.get('/v1/users/other/connections/whoop/token').expect(200);
    await expect(erasure.replay()).resolves.toBe(0);
  });

  it('is repeated for restored rows, and leaves newer links of the user (LOG-08)', async () => {
    await linkAccount(application, encodeURIComponent(userId), 'whoop', { account });
    const [row] = await rowsOf<Record<string, unknown>>(application.databaseUrl, 'connections');
    await erase();
    await restore('connections', row);
    // Somebody let the service run before the replay.
    await linkAccount(application, encodeURIComponent(userId), 'oura', { account: '222' });
    const { linkWebUrl } = await startLink(application, encodeURIComponent(userId), 'fitbit');

    const erasure = application.app.get(UserErasureService);
    await expect(erasure.replay()).resolves.toBe(1);

    await application.api.get(`${path}/connections/whoop/token`).expect(404);
    await application.api.get(`${path}/connections/oura/token`).expect(200);
    await application.browser.get(pathOf(await consent(linkWebUrl))).expect(200);
    await expect(erasure.replay()).resolves.toBe(0);
  });

  it('is not repeated for a user who has linked an account since (LOG-08)', async () => {
    await erase();
    await linkAccount(application, encodeURIComponent(userId), 'whoop', { account });
    await expect(application.app.get(UserErasureService).replay()).resolves.toBe(0);
    await application.api.get(`${path}/connections/whoop/token`).expect(200);
  });

  it('erases a connection to a provider that this deployment no longer has (LOG-08)', async () => {
    await linkAccount(application, encodeURIComponent(userId), 'whoop', { account });
    await changeRows(application.databaseUrl, 'connections', { provider: 'gone' });
    const { connections } = await erase();
    expect(connections).toEqual([{ provider: 'gone', provider_revocation: 'unsupported' }]);
    expect(await dump()).not.toContain(userId);
  });

  it('writes no id of the user into the erasure log, and refuses to replay a log that it cannot read', async () => {
    await erase();
    const log = await readFile(logFile, 'utf8');
    expect(log).toMatch(/^\{"user_digest":"[0-9a-f]{64}","erased_at":"[^"]+"\}\n$/);
    await writeFile(logFile, `${log}{"user_digest": 1}\n`);
    await expect(application.app.get(UserErasureService).replay()).rejects.toThrow('Line 2 of the erasure log');
    await expect(application.app.get(UserErasureService).replay(`${logFile}.not-there`)).rejects.toThrow(
      'cannot be read',
    );
  });

  it('loses no erasure to a line that was cut off before it, as by a disk that was full (LOG-08)', async () => {
    const cutOff = '{"user_digest":"c0ffee';
    await mkdir(join(directory, 'log'));
    await writeFile(logFile, cutOff);
    await linkAccount(application, encodeURIComponent(userId), 'whoop', { account });
    const [row] = await rowsOf<Record<string, unknown>>(application.databaseUrl, 'connections');
    await erase();
    await writeFile(logFile, `${await readFile(logFile, 'utf8')}${cutOff}`);

    await deleteRows(application.databaseUrl, 'erasures');
    await restore('connections', row);
    await expect(application.app.get(UserErasureService).replay()).resolves.toBe(1);
    expect(await dump()).not.toContain(userId);
    await writeFile(logFile, 'not an erasure log\n');
    await expect(application.app.get(UserErasureService).replay()).rejects.toThrow('Line 1 of the erasure log');
  });

  it('reports success for an unknown user, and needs the scope', async () => {
    expect((await erase()).connections).toEqual([]);
    const reader = await application.createKey('connections:read');
    const response = await application.browser.delete(path).set('authorization', `Bearer ${reader}`).expect(403);
    expect(response.body).toMatchObject({ code: 'SCOPE_MISSING' });
  });

  it('drops the tokens of a refresh in flight (R-19)', async () => {
    await linkAccount(application, encodeURIComponent(userId), 'whoop', { account });
    const fake = application.sandbox.provider('whoop');
    fake.misbehave({ endpoint: 'refresh', ...held });
    const response = application.api.post(`${path}/connections/whoop/refresh`).then(({ status }) => status);
    await until('the provider is asked', () => fake.history.some(({ kind }) => kind === 'refresh'));
    await erase();
    fake.behave();
    expect(await response).toBe(404);
    expect(fake.liveGrants()).toEqual([]);
    expect(await dump()).not.toContain(userId);
  });
});
