import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readDefinitions } from '../../src/cli/provider-catalogue.js';
import { keyPurposes } from '../../src/vault/key-purposes.js';
import { runMigrationCommand } from '../support/migration-command.js';
import { checkout, startProcess } from '../support/service-process.js';
import { createTestDatabase, queryDatabase } from '../support/test-database.js';

/** The built command, as an operator calls it. */
describe('the command line', () => {
  let slugs: string[];
  let working: string;
  let production: Record<string, string>;

  beforeAll(async () => {
    slugs = (await readDefinitions()).map(({ slug }) => slug);
    working = await mkdtemp(join(tmpdir(), 'cufflink-doctor-'));
    production = {
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://link.example.com',
      ENCRYPTION_ROOT_KEY: randomBytes(32).toString('base64'),
      RETURN_URLS: 'https://app.example.com/done',
    };
  });

  afterAll(() => rm(working, { recursive: true, force: true }));

  async function cli(command: string, environment: Readonly<Record<string, string>>, ...options: readonly string[]) {
    const program = startProcess([join(checkout, 'bin/cufflink.js'), command, ...options], working, environment);
    const { status } = await program.ended();
    return { status, stdout: program.stdout(), stderr: program.stderr() };
  }

  it('lists every provider', async () => {
    const { status, stdout, stderr } = await cli('providers', {});
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const listed = stdout.trim().split('\n').slice(1);
    expect(listed.map((line) => line.split(' ')[0])).toEqual(slugs);
    expect(listed.filter((line) => !/ sandbox /.test(line))).toEqual([]);
  });

  it('calls no provider that was not named, and refuses an unknown name', async () => {
    expect(await cli('doctor', {}, '--live')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('No provider is configured.') as unknown,
    });
    expect(await cli('doctor', {}, '--live', 'nobody')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('There is no provider nobody.') as unknown,
    });
    expect(await cli('doctor', {}, '--with-client')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('go with --live only') as unknown,
    });
  });

  it('finds nothing wrong with complete settings and a prepared database', async () => {
    const databaseUrl = await createTestDatabase();
    await runMigrationCommand(['migration:run'], databaseUrl);
    const { status, stdout, stderr } = await cli('doctor', { ...production, DATABASE_URL: databaseUrl }, '--all');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^OK +database +reachable; every migration has run$/m);
    expect(stdout).not.toContain('WRONG');
    expect(stdout).not.toContain(production['ENCRYPTION_ROOT_KEY']);
    for (const slug of slugs) {
      expect(stdout).toContain(` https://link.example.com/v1/oauth/${slug}/callback.`);
    }
  });

  it('ends with status 1 where the root key or the name of the environment is not the one of the database (CR-10)', async () => {
    const databaseUrl = await createTestDatabase();
    await runMigrationCommand(['migration:run'], databaseUrl);
    const settings = { ...production, DATABASE_URL: databaseUrl };
    const making = startProcess([join(checkout, 'dist/cli/main.js'), 'keys', 'list'], working, settings);
    expect(await making.ended()).toMatchObject({ status: 0 });

    expect((await cli('doctor', settings)).stdout).toMatch(
      new RegExp(`^OK +keys +the root key unwraps all ${keyPurposes.length} keys`, 'm'),
    );
    for (const other of [
      { ENCRYPTION_ROOT_KEY: randomBytes(32).toString('base64') },
      { ENVIRONMENT_NAME: 'another-name' },
    ]) {
      const { status, stdout } = await cli('doctor', { ...settings, ...other });
      expect(status).toBe(1);
      expect(stdout).toMatch(/^WRONG +keys +the root key and the name "[\w-]+" cannot unwrap (\d+) of the \1 keys/m);
    }
  });

  it('ends with status 1 if DATABASE_READ_URL names another database or no server, and warns of the primary itself', async () => {
    const databaseUrl = await createTestDatabase();
    await runMigrationCommand(['migration:run'], databaseUrl);
    const another = await createTestDatabase();
    for (const [readUrl, status, line] of [
      [databaseUrl, 0, /^NOTE +read replica +DATABASE_READ_URL names the primary itself/m],
      [another, 1, /^WRONG +read replica +It is no replica of the database of DATABASE_URL\./m],
      ['postgres://127.0.0.1:1/nothing', 1, /^WRONG +read replica +The database at DATABASE_READ_URL cannot be/m],
    ] as const) {
      const settings = { ...production, DATABASE_URL: databaseUrl, DATABASE_READ_URL: readUrl };
      const found = await cli('doctor', settings);
      expect(found).toMatchObject({ status, stdout: expect.stringMatching(line) as unknown });
      expect(found.stdout).toMatch(/^OK +database +reachable/m);
    }
  });

  it('ends with status 1 where migrations are pending, and changes nothing in the database', async () => {
    const databaseUrl = await createTestDatabase();
    const { status, stdout } = await cli('doctor', { ...production, DATABASE_URL: databaseUrl });
    expect(status).toBe(1);
    expect(stdout).toMatch(/^WRONG +database +reachable; \d+ migrations? (is|are) pending: .*npm run cli -- migrate/m);
    await expect(queryDatabase(databaseUrl, `SELECT * FROM pg_tables WHERE schemaname = 'public'`)).resolves.toEqual(
      [],
    );
  });

  it('ends with status 1 and lists every wrong setting', async () => {
    const { status, stdout, stderr } = await cli('doctor', {
      NODE_ENV: 'production',
      DATABASE_URL: 'postgres://127.0.0.1:1/nothing',
      RETURN_URLS: 'nowhere',
      RATE_LIMIT_STORAGE: 'nowhere',
      OUTBOUND_PROXY_URL: 'nowhere',
      WHOOP_CLIENT_ID: 'an-id',
      OURA_CLIENT_ID: 'an-id',
      OURA_CLIENT_SECRET: 'not-a-real-secret',
      OURA_REDIRECT_URL: 'http://link.example.com',
    });
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    for (const line of [
      /^WRONG +process +PUBLIC_URL must be set/m,
      /^WRONG +root key +Set either ENCRYPTION_ROOT_KEY/m,
      /^WRONG +RETURN_URLS +RETURN_URLS must be/m,
      /^WRONG +database +/m,
      /^WRONG +whoop +WHOOP_CLIENT_SECRET is missing/m,
      /^WRONG +oura +OURA_REDIRECT_URL must be an https URL/m,
      /^WRONG +access +.*RATE_LIMIT_STORAGE/m,
      /^WRONG +outbound +.*OUTBOUND_PROXY_URL/m,
      /^8 problems found/m,
    ]) {
      expect(stdout).toMatch(line);
    }
    expect(stdout).not.toContain('not-a-real-secret');
  });

  it('needs no setting in development', async () => {
    const { status, stdout, stderr } = await cli('doctor', {});
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('No problems found.');
    expect(readdirSync(working)).toEqual([]);
  });
});
