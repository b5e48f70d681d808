import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BackgroundJobs } from '../../src/clock/background-jobs.js';
import { databaseConfig } from '../../src/database/database.config.js';
import { LinkPurge } from '../../src/links/store/link-purge.js';
import { ApiKeyUse } from '../../src/access/api-key-use.js';
import { DeadTokenPurge } from '../../src/tokens/store/dead-token-purge.js';
import { MigrationRun } from '../../src/tokens/migration/migration-run.js';
import { RefreshScheduler } from '../../src/tokens/scheduler/refresh-scheduler.js';
import { RevocationOutbox } from '../../src/tokens/revocation/revocation-outbox.js';
import { EventPurge } from '../../src/events/event-purge.js';
import { AttemptPurge } from '../../src/webhooks/attempt-purge.js';
import { KeyRing } from '../../src/vault/key-ring.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import {
  applyDatabaseRoles,
  createSplitDatabase,
  type DatabaseRole,
  type SplitDatabase,
} from '../support/database-roles.js';
import { linkAccount, pathOf, startLink } from '../support/linking.js';
import { checkout, startProcess } from '../support/service-process.js';
import { changeRows, makeRevocationsDue, rowsOf } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const rootKey = randomBytes(32).toString('base64');
const returnUrl = 'https://app.example.com/devices';

/**
 * The rights of each role on each table, columns in brackets. They stand here a second time, apart from the script, on
 * purpose: a new table or column right must be decided in both.
 */
const expected: Readonly<Record<string, Partial<Record<DatabaseRole, string>>>> = {
  accounts: { cufflink_app: 'DELETE INSERT SELECT UPDATE' },
  api_keys: {
    cufflink_app: 'SELECT UPDATE(last_used_at)',
    cufflink_operator: 'INSERT SELECT UPDATE(expires_at) UPDATE(mac) UPDATE(revoked_at) UPDATE(secret_hash)',
  },
  audit_entries: {
    cufflink_app: 'INSERT SELECT',
    cufflink_operator: 'DELETE INSERT SELECT',
    cufflink_auditor: 'SELECT',
    cufflink_reader: 'SELECT',
  },
  audit_writers: {
    cufflink_app: 'INSERT SELECT UPDATE(head_mac) UPDATE(head_sequence)',
    cufflink_operator:
      'INSERT SELECT UPDATE(head_mac) UPDATE(head_sequence) UPDATE(pruned_mac) UPDATE(pruned_sequence) UPDATE(pruned_signature)',
    cufflink_auditor: 'SELECT',
  },
  connection_counts: { cufflink_app: 'DELETE INSERT SELECT UPDATE', cufflink_reader: 'SELECT' },
  console_sessions: { cufflink_app: 'DELETE INSERT SELECT UPDATE' },
  connections: {
    cufflink_app: 'DELETE INSERT SELECT UPDATE',
    cufflink_operator: 'SELECT UPDATE(sealed)',
    cufflink_reader: 'SELECT',
  },
  notifications: { cufflink_app: 'DELETE INSERT SELECT UPDATE' },
  grant_migrations: { cufflink_app: 'DELETE INSERT SELECT UPDATE', cufflink_operator: 'SELECT UPDATE(sealed)' },
  event_cursors: { cufflink_app: 'INSERT SELECT UPDATE' },
  events: { cufflink_app: 'DELETE INSERT SELECT UPDATE', cufflink_operator: 'SELECT UPDATE(sealed)' },
  events_number_seq: {},
  erasures: { cufflink_app: 'INSERT SELECT UPDATE(erased_at)' },
  idempotency_keys: { cufflink_app: 'DELETE INSERT SELECT UPDATE', cufflink_operator: 'SELECT UPDATE(sealed)' },
  link_sessions: { cufflink_app: 'DELETE INSERT SELECT UPDATE' },
  links: { cufflink_app: 'DELETE INSERT SELECT UPDATE', cufflink_operator: 'SELECT UPDATE(sealed)' },
  migrations: { cufflink_app: 'SELECT', cufflink_operator: 'SELECT' },
  migrations_id_seq: {},
  circuit_breakers: { cufflink_app: 'INSERT SELECT UPDATE' },
  rate_limits: { cufflink_app: 'DELETE INSERT SELECT UPDATE' },
  revocations: { cufflink_app: 'DELETE INSERT SELECT UPDATE', cufflink_operator: 'SELECT UPDATE(sealed)' },
  subscriptions: { cufflink_app: 'DELETE INSERT SELECT UPDATE', cufflink_operator: 'SELECT UPDATE(sealed)' },
  vault_keys: {
    cufflink_app: 'SELECT UPDATE(operations)',
    cufflink_operator: 'INSERT SELECT UPDATE',
    cufflink_auditor: 'SELECT',
  },
  vault_replicas: { cufflink_app: 'DELETE INSERT SELECT UPDATE', cufflink_operator: 'SELECT' },
  webhook_attempts: { cufflink_app: 'DELETE INSERT SELECT UPDATE' },
  webhook_attempts_number_seq: {},
  webhook_endpoints: { cufflink_app: 'DELETE INSERT SELECT UPDATE', cufflink_operator: 'SELECT UPDATE(sealed)' },
};

/** Statements with which an attacker who has taken over the service could hide, or stay. */
const refusedToApp: readonly string[] = [
  `UPDATE audit_entries SET actor = 'nobody'`,
  'DELETE FROM audit_entries',
  'TRUNCATE audit_entries',
  'UPDATE audit_writers SET started_at = now()',
  `UPDATE audit_writers SET witnessed_mac = ''`,
  'DELETE FROM audit_writers',
  'UPDATE audit_writers SET pruned_sequence = head_sequence',
  'TRUNCATE audit_writers',
  'ALTER TABLE audit_entries DISABLE TRIGGER ALL',
  'ALTER TABLE connections ADD COLUMN copy text',
  'DROP TABLE links',
  'CREATE TABLE public.copy (id int)',
  'CREATE SCHEMA copy',
  'CREATE TEMPORARY TABLE copy (id int)',
  `UPDATE vault_keys SET wrapped_key = ''`,
  `UPDATE vault_keys SET state = 'destroyed'`,
  'DELETE FROM vault_keys',
  `INSERT INTO vault_keys (kid, purpose, state, root_key_ref) VALUES (gen_random_uuid(), 'audit.chain', 'pending', 'x')`,
  `INSERT INTO api_keys (id, name, secret_hash, scopes) VALUES ('1', 'x', '', '{admin}')`,
  `UPDATE api_keys SET scopes = '{admin}'`,
  'UPDATE api_keys SET revoked_at = NULL, expires_at = NULL',
  'DELETE FROM api_keys',
  'DELETE FROM erasures',
  'UPDATE erasures SET user_digest = NULL',
  'DELETE FROM migrations',
  'TRUNCATE connections',
  'SET ROLE cufflink_operator',
];

const refusedToOperator: readonly string[] = [
  `UPDATE audit_entries SET actor = 'nobody'`,
  'TRUNCATE audit_entries',
  'DELETE FROM connections',
  `UPDATE connections SET user_id = 'me'`,
  `UPDATE api_keys SET scopes = '{admin}'`,
  'DELETE FROM vault_keys',
  'SELECT FROM erasures',
  'SELECT FROM link_sessions',
];

const refusedToAuditor: readonly string[] = [
  `UPDATE audit_entries SET actor = 'nobody'`,
  'DELETE FROM audit_entries',
  'INSERT INTO audit_writers SELECT * FROM audit_writers',
  'SELECT FROM connections',
  'SELECT FROM links',
  'SELECT FROM api_keys',
  `UPDATE vault_keys SET state = 'destroyed'`,
];

describe('the roles of the database (LOG-11)', () => {
  let database: SplitDatabase;
  let application: TestApplication;
  beforeAll(async () => {
    database = await createSplitDatabase();
  });
  afterAll(() => application.close());

  /** Runs `npm run cli --` with the login of a role. */
  async function cli(role: DatabaseRole, ...args: string[]): Promise<{ status: number | null; output: string }> {
    const program = startProcess([join(checkout, 'dist/cli/main.js'), ...args], tmpdir(), {
      NODE_ENV: 'production',
      ENVIRONMENT_NAME: 'test',
      PUBLIC_URL: 'https://cufflink.example.com',
      DATABASE_URL: database.urlOf(role),
      ENCRYPTION_ROOT_KEY: rootKey,
    });
    const { status } = await program.ended();
    return { status, output: program.output() };
  }

  function startAsApp(apiKey: string, environment: Record<string, string> = {}): Promise<TestApplication> {
    const url = database.urlOf('cufflink_app');
    return startApplication({
      databaseUrl: url,
      rootKey,
      apiKey,
      environment: { RATE_LIMIT_STORAGE: 'postgres', RETURN_URLS: returnUrl, ...environment },
      // As in production: the service does not touch the tables' form.
      override: (builder) =>
        builder.overrideProvider(databaseConfig.KEY).useValue({ url, poolSize: 10, migrateOnBoot: false }),
    });
  }

  it('get the command to run first from a service without branch keys', async () => {
    await expect(startAsApp('')).rejects.toThrow('Run `npm run cli -- keys list` once with the operator role');
  });

  it('let the operator make keys, and the service do all of its work', async () => {
    expect(await cli('cufflink_operator', 'keys', 'list')).toMatchObject({ status: 0 });
    const made = await cli('cufflink_operator', 'api-keys', 'create', '--name', 'test', '--scopes', allScopes);
    expect(made).toMatchObject({ status: 0 });
    application = await startAsApp(made.output.trim());
    const { app, api, browser, sandbox } = application;

    await linkAccount(application, 'user-1', 'whoop');
    await linkAccount(application, 'user-1', 'garmin-oauth1');
    await api.get('/v1/users/user-1/connections/whoop/token').expect(200);
    await api.post('/v1/users/user-1/connections/whoop/refresh').expect(200);
    const body = { return_url: returnUrl, require_confirmation: true };
    const { linkWebUrl } = await startLink(application, 'user-2', 'oura', body);
    const parked = await browser.get(pathOf(await consent(linkWebUrl))).expect(303);
    const { searchParams } = new URL(String(parked.headers['location']));
    await api
      .post(`/v1/links/${searchParams.get('link_id')}/confirm`)
      .send({ user_id: 'user-2', confirmation_code: searchParams.get('confirmation_code') })
      .expect(200);
    const session = await api.post('/v1/link-sessions').send({ user_id: 'user-2' }).expect(201);
    await browser
      .post('/connect')
      .type('form')
      .send({ link_token: (session.body as { link_token: string }).link_token })
      .expect(303);
    const migration = { repeatUnanswered: false, perSecond: 100, limit: Infinity };
    await expect(
      app.get(MigrationRun, { strict: false }).run('garmin-oauth1', migration, () => undefined),
    ).resolves.toBe(true);
    await api.get('/v1/users/user-1/connections/garmin/token').expect(200);
    await api.get('/v1/users/user-1/export').expect(200);
    await api.get('/v1/audit?user_id=user-1').expect(200);
    await browser.get('/health/ready').expect(200);

    await changeRows(database.ownerUrl, 'connections', { refresh_due_at: 'now' }, { provider: 'whoop' });
    const refreshes = (): number => sandbox.provider('whoop').history.filter(({ kind }) => kind === 'refresh').length;
    const before = refreshes();
    app.get(RefreshScheduler, { strict: false }).lookNow();
    await until('the scheduler has refreshed', () => refreshes() > before);
    app.get(RevocationOutbox, { strict: false }).processNow();
    sandbox.provider('whoop').misbehave({ endpoint: 'refresh', type: 'status', code: 503 });
    // One that joins the scheduler's, which is being stored, does not meet the outage.
    const refresh = () => api.post('/v1/users/user-1/connections/whoop/refresh');
    await until('a refresh has failed', async () => (await refresh()).status === 503);
    sandbox.provider('whoop').misbehave({ endpoint: 'revoke', type: 'status', code: 503 });
    await api.delete('/v1/users/user-1/connections/whoop').expect(200);
    await makeRevocationsDue(database.ownerUrl);
    app.get(RevocationOutbox, { strict: false }).processNow();
    await until('the grant is ended', () => sandbox.provider('whoop').liveGrants().length === 0);
    await app.get(LinkPurge, { strict: false }).sweep();
    await app.get(DeadTokenPurge, { strict: false }).sweep();
    await app.get(KeyRing, { strict: false }).reloadNow();
    await app.get(ApiKeyUse, { strict: false }).beforeApplicationShutdown();
    app.get(BackgroundJobs, { strict: false }).startWorkers();
    const receiver = await WebhookReceiver.start();
    try {
      const added = await api.post('/v1/webhook-endpoints').send({ url: receiver.url }).expect(201);
      const endpoint = `/v1/webhook-endpoints/${(added.body as { id: string }).id}`;
      await api.post(`${endpoint}/test`).expect(202);
      await until('the event is delivered', () => receiver.received.some(({ body }) => body.includes('webhook.test')));
      await api.post(`${endpoint}/resend-failed`).send({ since: '2020-01-01T00:00:00Z' }).expect(202);
      await app.get(AttemptPurge, { strict: false }).sweep();
      await app.get(EventPurge, { strict: false }).sweep();
      await api.delete(endpoint).expect(204);
    } finally {
      await receiver.stop();
    }
    await api.delete('/v1/users/user-1').expect(200);

    const [used] = await queryDatabase<{ used: boolean; sealed: boolean }>(
      database.ownerUrl,
      `SELECT EXISTS (SELECT FROM api_keys WHERE last_used_at IS NOT NULL) AS used,
         EXISTS (SELECT FROM vault_keys WHERE operations > 0) AS sealed`,
    );
    expect(used).toEqual({ used: true, sealed: true });
    const limited = await rowsOf(database.ownerUrl, 'rate_limits');
    expect(limited.length).toBeGreaterThan(0);
  });

  it('let the operator replace keys of every kind while the service runs', async () => {
    const added = await cli('cufflink_operator', 'keys', 'add', '--purpose', 'connections.sealed');
    expect(added).toMatchObject({ status: 0 });
    const kid = added.output.trim();
    for (const command of [
      ['keys', 'promote', kid, '--force'],
      ['keys', 'reencrypt'],
      ['keys', 'rewrap'],
      ['keys', 'inventory'],
      ['audit', 'prune', '--before', '2020-01-01'],
      ['audit', 'verify'],
    ]) {
      const { status, output } = await cli('cufflink_operator', ...command);
      expect({ command, status, output }).toMatchObject({ command, status: 0 });
    }
    await application.api.get('/v1/users/user-2/connections/oura/token').expect(200);
    const { output: key } = await cli('cufflink_operator', 'api-keys', 'create', '--name', 'x', '--scopes', 'admin');
    const id = key.slice(5, 23);
    expect(await cli('cufflink_operator', 'api-keys', 'rotate', id)).toMatchObject({ status: 0 });
    expect(await cli('cufflink_operator', 'api-keys', 'revoke', id)).toMatchObject({ status: 0 });
    expect(await cli('cufflink_operator', 'api-keys', 'list')).toMatchObject({ status: 0 });
  });

  it('let the auditor verify the trail, and the service repeat erasures', async () => {
    expect(await cli('cufflink_auditor', 'audit', 'verify')).toMatchObject({ status: 0 });
    expect(await cli('cufflink_app', 'erasures', 'replay')).toMatchObject({
      status: 0,
      output: expect.stringMatching(/No erasure log was read[^]*0 users/),
    });
  });

  it.each([
    ...refusedToApp.map((statement) => ['cufflink_app', statement] as const),
    ...refusedToOperator.map((statement) => ['cufflink_operator', statement] as const),
    ...refusedToAuditor.map((statement) => ['cufflink_auditor', statement] as const),
  ])('refuse to %s: %s (LOG-05, LOG-11)', async (role, statement) => {
    await expect(queryDatabase(database.urlOf(role), statement)).rejects.toMatchObject({ code: '42501' });
  });

  it("are the defense: with the owner's rights it succeeds (LOG-05, LOG-11)", async () => {
    await expect(
      queryDatabase(database.ownerUrl, `UPDATE audit_entries SET actor = actor WHERE false`),
    ).resolves.toEqual([]);
  });

  it('have exactly the rights that are written down, also after the script has run again', async () => {
    await Promise.all([applyDatabaseRoles(database.ownerUrl), createSplitDatabase()]);
    await expect(readPrivileges(database.ownerUrl)).resolves.toEqual(expected);
  });

  it('get no right to a table of a later migration', async () => {
    const { ownerUrl } = await createSplitDatabase();
    await queryDatabase(ownerUrl, 'CREATE TABLE later (id int)');
    await queryDatabase(ownerUrl, `CREATE FUNCTION later() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
    const found = await readPrivileges(ownerUrl);
    expect(found['later']).toEqual({});
    const [rights] = await queryDatabase<{ execute: boolean }>(
      ownerUrl,
      `SELECT has_function_privilege('cufflink_app', 'later()', 'EXECUTE') AS execute`,
    );
    expect(rights).toEqual({ execute: false });
  });
});

const allScopes = 'links:write,connections:read,connections:write,tokens:read,tokens:sign,admin,webhooks:write';

/** Everything that is granted to anybody but the owner, by relation and role. */
async function readPrivileges(ownerUrl: string): Promise<Record<string, Record<string, string>>> {
  const rows = await queryDatabase<{ relation: string; grantee: string | null; rights: string | null }>(
    ownerUrl,
    `WITH relations AS (
       SELECT oid, relname, relowner, relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'S', 'p')
     ), granted AS (
       SELECT oid, grantee, privilege_type AS granted FROM relations, aclexplode(relacl) WHERE grantee <> relowner
       UNION ALL
       SELECT relations.oid, grantee, privilege_type || '(' || attname || ')'
       FROM relations JOIN pg_attribute ON attrelid = relations.oid, aclexplode(attacl) WHERE grantee <> relowner
     )
     SELECT relname AS relation, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END AS grantee,
       string_agg(granted, ' ' ORDER BY granted) AS rights
     FROM relations LEFT JOIN granted USING (oid) GROUP BY relname, grantee`,
  );
  const found: Record<string, Record<string, string>> = {};
  for (const { relation, grantee, rights } of rows) {
    const roles = (found[relation] ??= {});
    if (grantee !== null && rights !== null) {
      roles[grantee] = rights;
    }
  }
  return found;
}
