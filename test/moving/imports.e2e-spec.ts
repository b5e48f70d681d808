import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ImportRun, type ImportCounts, type RefusedRow } from '../../src/moving/import-run.js';
import { readRows } from '../../src/moving/row-source.js';
import { DryRun } from '../../src/tokens/import/dry-run.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { runCommandLine } from '../support/command-line.js';
import { dumpDatabase, expectAbsent } from '../support/database-dump.js';
import { linkAccount, newUser } from '../support/linking.js';
import { rowsOf } from '../support/rows.js';

let application: TestApplication;
let directory: string;
let files = 0;
let accounts = 700_000;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cufflink-imports-'));
  application = await startApplication({ environment: { ACCOUNT_SHARING: 'deny' } });
});
afterAll(async () => {
  await application?.close();
  await rm(directory, { recursive: true, force: true });
});

interface Row extends Record<string, unknown> {
  readonly user_id: string;
}

/** Tokens that the fake provider issues without a user. */
function issue(provider: string, account: string): { accessToken: string; refreshToken: string } {
  const { fields } = application.sandbox.provider(provider).issueGrant(account);
  return { accessToken: String(fields['access_token']), refreshToken: String(fields['refresh_token']) };
}

/** A row of a new user with tokens that the fake provider issued to an account of its own. */
function issuedRow(provider = 'whoop', fields: object = {}): Row & { access_token: string; refresh_token: string } {
  accounts += 1;
  const account = String(accounts);
  const grant = issue(provider, account);
  const endsAt = application.clock.now().getTime() + 3_600_000;
  return {
    user_id: newUser(),
    provider,
    access_token: grant.accessToken,
    refresh_token: grant.refreshToken,
    expires_at: new Date(endsAt).toISOString(),
    scopes: 'offline read:profile read:sleep',
    provider_user_id: account,
    ...fields,
  };
}

async function writeLines(rows: readonly unknown[], name = 'jsonl'): Promise<string> {
  files += 1;
  const path = join(directory, `${files}.${name}`);
  const lines = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)));
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

async function importFile(
  path: string,
  options: {
    format?: 'plain' | 'nango';
    slugs?: ReadonlyMap<string, string>;
    replace?: boolean;
    dryRun?: boolean;
    verify?: boolean;
  } = {},
): Promise<ImportCounts & { refusedRows: RefusedRow[] }> {
  const { format = 'plain', slugs = new Map<string, string>(), replace = false } = options;
  const refusedRows: RefusedRow[] = [];
  const counts = await application.app.get(ImportRun, { strict: false }).run(
    readRows(path, { format, slugs }),
    {
      replace,
      dryRun: options.dryRun === true ? new DryRun() : undefined,
      verifyPerSecond: options.verify === true ? 1_000 : undefined,
    },
    { actor: 'cli' },
    () => undefined,
    (row) => refusedRows.push(row),
  );
  return { ...counts, refusedRows };
}

async function importRows(rows: readonly unknown[], options: Parameters<typeof importFile>[1] = {}) {
  return importFile(await writeLines(rows), options);
}

async function rowOf(user: string): Promise<Record<string, unknown>> {
  const [row] = await rowsOf<Record<string, unknown>>(application.databaseUrl, 'connections', { user_id: user });
  return row ?? {};
}

const connectionOf = (user: string, provider = 'whoop'): string => `/v1/users/${user}/connections/${provider}`;

describe('an imported connection', () => {
  it('is the same as a linked one: tokens, scopes, account, audit entry and event', async () => {
    const row = issuedRow('whoop', { metadata: { clinic: 'north' } });
    await expect(importRows([row])).resolves.toMatchObject({ imported: 1, refused: 0 });
    const token = await application.api.get(`${connectionOf(row.user_id)}/token`).expect(200);
    expect(token.body).toMatchObject({
      access_token: row.access_token,
      scopes: ['offline', 'read:profile', 'read:sleep'],
    });
    const refreshed = await application.api.post(`${connectionOf(row.user_id)}/refresh`).expect(200);
    expect(refreshed.body).toMatchObject({ status: 'active', metadata: { clinic: 'north' }, reason: null });
    const stored = await rowOf(row.user_id);
    expect(stored).toMatchObject({ status: 'active', account_exclusive: true });
    const events = await rowsOf(application.databaseUrl, 'events', { user_id: row.user_id });
    expect(events[0]).toMatchObject({
      type: 'connection.linked',
      source: 'operator',
      sequence: 1,
      details: { metadata: { clinic: 'north' } },
    });
    const entries = await auditEntriesOf(application, row.user_id);
    expect(entries).toContain('connection.imported success cli');
  });

  it('signs requests if it is of OAuth 1.0a', async () => {
    const user = newUser();
    const row = {
      user_id: user,
      provider: 'garmin-oauth1',
      access_token: 'oauth1-token',
      token_secret: 'oauth1-secret-1',
      provider_user_id: 'g-1',
    };
    await expect(importRows([row])).resolves.toMatchObject({ imported: 1 });
    const token = await application.api.get(`${connectionOf(user, 'garmin-oauth1')}/token`).expect(200);
    expect(token.body).toMatchObject({ token_type: 'oauth1', token: 'oauth1-token', token_secret: 'oauth1-secret-1' });
  });

  it('needs no access token: the first caller has it refreshed', async () => {
    const row = { ...issuedRow(), access_token: undefined, expires_at: undefined };
    await expect(importRows([row])).resolves.toMatchObject({ imported: 1 });
    const token = await application.api.get(`${connectionOf(row.user_id)}/token`).expect(200);
    const { access_token: accessToken } = token.body as { access_token: string };
    expect(application.sandbox.provider('whoop').isLiveAccessToken(accessToken)).toBe(true);
  });

  it('is due for a refresh at once if nobody knows how old its access token is', async () => {
    const row = { ...issuedRow(), expires_at: undefined };
    await importRows([row]);
    const { refresh_due_at: dueAt } = await rowOf(row.user_id);
    expect((dueAt as Date).getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
  });
});

describe('an import', () => {
  it('changes nothing when it runs again, also after the tokens were refreshed', async () => {
    const [first, second] = [issuedRow(), issuedRow()];
    const path = await writeLines([first, second]);
    await importFile(path);
    await application.api.post(`${connectionOf(first.user_id)}/refresh`).expect(200);
    const before = await rowOf(first.user_id);
    await expect(importFile(path, { replace: true })).resolves.toMatchObject({
      imported: 0,
      alreadyImported: 2,
      refused: 0,
    });
    expect(await rowOf(first.user_id)).toEqual(before);
  });

  it('names line, user and reason of each refused row, and stores the others', async () => {
    const linked = newUser();
    await linkAccount(application, linked, 'whoop', { account: '799999' });
    const erased = newUser();
    await application.api.delete(`/v1/users/${erased}`).expect(200);
    const good = issuedRow();
    const twin = issuedRow('whoop', { provider_user_id: good['provider_user_id'] });
    const rows: [Record<string, unknown> | string, string | undefined][] = [
      [good, undefined],
      ['{"user_id": "broken', 'invalid'],
      [issuedRow('whoop', { acces_token: 'misspelt' }), 'invalid'],
      [issuedRow('whoop', { expires_at: 'tomorrow' }), 'invalid'],
      [issuedRow('whoop', { provider: 'nobody' }), 'provider_unknown'],
      [issuedRow('whoop', { client_id: 'another-client' }), 'other_registration'],
      [issuedRow('whoop', { token_secret: 'of-oauth-1' }), 'wrong_version'],
      [issuedRow('whoop', { refresh_token: null, expires_at: 1_500_000_000 }), 'no_usable_token'],
      [issuedRow('whoop', { expires_at: 1_500_000_000, refresh_expires_at: 1_500_000_000 }), 'refresh_token_expired'],
      [issuedRow('whoop', { user_id: linked }), 'already_linked'],
      [issuedRow('whoop', { user_id: erased }), 'user_erased'],
      [twin, 'account_already_linked'],
      [issuedRow('whoop', { user_id: good.user_id }), 'already_linked'],
      [good, undefined],
    ];
    const expected = rows.flatMap(([, reason], at) => (reason === undefined ? [] : [[at + 1, reason]]));
    const lines = rows.map(([row]) => row);
    const dry = await importRows(lines, { dryRun: true });
    expect(dry.refusedRows.map(({ number, reason }) => [number, reason]).sort(byNumber)).toEqual(expected);
    expect(dry).toMatchObject({ imported: 1, alreadyImported: 1 });
    expect(await rowOf(good.user_id)).toEqual({});
    const real = await importRows(lines);
    expect(real.refusedRows.map(({ number, reason }) => [number, reason]).sort(byNumber)).toEqual(expected);
    expect(real).toMatchObject({ imported: 1, alreadyImported: 1, refused: expected.length });
    expect(real.refusedRows.find(({ number }) => number === 10)?.userId).toBe(linked);
    for (const row of rows.map(([each]) => each).filter((each) => typeof each === 'object')) {
      expectAbsent(String(row['access_token']), JSON.stringify(real.refusedRows));
    }
  });

  it('replaces tokens only on request, only of the same account, and never newer ones', async () => {
    const row = issuedRow();
    await importRows([row]);
    const other = { ...issuedRow(), user_id: row.user_id };
    const again = issue('whoop', String(row['provider_user_id']));
    const newer = { ...row, access_token: again.accessToken, refresh_token: again.refreshToken };
    const refuse = async (each: object): Promise<unknown> => (await importRows([each], { replace: true })).refusedRows;
    expect(await refuse(other)).toMatchObject([{ reason: 'account_changed' }]);
    expect(await refuse({ ...newer, issued_at: '2020-01-01T00:00:00Z' })).toMatchObject([{ reason: 'older_tokens' }]);
    await expect(importRows([newer], { replace: true })).resolves.toMatchObject({ imported: 1 });
    const token = await application.api.get(`${connectionOf(row.user_id)}/token`).expect(200);
    expect(token.body).toMatchObject({ access_token: again.accessToken });
  });

  it('calls the account endpoint with --verify, and refuses the tokens that the provider refuses', async () => {
    const good = issuedRow('whoop', { provider_user_id: null });
    const dead = issuedRow('whoop', { access_token: 'never-issued-by-anybody' });
    const wrong = issuedRow('whoop', { provider_user_id: '1' });
    const counts = await importRows([good, dead, wrong], { verify: true });
    expect(counts.refusedRows.map(({ number, reason }) => [number, reason])).toEqual([
      [2, 'token_rejected'],
      [3, 'account_mismatch'],
    ]);
    expect(counts).toMatchObject({ imported: 1, warnings: { account_unknown: 0 } });
    expect(await rowOf(good.user_id)).toMatchObject({ account_due_at: null, account_exclusive: true });
  });

  it('reads CSV with the documented columns', async () => {
    const [first, second] = [issuedRow(), issuedRow()];
    const lines = [
      'user_id,provider,access_token,refresh_token,expires_at,scopes,provider_user_id,metadata',
      ...[first, second].map(
        (row) =>
          `${row.user_id},whoop,${row.access_token},${row.refresh_token},${String(row['expires_at'])},"offline read:sleep",` +
          `${String(row['provider_user_id'])},"{""clinic"":""north""}"`,
      ),
      'somebody,whoop,,,,,,',
    ];
    const counts = await importFile(await writeLines(lines, 'csv'));
    expect(counts).toMatchObject({
      imported: 2,
      refusedRows: [{ number: 4, userId: 'somebody', reason: 'no_usable_token' }],
    });
    const view = await application.api.get(connectionOf(second.user_id)).expect(200);
    expect(view.body).toMatchObject({ metadata: { clinic: 'north' }, scopes_granted: ['offline', 'read:sleep'] });
    await expect(importFile(await writeLines(['user_id,provider,token', 'a,whoop,b'], 'csv'))).rejects.toThrow(
      'must name its columns',
    );
  });

  it("reads connections in the shape of Nango's API", async () => {
    const grant = issue('whoop', '700900');
    const [user, other] = [newUser(), newUser()];
    const oauth2 = {
      id: 1,
      connection_id: '5f4c1f7e-3a52-4c11-8f4e-6f0a9f2f3b10',
      provider_config_key: 'whoop-production',
      provider: 'whoop',
      end_user: { id: user, email: null },
      metadata: { clinic: 'north', limits: { days: 3 } },
      connection_config: {},
      created_at: '2026-01-01T00:00:00Z',
      credentials: {
        type: 'OAUTH2',
        access_token: grant.accessToken,
        refresh_token: grant.refreshToken,
        expires_at: new Date(application.clock.now().getTime() + 3_600_000).toISOString(),
        raw: { scope: 'offline read:sleep', token_type: 'bearer' },
      },
    };
    const oauth1 = {
      connection_id: other,
      provider_config_key: 'garmin-oauth1',
      credentials: {
        type: 'OAUTH1',
        oauth_token: 'nango-oauth1-token',
        oauth_token_secret: 'nango-oauth1-secret',
        raw: {},
      },
    };
    const foreign = { connection_id: 'c', provider_config_key: 'whoop', credentials: { type: 'API_KEY', apiKey: 'x' } };
    const slugs = new Map([['whoop-production', 'whoop']]);
    const counts = await importRows([oauth2, oauth1, foreign], { format: 'nango', slugs });
    expect(counts).toMatchObject({ imported: 2, refusedRows: [{ number: 3, reason: 'invalid' }] });
    const view = await application.api.get(connectionOf(user)).expect(200);
    expect(view.body).toMatchObject({
      metadata: { clinic: 'north', limits: '{"days":3}' },
      scopes_granted: ['offline', 'read:sleep'],
    });
    await application.api.get(`${connectionOf(other, 'garmin-oauth1')}/token`).expect(200);
  });

  it('runs on the command line, and shows no token there or in the database', async () => {
    const rows = Array.from({ length: 3 }, () => issuedRow());
    const path = await writeLines([...rows, issuedRow('whoop', { provider: 'nobody' })]);
    const refusedFile = join(directory, 'refused.jsonl');
    const result = await runCommandLine(
      application,
      ['connections', 'import', path, '--refused', refusedFile],
      directory,
    );
    expect(result).toMatchObject({ status: 1, json: { imported: 3, refused: 1 } });
    const dump = await dumpDatabase(application);
    for (const row of rows) {
      expectAbsent(row.access_token, result.output, dump);
      expectAbsent(row.refresh_token, result.output, dump);
    }
  });
});

function byNumber([left]: readonly unknown[], [right]: readonly unknown[]): number {
  return Number(left) - Number(right);
}
