import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { Database, type Query, type Statement } from '../../src/database/database.js';
import { auditTables, userTables } from '../../src/database/distribution/distributed-tables.js';
import { RefreshLeases } from '../../src/tokens/refresh/refresh-leases.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount, pathOf, startLink } from '../support/linking.js';
import { createPartitionedDatabase, distributeDatabase } from '../support/partitioned-database.js';
import { describeOnPlain } from '../support/plain-postgres.js';
import { at, Subject } from '../support/subject.js';
import { createMigratedDatabase, queryDatabase } from '../support/test-database.js';

interface Run {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Keeps the first run of each statement. */
class RecordingDatabase extends Database {
  readonly runs = new Map<string, Run>();

  override query<Row extends object>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    this.note(statement, values);
    return super.query<Row>(statement, values);
  }

  override transaction<Result>(run: (query: Query) => Promise<Result>): Promise<Result> {
    return super.transaction((query) =>
      run((statement, values = []) => {
        this.note(statement, values);
        return query(statement, values);
      }),
    );
  }

  private note({ name, text, distributedText }: Statement, values: readonly unknown[]): void {
    if (!this.runs.has(name)) {
      this.runs.set(name, { text: distributedText ?? text, values });
    }
  }
}

interface Plan {
  readonly 'Relation Name'?: string;
  readonly 'Actual Loops': number;
  readonly Plans?: readonly Plan[];
}

/** Returns the tables that a plan has read. */
function tablesOf(plan: Plan): string[] {
  const name = plan['Relation Name'];
  const own = name !== undefined && plan['Actual Loops'] > 0 ? [name] : [];
  return [...own, ...(plan.Plans ?? []).flatMap(tablesOf)];
}

const hotStatements = [
  'connections-find',
  'connections-read-many',
  'connections-acquire-lease',
  'connections-renew-lease',
  'connections-release-lease',
  'connections-save-refreshed',
  'connections-record-failure',
  'revocations-move-out',
  'audit-append',
];

describeOnPlain('it compares plans of native partitions')('tables in partitions by hash', () => {
  let application: TestApplication;
  let database: RecordingDatabase;

  beforeAll(async () => {
    application = await startApplication({
      databaseUrl: await createPartitionedDatabase(),
      environment: { ACCOUNT_SHARING: undefined },
      override: (builder) =>
        builder
          .overrideProvider(Database)
          .useFactory({ factory: (dataSource: DataSource) => new RecordingDatabase(dataSource), inject: [DataSource] }),
    });
    database = application.app.get<RecordingDatabase>(Database);
  });
  afterAll(() => application.close());

  /** Returns the partitions of connections and of the audit trail that the first run of a statement reads. */
  async function partitionsOf(name: string): Promise<string[]> {
    const run = database.runs.get(name);
    if (run === undefined) {
      throw new Error(`${name} has not run.`);
    }
    const client = new pg.Client({ connectionString: application.databaseUrl });
    await client.connect();
    try {
      await client.query('BEGIN');
      // The tables of a test are so small that reading all of them is cheaper.
      await client.query(
        'SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off',
      );
      const { rows } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: Plan }[] }>(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${run.text}`,
        [...run.values],
      );
      await client.query('ROLLBACK');
      const tables = (rows[0]?.['QUERY PLAN'] ?? []).flatMap(({ Plan: plan }) => tablesOf(plan));
      return [...new Set(tables.filter((table) => /^(connections|audit_writers)_\d+$/.test(table)))];
    } finally {
      await client.end();
    }
  }

  it('have unique indexes that contain the column they are distributed by', async () => {
    const all = [...auditTables, ...userTables];
    const lacking = await queryDatabase(
      application.databaseUrl,
      `SELECT indexrelid::regclass::text AS name
       FROM unnest($1::text[], $2::text[]) AS spread (table_name, column_name)
       JOIN pg_index ON indrelid = table_name::regclass AND indisunique
       WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = indrelid AND attname = column_name AND attnum = ANY (indkey))`,
      [all.map(({ name }) => name), all.map(({ column }) => column)],
    );
    const kinds = await queryDatabase<{ relkind: string }>(
      application.databaseUrl,
      'SELECT relkind FROM pg_class WHERE oid = ANY ($1::regclass[])',
      [all.map(({ name }) => name)],
    );
    expect(lacking).toEqual([]);
    expect(kinds).toEqual(all.map(() => ({ relkind: 'p' })));
  });

  it('carry a connection from the link to the erasure of its user', async () => {
    const subject = await Subject.link(application, 'whoop');
    const first = await subject.token();
    await subject.expire();
    expect(await subject.token()).not.toBe(first);
    subject.fake.misbehave(at({ type: 'status', code: 503 }));
    await subject.expire();
    await subject.read();
    const other = await Subject.link(application, 'whoop');
    await other.unlink().expect(200);
    await other.look().expect(404);
    await application.api.delete(`/v1/users/${subject.userId}`).expect(200);
    await subject.look().expect(404);
  });

  it('let no second user link an account, until the first has unlinked it', async () => {
    const link = async (user: string) => {
      const { linkWebUrl } = await startLink(application, user, 'whoop');
      const response = await application.browser.get(pathOf(await consent(linkWebUrl, { account: '770001' })));
      return (response.body as { code?: string }).code;
    };
    await linkAccount(application, 'first-holder', 'whoop', { account: '770001' });
    expect(await link('second-holder')).toBe('ACCOUNT_ALREADY_LINKED');
    await application.api.delete('/v1/users/first-holder/connections/whoop').expect(200);
    expect(await link('second-holder')).toBeUndefined();
  });

  it.each(hotStatements)('are read in one partition by %s', async (name) => {
    const key = { userId: 'nobody', provider: 'whoop', id: randomUUID(), secretGen: 1 };
    await application.app.get(RefreshLeases).renew(key, randomUUID(), 1);
    await application.app.get(RefreshLeases).release(key, randomUUID());
    expect(await partitionsOf(name)).toHaveLength(1);
  });
});

describeOnPlain('it distributes a database without Citus')('the distribution without Citus', () => {
  it('refuses tables with rows, and leaves them as they are', async () => {
    const url = await createMigratedDatabase();
    const application = await startApplication({ databaseUrl: url });
    await linkAccount(application, 'user-1', 'whoop').finally(() => application.close());

    await expect(distributeDatabase(url)).rejects.toThrow('only empty tables become partitions');

    const [row] = await queryDatabase(url, `SELECT relkind FROM pg_class WHERE oid = 'connections'::regclass`);
    expect(row).toEqual({ relkind: 'r' });
  });

  it('refuses while a process of the service runs', async () => {
    const url = await createMigratedDatabase();
    const application = await startApplication({ databaseUrl: url });
    await expect(distributeDatabase(url)).rejects.toThrow('Processes of the service run');
    await application.close();
  });

  it('changes nothing when it runs again', async () => {
    const url = await createPartitionedDatabase();
    await expect(distributeDatabase(url)).resolves.toEqual([]);
  });

  it('lets later migrations change the tables', async () => {
    const url = await createPartitionedDatabase();
    await queryDatabase(url, 'ALTER TABLE connections ADD COLUMN later text');
    await queryDatabase(url, 'CREATE INDEX later ON connections (later)');
    const rows = await queryDatabase(url, `SELECT 1 FROM pg_inherits WHERE inhparent = 'later'::regclass`);
    expect(rows).toHaveLength(16);
  });
});
