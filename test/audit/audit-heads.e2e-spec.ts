import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseHead, type SignedHead } from '../../src/audit/audit-head.js';
import { findFreePort } from '../../src/development/free-port.js';
import {
  checkout,
  startProcess,
  startService,
  waitUntilReady,
  type ServiceProcess,
} from '../support/service-process.js';
import { deleteRows } from '../support/rows.js';
import { createMigratedDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

describe('the heads of the audit trail in the log', () => {
  let directory: string;
  let databaseUrl: string;
  let environment: Record<string, string>;
  let url: string;
  let key: string;
  let service: ServiceProcess | undefined;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cufflink-heads-'));
    databaseUrl = await createMigratedDatabase();
    const port = String(await findFreePort());
    url = `http://127.0.0.1:${port}`;
    environment = {
      NODE_ENV: 'production',
      DATABASE_URL: databaseUrl,
      PORT: port,
      PUBLIC_URL: 'https://link.example.com',
      RETURN_URLS: 'https://app.example.com/',
      ENCRYPTION_ROOT_KEY: randomBytes(32).toString('base64'),
      AUDIT_HEAD_LOG_SECONDS: '1',
    };
    // The first writer, before the one whose end is looked at.
    const created = await cli('api-keys', 'create', '--name', 'first', '--scopes', 'admin');
    expect(created.status).toBe(0);
    key = /\bcuff_\S+/.exec(created.output)?.[0] ?? '';
  });
  afterAll(async () => {
    await service?.stop('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });

  async function cli(...args: readonly string[]): Promise<{ status: number | null; output: string }> {
    const program = startProcess([join(checkout, 'dist/cli/main.js'), ...args], directory, environment);
    const { status } = await program.ended();
    return { status, output: program.output() };
  }

  function headsOf(running: ServiceProcess): SignedHead[] {
    return running
      .stdout()
      .split('\n')
      .map(parseHead)
      .filter((head) => head !== undefined);
  }

  it('show that the youngest writer was removed, which the database alone does not (LOG-05)', async () => {
    const running = startService(directory, environment);
    service = running;
    await waitUntilReady(running, url);
    const denied = async (): Promise<number> =>
      (await fetch(`${url}/v1/users/user-1/connections`, { headers: { authorization: `Bearer ${key}` } })).status;
    expect(await denied()).toBe(403);
    await until('the head is logged while the process runs', () => headsOf(running).at(-1)?.sequence === 1);
    expect(await denied()).toBe(403);
    await running.stop();
    const last = headsOf(running).at(-1);
    expect(last).toMatchObject({ writer: 2, sequence: 2 });
    const log = join(directory, 'service.log');
    await writeFile(log, running.stdout());
    await expect(cli('audit', 'verify', '--heads', log)).resolves.toEqual({
      status: 0,
      output: '3 entries of 2 writers were checked; none was changed.\n',
    });

    await deleteRows(databaseUrl, 'audit_entries', { writer: 2 });
    await deleteRows(databaseUrl, 'audit_writers', { number: 2 });

    await expect(cli('audit', 'verify')).resolves.toEqual({
      status: 0,
      output: '1 entries of 1 writers were checked; none was changed.\n',
    });
    await expect(cli('audit', 'verify', '--heads', log)).resolves.toEqual({
      status: 1,
      output:
        'Writer 2, entry 2 is missing with its writer, although the log recorded it.\n' +
        '1 entries of 1 writers were checked; 1 finding.\n',
    });
  });

  it('are missed in a file that has none, rather than taken for agreement (LOG-05)', async () => {
    const log = join(directory, 'other.log');
    await writeFile(log, '{"level":30,"msg":"Listening"}\n');
    await expect(cli('audit', 'verify', '--heads', log)).resolves.toMatchObject({
      status: 2,
      output: expect.stringContaining('contains no audit head'),
    });
    await expect(cli('audit', 'verify', '--heads', join(directory, 'none'))).resolves.toMatchObject({ status: 2 });
  });
});
