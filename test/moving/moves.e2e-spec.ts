import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ExportRun, type WrittenExport } from '../../src/moving/export-run.js';
import { ImportRun, type ImportCounts } from '../../src/moving/import-run.js';
import { readRows } from '../../src/moving/row-source.js';
import { OAuth2ProviderModule } from '../../src/provider-kit/provider-module.js';
import { AccountLookupWorker } from '../../src/tokens/accounts/account-lookup.worker.js';
import { ConnectionFreezer } from '../../src/tokens/freeze/connection-freezer.js';
import { FrozenCount } from '../../src/tokens/freeze/frozen-count.js';
import { RecipientOpener, RecipientSeal } from '../../src/vault/recipient-envelope.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { runCommandLine } from '../support/command-line.js';
import { expectAbsent } from '../support/database-dump.js';
import { newUser, pathOf, startLink } from '../support/linking.js';
import { definePeer } from '../support/peer-provider.js';
import { StrictAuthorizationServer } from '../support/strict-authorization-server.js';
import { at, Subject } from '../support/subject.js';
import { addReplica } from '../support/key-rotation.js';
import { changeRows, deleteRows, rowsOf } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const slug = 'peer-strict';
const server = new StrictAuthorizationServer();
const module = OAuth2ProviderModule(
  definePeer(slug, 'body', {
    pkce: 'unsupported',
    defaultScopes: ['activity', 'sleep'],
    account: { from: 'token-response', field: 'user_id' },
    revocation: undefined,
  }),
);
/** The deployment that the connections are linked in, and the one that they move to. */
let first: TestApplication;
let second: TestApplication;
let directory: string;
let files = 0;
const keys = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const requester = { actor: 'cli' };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cufflink-moves-'));
  await server.start();
  const options = {
    modules: [module],
    environment: {
      PEER_STRICT_CLIENT_ID: 'not-a-real-client',
      PEER_STRICT_CLIENT_SECRET: 'not-a-real-secret',
      PEER_STRICT_TOKEN_URL: `${server.url}/token`,
      REFRESH_SCHEDULER: 'off',
    },
  };
  first = await startApplication(options);
  second = await startApplication(options);
});
afterAll(async () => {
  await first?.close();
  await second?.close();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

async function linkStrict(user = newUser()): Promise<string> {
  const { linkWebUrl, state } = await startLink(first, user, slug);
  const callback = new URL(new URL(linkWebUrl).searchParams.get('redirect_uri') ?? '');
  callback.search = new URLSearchParams({ code: server.issueCode(), state }).toString();
  await first.browser.get(pathOf(callback)).expect(200);
  return user;
}

const refresh = ({ api }: TestApplication, user: string, provider = slug) =>
  api.post(`/v1/users/${user}/connections/${provider}/refresh`);
const freezerOf = ({ app }: TestApplication): ConnectionFreezer => app.get(ConnectionFreezer, { strict: false });
const freeze = (application: TestApplication, scope: { provider?: string; userId?: string }) =>
  freezerOf(application).freeze(scope, requester, 30_000, () => undefined);

async function exportTo(
  { app }: TestApplication,
  terms: { provider?: string; userId?: string; isCopy?: boolean },
): Promise<WrittenExport & { path: string }> {
  files += 1;
  const path = join(directory, `${files}.jwe`);
  const written = await app
    .get(ExportRun, { strict: false })
    .write(path, RecipientSeal.fromPem(keys.publicKey), { isCopy: false, ...terms }, requester, () => undefined);
  return { ...written, path };
}

function importInto({ app }: TestApplication, path: string, replace = false): Promise<ImportCounts> {
  const opener = RecipientOpener.fromPem(keys.privateKey);
  const rows = readRows(path, { format: 'plain', slugs: new Map(), opener });
  return app.get(ImportRun, { strict: false }).run(
    rows,
    { replace },
    requester,
    () => undefined,
    () => undefined,
  );
}

/** Keeps refreshing all users, as callers do that know nothing of a move. Returns how to stop. */
function refreshAllTheTime(application: TestApplication, users: readonly string[]): () => Promise<Set<number>> {
  let isOver = false;
  const statuses = new Set<number>();
  const work = users.map(async (user) => {
    while (!isOver) {
      const { status } = await refresh(application, user);
      statuses.add(status);
    }
  });
  return async () => {
    isOver = true;
    await Promise.all(work);
    return statuses;
  };
}

/** Changes bits of the authentication tag. Its last character has bits that do not count. */
function altered(line: string): string {
  const at = line.length - 10;
  return `${line.slice(0, at)}${line[at] === 'A' ? 'B' : 'A'}${line.slice(at + 1)}`;
}

describe('a move to another deployment and back', () => {
  it('spends no refresh token twice while callers keep refreshing', async () => {
    const users = await Promise.all(Array.from({ length: 4 }, () => linkStrict()));
    const stopFirst = refreshAllTheTime(first, users);
    const frozen = await freeze(first, { provider: slug });
    expect(frozen).toMatchObject({ frozen: users.length, inFlight: 0, inDoubt: 0 });
    const out = await exportTo(first, { provider: slug });
    expect(out).toMatchObject({ exported: users.length, leftOut: [] });
    await expect(importInto(second, out.path)).resolves.toMatchObject({ imported: users.length, refused: 0 });
    const stopSecond = refreshAllTheTime(second, users);
    await until('every connection is refreshed in the second deployment', async () => {
      const [row] = await queryDatabase<{ count: number }>(
        second.databaseUrl,
        'SELECT count(*)::int AS count FROM connections WHERE secret_gen > 1',
      );
      return row?.count === users.length;
    });
    await expect(freezerOf(first).thaw({ provider: slug }, requester, false)).resolves.toEqual({
      thawed: 0,
      kept: users.length,
    });
    await freeze(second, { provider: slug });
    const back = await exportTo(second, { provider: slug });
    await expect(importInto(first, back.path, true)).resolves.toMatchObject({ imported: users.length, refused: 0 });
    await expect(freezerOf(first).thaw({ provider: slug }, requester, false)).resolves.toEqual({
      thawed: users.length,
      kept: 0,
    });
    await until(
      'callers refresh in the first deployment again',
      async () => (await refresh(first, users[0] ?? '')).status === 200,
    );
    expect(await stopFirst()).toEqual(new Set([200, 409]));
    expect(await stopSecond()).toEqual(new Set([200, 409]));
    for (const user of users) {
      await refresh(first, user).expect(200);
    }
    expect(server.reuses).toBe(0);
  });

  it('does not begin while a process of version 1.0.0 runs, which would refresh frozen connections', async () => {
    const user = await linkStrict();
    const frozenAt = async () => rowsOf(first.databaseUrl, 'connections', { user_id: user });
    // Version 1.0.0 writes no generation.
    await addReplica(first.databaseUrl, randomUUID());
    await expect(freeze(first, { userId: user })).rejects.toThrow('1 live processes of version 1.0.0');
    expect(await frozenAt()).toMatchObject([{ frozen_at: null }]);
    await deleteRows(first.databaseUrl, 'vault_replicas', { generation: 1 });
    await freeze(first, { userId: user });
    expect(await frozenAt()).toMatchObject([{ frozen_at: expect.any(Date) }]);
  });

  it('with the defense off, which is the freeze, ends grants at the provider', async () => {
    const user = await linkStrict();
    const copy = await exportTo(first, { userId: user, isCopy: true });
    await importInto(second, copy.path);
    await refresh(first, user).expect(200);
    await refresh(second, user);
    expect(server.reuses).toBeGreaterThan(0);
    server.reuses = 0;
  });
});

describe('a frozen connection', () => {
  it('gives callers its token while the token lives, and then the error that names the operator', async () => {
    const subject = await Subject.link(first, 'whoop');
    const token = await subject.token();
    await freeze(first, { userId: subject.userId });
    const view = await subject.look().expect(200);
    expect((view.body as { frozen_at: string | null }).frozen_at).not.toBeNull();
    expect(await subject.token()).toBe(token);
    await subject.liveFor(30_000);
    expect(await subject.token()).toBe(token);
    await subject.expire();
    expect(await subject.refusal()).toMatchObject({ status: 409, code: 'CONNECTION_FROZEN', act: 'operator' });
    expect(await subject.force()).toMatchObject({ status: 409, code: 'CONNECTION_FROZEN' });
    await first.app.get(FrozenCount, { strict: false }).sweep();
    const metrics = await first.api.get('/metrics').expect(200);
    expect(metrics.text).toMatch(/cufflink_frozen_connections\{provider="whoop"\} [1-9]/);
    expect(subject.refreshes).toEqual([]);
    await freezerOf(first).thaw({ userId: subject.userId }, requester, false);
    expect(await subject.token()).not.toBe(token);
    expect(await auditEntriesOf(first, subject.userId)).toEqual(
      expect.arrayContaining(['connections.frozen success cli', 'connections.thawed success cli']),
    );
  });

  it('waits for the refresh in flight, and its tokens are stored', async () => {
    const subject = await Subject.link(first, 'whoop');
    const token = await subject.token();
    subject.fake.misbehave(at({ type: 'slow', ms: 600_000 }));
    const refreshed = subject.force();
    await subject.refreshInFlight();
    let isFrozen = false;
    const freezing = freeze(first, { provider: 'whoop', userId: subject.userId }).then((result) => {
      isFrozen = true;
      return result;
    });
    await until('the row is frozen', async () => {
      const rows = await queryDatabase(
        first.databaseUrl,
        `SELECT FROM connections WHERE user_id = $1 AND provider = 'whoop' AND frozen_at IS NOT NULL`,
        [subject.userId],
      );
      return rows.length === 1;
    });
    expect(isFrozen).toBe(false);
    subject.fake.behave();
    expect(await freezing).toEqual({ frozen: 1, inFlight: 0, inDoubt: 0 });
    expect(await refreshed).toMatchObject({ status: 200 });
    expect(await subject.token()).not.toBe(token);
    await subject.expectStoredTokensAlive();
  });

  it('is looked up no more, and its unlink spends no refresh token', async () => {
    const subject = await Subject.link(first, 'whoop');
    await changeRows(first.databaseUrl, 'connections', { account_due_at: 'now' }, { user_id: subject.userId });
    await freeze(first, { userId: subject.userId });
    const calls = subject.fake.history.filter(({ kind }) => kind === 'account').length;
    await first.app.get(AccountLookupWorker, { strict: false }).sweep();
    expect(subject.fake.history.filter(({ kind }) => kind === 'account')).toHaveLength(calls);
    await subject.expire();
    const unlinked = await subject.unlink().expect(200);
    expect(unlinked.body).toMatchObject({ disconnected: true, provider_revocation: 'left' });
    expect(subject.refreshes).toEqual([]);
  });
});

describe('an export', () => {
  it('needs the freeze, shows no token, is audited, and opens with its key only', async () => {
    const user = await linkStrict();
    await expect(exportTo(first, { userId: user })).rejects.toThrow('1 connections are not frozen');
    await freeze(first, { userId: user });
    const token = await first.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(200);
    const { path, exported, sha256 } = await exportTo(first, { userId: user });
    expect(exported).toBe(1);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const text = await readFile(path, 'utf8');
    expectAbsent((token.body as { access_token: string }).access_token, text);
    expect(await auditEntriesOf(first, user)).toContain('connection.exported success cli');
    const other = generateKeyPairSync('x25519', {
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const wrong = readRows(path, {
      format: 'plain',
      slugs: new Map(),
      opener: RecipientOpener.fromPem(other.privateKey),
    });
    await expect(wrong.next()).rejects.toThrow('does not open');
  });

  it('is refused by an import when a line is missing, repeated or altered', async () => {
    const user = await linkStrict();
    await freeze(first, { userId: user });
    const { path } = await exportTo(first, { userId: user });
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    const variants = [
      lines.slice(0, -1),
      lines.slice(1),
      [...lines, lines.at(-1)],
      [altered(lines[0] ?? ''), lines[1]],
      [lines[0], lines[0], lines[1]],
    ];
    for (const variant of variants) {
      files += 1;
      const path = join(directory, `${files}.jwe`);
      await writeFile(path, `${variant.join('\n')}\n`);
      await expect(importInto(second, path)).rejects.toThrow();
    }
  });

  it('works on the command line', async () => {
    const subject = await Subject.link(first, 'oura');
    const publicKey = join(directory, 'public.pem');
    await writeFile(publicKey, keys.publicKey);
    const file = join(directory, 'oura.jwe');
    const scope = ['--provider', 'oura', '--user', subject.userId];
    const frozen = await runCommandLine(first, ['connections', 'freeze', ...scope], directory);
    expect(frozen).toMatchObject({ status: 0, json: { frozen: 1, in_flight: 0 } });
    const out = await runCommandLine(
      first,
      ['connections', 'export', file, ...scope, '--to-public-key', publicKey],
      directory,
    );
    expect(out).toMatchObject({ status: 0, json: { exported: 1 } });
    const thawed = await runCommandLine(first, ['connections', 'thaw', ...scope], directory);
    expect(thawed).toMatchObject({ status: 1, json: { thawed: 0, kept: 1 } });
  });
});
