import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { checkDatabase } from '../../src/cli/check-database.js';
import { BackgroundJobs } from '../../src/clock/background-jobs.js';
import { Clock } from '../../src/clock/clock.js';
import { Database, type Statement } from '../../src/database/database.js';
import { databaseReads } from '../../src/database/database.metrics.js';
import { ReadReplica } from '../../src/database/read-replica.js';
import { FleetCounts } from '../../src/fleet/fleet-counts.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { createSplitDatabase } from '../support/database-roles.js';
import { Subject } from '../support/subject.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { describeOnPlain } from '../support/plain-postgres.js';
import { ReplicatedPostgres } from './support/replicated-postgres.js';

interface Page {
  readonly connections: readonly { readonly user_id: string }[];
  readonly entries: readonly { readonly action: string; readonly connection_id: string }[];
  readonly as_of: string;
}

const maxAgeMs = 4_000;
const createTable: Statement = { name: 'read-replica-spec-write', text: 'CREATE TABLE written_by_a_read (id int)' };
const whereAmI: Statement = { name: 'read-replica-spec-look', text: 'SELECT pg_is_in_recovery() AS "isStandby"' };

async function pageOf({ api }: TestApplication, path: string): Promise<Page> {
  return (await api.get(path).expect(200)).body as Page;
}

/** Reads of this process that went to the primary. */
async function primaryReads(): Promise<number> {
  const { values } = await databaseReads.get();
  return values.find(({ labels }) => labels.server === 'primary')?.value ?? 0;
}

async function linkedAtOf({ application, userId }: Subject): Promise<Date> {
  const text = 'SELECT linked_at AS "linkedAt" FROM connections WHERE user_id = $1';
  const [row] = await queryDatabase<{ linkedAt: Date }>(application.databaseUrl, text, [userId]);
  return row?.linkedAt ?? new Date(NaN);
}

/** Opens a page of the console with an operator's session. */
async function consolePage(application: TestApplication, path: string): Promise<string> {
  const signedIn = await application.browser
    .post('/console/sign-in')
    .set('sec-fetch-site', 'same-origin')
    .type('form')
    .send({ api_key: await application.createKey('console') })
    .expect(303);
  const cookie = String(signedIn.headers['set-cookie']?.[0]).split(';')[0] ?? '';
  return (await application.browser.get(path).set('cookie', cookie).expect(200)).text;
}

describeOnPlain('it has a primary and a standby of its own')('lists, with a standby as read replica', () => {
  let postgres: ReplicatedPostgres;
  let line: TcpProxy;
  let application: TestApplication;
  let linkedBefore: Subject;
  let linkedAfter: Subject;

  /** The finding of `doctor` about the standby. */
  async function standbyFinding(maxAgeSeconds: number): Promise<unknown> {
    const findings = await checkDatabase({
      DATABASE_URL: postgres.url,
      DATABASE_READ_URL: postgres.standbyUrl,
      DATABASE_READ_MAX_AGE_SECONDS: String(maxAgeSeconds),
    });
    return findings.find(({ subject }) => subject === 'read replica');
  }

  beforeAll(async () => {
    postgres = await ReplicatedPostgres.start();
    line = await TcpProxy.start(postgres.standbyUrl);
    application = await startApplication({
      databaseUrl: postgres.url,
      environment: {
        DATABASE_READ_URL: line.through(postgres.standbyUrl),
        // The lag of this test is never too old, and each read says how old it is.
        DATABASE_READ_MAX_AGE_SECONDS: '3600',
        REFRESH_SCHEDULER: 'off',
        CONSOLE: 'on',
      },
    });
    linkedBefore = await Subject.link(application, 'whoop');
    await postgres.cutReplication();
    linkedAfter = await Subject.link(application, 'whoop');
  });
  afterAll(() => application.close());
  afterAll(() => line.stop());
  afterAll(() => postgres.stop());

  it('come from the standby and say until when they are complete', async () => {
    const linkedAt = await linkedAtOf(linkedAfter);
    const list = await pageOf(application, '/v1/connections');
    expect(list.connections.map((each) => each.user_id)).toEqual([linkedBefore.userId]);
    const trail = await pageOf(application, '/v1/audit?action=link.completed');
    expect(trail.entries).toHaveLength(1);
    for (const { as_of: asOf } of [list, trail]) {
      expect(Date.parse(asOf)).toBeLessThan(linkedAt.getTime());
      expect(Date.parse(asOf)).toBeGreaterThan(linkedAt.getTime() - 60_000);
    }
    const shown = await consolePage(application, '/console/connections?status=active');
    expect(shown).toContain(linkedBefore.userId);
    expect(shown).not.toContain(linkedAfter.userId);
    expect(shown).toContain('From a read replica, as of');
    expect(await consolePage(application, '/console/refreshes')).toContain('From a read replica, as of');
  });

  it('are counted on the standby, with its time', async () => {
    const counts = new FleetCounts(
      application.app.get(Database),
      application.app.get(ReadReplica),
      new BackgroundJobs(),
    );
    const latest = await counts.latest();
    expect(latest?.counts).toEqual([{ provider: 'whoop', status: 'active', reason: null, connections: 1 }]);
    expect(latest?.countedAt.getTime()).toBeLessThan((await linkedAtOf(linkedAfter)).getTime());
  });

  it('are fine for doctor while the standby is younger than allowed', async () => {
    const young = expect.stringMatching(/^a standby; its data is \d+ s old$/) as unknown;
    expect(await standbyFinding(3_600)).toMatchObject({ verdict: 'ok', text: young });
  });

  it('decide nothing about tokens: these are read from the primary', async () => {
    await application.api.get(`/v1/users/${linkedAfter.userId}/connections/whoop/token`).expect(200);
    const shown = await application.api.get(`/v1/users/${linkedAfter.userId}/connections/whoop`).expect(200);
    expect(shown.body).toMatchObject({ user_id: linkedAfter.userId, status: 'active' });
  });

  it('come from the primary while the standby is older than allowed, or away', async () => {
    const replica = new ReadReplica(application.app.get(Database), application.app.get(Clock), {
      readUrl: postgres.standbyUrl,
      readMaxAgeMs: maxAgeMs,
    });
    try {
      // The last commit that the standby has replayed gets older.
      await until('the standby is too old', async () => {
        const { result, isFromReplica } = await replica.read((query) => query<{ isStandby: boolean }>(whereAmI));
        expect(result[0]?.isStandby).toBe(isFromReplica);
        return !isFromReplica;
      });
    } finally {
      await replica.onModuleDestroy();
    }
    const old = expect.stringMatching(/^Its data is \d+ s old, more than DATABASE_READ_MAX_AGE_SECONDS/) as unknown;
    expect(await standbyFinding(maxAgeMs / 1_000)).toMatchObject({ verdict: 'note', text: old });
    line.cut();
    const askedAt = application.clock.now();
    const { connections, as_of: asOf } = await pageOf(application, '/v1/connections');
    expect(connections).toHaveLength(2);
    expect(Date.parse(asOf)).toBeGreaterThanOrEqual(askedAt.getTime());
    expect(await consolePage(application, '/console/connections?status=active')).not.toContain('From a read replica');
  });
});

describeOnPlain('it has a primary and a standby of its own')('a read replica', () => {
  it('needs only the rights of cufflink_reader, and cannot be written', async () => {
    const database = await createSplitDatabase();
    const application = await startApplication({
      databaseUrl: database.ownerUrl,
      environment: { DATABASE_READ_URL: database.urlOf('cufflink_reader'), REFRESH_SCHEDULER: 'off', CONSOLE: 'on' },
    });
    try {
      const before = await primaryReads();
      const { userId } = await Subject.link(application, 'whoop');
      expect((await pageOf(application, '/v1/connections')).connections).toMatchObject([{ user_id: userId }]);
      expect(
        (await pageOf(application, `/v1/connections?updated_after=2026-01-01T00:00:00Z`)).connections,
      ).toHaveLength(1);
      expect((await pageOf(application, `/v1/audit?user_id=${userId}&action=link.completed`)).entries).toHaveLength(1);
      await application.api.get('/v1/connections/stats').expect(200);
      expect(await consolePage(application, '/console/refreshes')).toContain('From a read replica, as of');

      const owner = new ReadReplica(application.app.get(Database), application.app.get(Clock), {
        readUrl: database.ownerUrl,
        readMaxAgeMs: 60_000,
      });
      const refused = await owner.read(async (query) => {
        return query(createTable).then(
          () => 'written',
          (error: unknown) => String(error),
        );
      });
      await owner.onModuleDestroy();
      expect(refused).toMatchObject({ isFromReplica: true, result: expect.stringContaining('read-only transaction') });
      expect(await primaryReads()).toBe(before);
    } finally {
      await application.close();
    }
  });

  it('is not used if it is another database', async () => {
    // With the same tables, so that only its identity tells it apart.
    const { ownerUrl: other } = await createSplitDatabase();
    const application = await startApplication({
      environment: { DATABASE_READ_URL: other, REFRESH_SCHEDULER: 'off' },
    });
    try {
      const { userId } = await Subject.link(application, 'whoop');
      expect((await pageOf(application, '/v1/connections')).connections).toMatchObject([{ user_id: userId }]);
    } finally {
      await application.close();
    }
  });
});
