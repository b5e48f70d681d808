import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { linkAccount } from '../support/linking.js';
import { checkout, startProcess } from '../support/service-process.js';
import { changeRows } from '../support/rows.js';

describe('the commands about connections', () => {
  let application: TestApplication;
  let directory: string;

  beforeAll(async () => {
    application = await startApplication();
    directory = await mkdtemp(join(tmpdir(), 'cufflink-commands-'));
    // Each has an account of its own: a grant that another connection needs would not be revoked.
    for (const [index, user] of ['user-1', 'user-2', 'user-3'].entries()) {
      await linkAccount(application, user, 'whoop', { account: String(5_001 + index) });
    }
    await linkAccount(application, 'user-1', 'oura');
    await changeRows(
      application.databaseUrl,
      'connections',
      { status: 'needs_relink', end_reason: 'grant_refused' },
      { user_id: 'user-3' },
    );
  });
  afterAll(async () => {
    await application.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function run(...args: string[]): Promise<{ status: number | null; result: unknown; stderr: string }> {
    const command = startProcess([join(checkout, 'dist/cli/main.js'), '--json', 'connections', ...args], directory, {
      NODE_ENV: 'test',
      DATABASE_URL: application.databaseUrl,
      ENCRYPTION_ROOT_KEY: application.rootKey,
      SANDBOX_URL: application.sandbox.url,
    });
    const { status } = await command.ended();
    const stdout = command.stdout();
    return { status, result: stdout === '' ? undefined : (JSON.parse(stdout) as unknown), stderr: command.stderr() };
  }

  it('list the connections that match the filters, in one order, up to a limit', async () => {
    const everything = await run('list');
    const ended = await run('list', '--status', 'needs_relink', '--reason', 'grant_refused');
    const first = await run('list', '--limit', '1');
    expect(everything).toMatchObject({ status: 0, stderr: '', result: { complete: true } });
    expect(listed(everything.result)).toEqual(['user-1/oura', 'user-1/whoop', 'user-2/whoop', 'user-3/whoop']);
    expect(listed(ended.result)).toEqual(['user-3/whoop']);
    expect(first).toMatchObject({ status: 0, result: { complete: false } });
    expect(listed(first.result)).toEqual(['user-1/oura']);
  });

  it('show a connection as the API does, and end with 1 when the user must link again', async () => {
    const shown = await application.api.get('/v1/users/user-1/connections/whoop').expect(200);
    expect(await run('show', 'user-1', 'whoop')).toEqual({ status: 0, stderr: '', result: shown.body as object });
    expect(await run('show', 'user-3', 'whoop')).toMatchObject({ status: 1, result: { needs_relink: true } });
  });

  it('refresh and unlink a connection, and leave an entry of the command line', async () => {
    const refreshed = await run('refresh', 'user-2', 'whoop');
    expect(refreshed).toMatchObject({
      status: 0,
      result: { user_id: 'user-2', last_refreshed_at: expect.any(String) },
    });
    const fake = application.sandbox.provider('whoop');
    expect(fake.history.filter(({ kind }) => kind === 'refresh')).toHaveLength(1);

    expect(await run('unlink', 'user-2', 'whoop')).toMatchObject({
      status: 0,
      result: { disconnected: true, provider_revocation: 'revoked' },
    });
    await application.api.get('/v1/users/user-2/connections/whoop').expect(404);
    expect(await auditEntriesOf(application, 'user-2')).toContain('connection.unlinked success cli');
  });

  it.each([
    ['show', 'nobody', 'whoop'],
    ['refresh', 'user-3', 'whoop'],
    ['list', '--updated-after', 'yesterday'],
  ])('end with 2 and an empty result when `%s %s %s` is not possible', async (...wrong) => {
    const { status, result, stderr } = await run(...wrong);
    expect({ status, result }).toEqual({ status: 2, result: undefined });
    expect(stderr).toMatch(/\w{3}/);
  });
});

function listed(result: unknown): string[] {
  const { connections } = result as { connections: { user_id: string; provider: string }[] };
  return connections.map(({ user_id: user, provider }) => `${user}/${provider}`);
}
