import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { planOnce } from '../../src/database/plan-once.js';
import request from 'supertest';
import { ApiKeysService } from '../../src/access/api-keys.service.js';
import { BackgroundJobs } from '../../src/clock/background-jobs.js';
import { Database, type Statement } from '../../src/database/database.js';
import { ReadReplica } from '../../src/database/read-replica.js';
import { FleetCounts } from '../../src/fleet/fleet-counts.js';
import { UpcomingRefreshesReader } from '../../src/fleet/upcoming-refreshes.js';
import { planWalk, type FleetFilter } from '../../src/fleet/fleet-statements.js';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import { registrationId } from '../../src/provider-kit/registration.js';
import { CircuitBreakerService } from '../../src/tokens/circuit-breaker/circuit-breaker.service.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { expectProblem } from '../support/problems.js';
import { Subject } from '../support/subject.js';
import { queryDatabase } from '../support/test-database.js';

interface Listed {
  readonly user_id: string;
  readonly provider: string;
  readonly status: string;
  readonly reason: string | null;
  readonly last_error: { readonly code: string } | null;
}

let application: TestApplication;

beforeAll(async () => {
  application = await startApplication();
});
afterAll(() => application.close());

function sql(text: string, values: unknown[] = []): Promise<object[]> {
  return queryDatabase(application.databaseUrl, text, values);
}

/** Adds connections of all kinds, of users with this prefix. */
async function addConnections(
  prefix: string,
  count: number,
  provider = `(ARRAY['whoop', 'oura', 'fitbit'])[1 + n % 3]`,
) {
  await sql(
    `INSERT INTO connections (user_id, provider, id, registration_id, status, secret_gen, sealed, scopes_requested,
       refreshable, expires_at, linked_at, end_reason, ended_at, failed_attempts, suspect_since, last_error_code, last_error_at)
     SELECT $1 || n, ${provider}, gen_random_uuid(), 'test', CASE WHEN n % 10 = 0 THEN 'needs_relink' ELSE 'active' END, 1, '\\x00', '{}',
       n % 25 <> 1, CASE WHEN n % 25 = 1 THEN now() + interval '1 day' END, now() - n * interval '1 minute',
       CASE WHEN n % 20 = 0 THEN 'unreachable' WHEN n % 10 = 0 THEN 'grant_refused' END,
       CASE WHEN n % 10 = 0 THEN now() - n * interval '1 second' END,
       CASE WHEN n % 7 = 0 THEN 1 ELSE 0 END, CASE WHEN n % 21 = 0 THEN now() END,
       CASE WHEN n % 7 = 0 THEN (ARRAY['PROVIDER_UNAVAILABLE', 'TOKEN_REVOKED'])[1 + n % 2] END,
       CASE WHEN n % 7 = 0 THEN now() - n * interval '1 hour' END
     FROM generate_series(1, $2) AS n`,
    [prefix, count],
  );
}

/** Reads all pages. Runs `between` after each. */
async function readAll(query: string, between: () => Promise<void> = () => Promise.resolve()): Promise<Listed[]> {
  const found: Listed[] = [];
  let cursor: string | null = null;
  do {
    const after: string = cursor === null ? '' : `&cursor=${cursor}`;
    const response = await application.api.get(`/v1/connections?${query}${after}`).expect(200);
    const page = response.body as { connections: Listed[]; next_cursor: string | null };
    found.push(...page.connections);
    cursor = page.next_cursor;
    await between();
  } while (cursor !== null);
  return found;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Actual Rows': number;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** Runs a statement as the service does, planned without its values, and returns its plan. */
async function planOf({ text }: Statement, values: readonly (string | number)[]): Promise<PlanNode | undefined> {
  const client = new pg.Client({ connectionString: application.databaseUrl, options: planOnce });
  await client.connect();
  try {
    await client.query(`PREPARE planned AS ${text}`);
    const literals = values.map((value) => pg.escapeLiteral(String(value)));
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE planned (${literals.join(', ')})`,
    );
    return rows[0]?.['QUERY PLAN'][0].Plan;
  } finally {
    await client.end();
  }
}

/** The parts of a plan that read the table. */
function scansOf(node: PlanNode | undefined): PlanNode[] {
  return node === undefined
    ? []
    : [...(node['Relation Name'] === undefined ? [] : [node]), ...(node.Plans ?? []).flatMap(scansOf)];
}

function keysOf(listed: readonly Listed[]): string[] {
  return listed.map(({ user_id: user, provider }) => `${user}/${provider}`);
}

describe('the list of all connections', () => {
  it('shows connections as the call of their user does', async () => {
    const subject = await Subject.link(application, 'whoop');
    const own = await application.api.get(`/v1/users/${subject.userId}/connections/whoop`).expect(200);

    const listed = await readAll('provider=whoop');

    expect(listed.find(({ user_id: user }) => user === subject.userId)).toEqual(own.body);
  });

  it('finds the matches of every combination of filters, each connection once, in one order', async () => {
    await addConnections('filtered-', 400);
    const all = await readAll('limit=1000');
    const changedAt = new Map(
      (
        (await sql(
          `SELECT user_id || '/' || provider AS key, greatest(linked_at, last_refreshed_at, last_error_at, ended_at) AS at FROM connections`,
        )) as { key: string; at: Date }[]
      ).map(({ key, at: instant }) => [key, instant]),
    );
    expect(all.length).toBe(changedAt.size);
    const none = undefined;
    const since = new Date(Date.now() - 3_600_000);
    for (const provider of [none, 'whoop']) {
      for (const status of [none, 'active', 'needs_relink']) {
        for (const reason of [none, 'grant_refused', 'refresh_failing', 'no_refresh_token']) {
          for (const error of [none, 'TOKEN_REVOKED']) {
            for (const after of [none, since]) {
              const given = { provider, status, reason, error, updated_after: after?.toISOString(), limit: '57' };
              const query = new URLSearchParams(
                Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== none),
              );
              const wanted = all.filter(
                (each) =>
                  [none, each.provider].includes(provider) &&
                  [none, each.status].includes(status) &&
                  [none, each.reason].includes(reason) &&
                  [none, each.last_error?.code].includes(error) &&
                  (after === none || (changedAt.get(keysOf([each])[0] ?? '') ?? after) > after),
              );
              expect([query.toString(), keysOf(await readAll(query.toString()))]).toEqual([
                query.toString(),
                keysOf(wanted),
              ]);
            }
          }
        }
      }
    }
  });

  it('finds changes after an instant, not at it, and ends with a full page', async () => {
    await addConnections('edge-', 3, `'concept2'`);
    const instant = '2026-02-03T04:05:06.789Z';
    await sql(`UPDATE connections SET linked_at = $1, last_error_at = NULL, ended_at = NULL WHERE user_id = 'edge-1'`, [
      instant,
    ]);
    const listAfter = async (after: string): Promise<string[]> =>
      (await readAll(`provider=concept2&updated_after=${after}`)).map(({ user_id: user }) => user);

    expect(await listAfter('2026-02-03T04:05:06.788Z')).toContain('edge-1');
    expect(await listAfter(instant)).toEqual(['edge-2', 'edge-3']);
    const page = await application.api.get('/v1/connections?provider=concept2&limit=3').expect(200);
    expect(page.body).toMatchObject({ next_cursor: null, connections: [{}, {}, {}] });
  });

  it.each(['limit=12', 'limit=12&provider=fitbit', 'limit=12&updated_after=2020-01-01'])(
    'with ?%s shows every connection once that stays, while others are changed, removed and added',
    async (query) => {
      await addConnections('moving-', 120, `'fitbit'`);
      let round = 0;
      const listed = await readAll(query, async () => {
        round += 1;
        await sql(
          `UPDATE connections SET last_refreshed_at = now(), failed_attempts = ($1::int + length(user_id)) % 2, last_error_at = now()
           WHERE user_id LIKE 'moving-%' AND random() < 0.5`,
          [round],
        );
        await sql(`DELETE FROM connections WHERE user_id = 'moving-' || $1 * 13`, [round]);
        await sql(
          `INSERT INTO connections (user_id, provider, id, registration_id, status, secret_gen, scopes_requested, refreshable)
           VALUES ('moving-' || 1000 + $1::int, 'fitbit', gen_random_uuid(), 'test', 'active', 1, '{}', true) ON CONFLICT DO NOTHING`,
          [round],
        );
      });
      const keys = keysOf(listed);
      const staying = Array.from({ length: 120 }, (_, index) => index + 1).filter((each) => each % 13 !== 0);
      expect(new Set(keys).size).toBe(keys.length);
      expect(round).toBeGreaterThan(15);
      expect(staying.filter((each) => !keys.includes(`moving-${each}/fitbit`))).toEqual([]);
      await sql(`DELETE FROM connections WHERE user_id LIKE 'moving-%'`);
    },
  );

  it('examines a bounded number of connections for a page, and says that more follow', async () => {
    await addConnections('many-', 10_500, `'oura'`);
    await sql(`UPDATE connections SET failed_attempts = 0, suspect_since = NULL, last_error_code = NULL, refreshable = true
               WHERE user_id LIKE 'many-%' AND status = 'active'`);
    const rare = ['many-5', 'many-9999'];
    await sql(`UPDATE connections SET linked_at = now() + interval '1 hour' WHERE user_id = ANY ($1)`, [rare]);
    const soon = new Date(Date.now() + 1_800_000).toISOString();

    // Few have changed since then, so that one page has them all.
    const recent = await application.api.get(`/v1/connections?status=active&updated_after=${soon}`).expect(200);
    expect(recent.body).toMatchObject({ next_cursor: null });
    expect(keysOf((recent.body as { connections: Listed[] }).connections)).toEqual(['many-5/oura', 'many-9999/oura']);

    // All have changed since then, and none has this combination in front.
    const query = 'provider=oura&status=active&updated_after=2020-01-01&error=TOKEN_REVOKED';
    await sql(`UPDATE connections SET last_error_code = 'TOKEN_REVOKED' WHERE user_id LIKE 'many-%'`);
    await sql(`UPDATE connections SET provider = 'whoop' WHERE user_id LIKE 'many-%' AND NOT user_id = ANY ($1)`, [
      rare,
    ]);
    const first = await application.api.get(`/v1/connections?${query}`).expect(200);
    expect((first.body as { next_cursor: string | null }).next_cursor).not.toBeNull();
    expect(keysOf(await readAll(query)).filter((key) => key.startsWith('many-'))).toEqual([
      'many-5/oura',
      'many-9999/oura',
    ]);
    await sql(`DELETE FROM connections WHERE user_id LIKE 'many-%'`);
  });

  it.each<FleetFilter>([
    {},
    { provider: 'polar' },
    { provider: 'polar', status: 'active' },
    { status: 'needs_relink' },
    { reason: 'refresh_failing' },
    { error: 'PROVIDER_UNAVAILABLE' },
  ])('reads for %j no more rows than the page has, however many there are', async (filter) => {
    await addConnections(`planned-${JSON.stringify(filter)}-`, 4_000, `'polar'`);
    await sql('ANALYZE connections');
    const { isExact, readExact, values } = planWalk(filter);
    expect(isExact).toBe(true);
    const size = 50;
    const scans = scansOf(await planOf(readExact, ['', '', size, ...values.map(String)]));
    expect(scans).not.toEqual([]);
    for (const scan of scans) {
      expect({ filter, scan: scan['Node Type'], few: scan['Actual Rows'] <= size }).toMatchObject({ few: true });
    }
  });

  it('shows a key that is limited to providers no others (TE-08)', async () => {
    await addConnections('limited-', 30);
    const key = await application.app
      .get(ApiKeysService)
      .create('limited', ['fleet:read'], { providers: ['oura', 'whoop'] });
    const limited = request.agent(await application.app.getUrl()).set('authorization', `Bearer ${key}`);
    const all = await limited.get('/v1/connections?limit=1000').expect(200);
    const providers = (all.body as { connections: Listed[] }).connections.map(({ provider }) => provider);
    expect([...new Set(providers)].sort()).toEqual(['oura', 'whoop']);
    const stats = await limited.get('/v1/connections/stats').expect(200);
    const counted = (stats.body as { counts: Listed[] }).counts.map(({ provider }) => provider);
    expect(counted).not.toContain('fitbit');
    const none = await limited.get('/v1/connections?provider=fitbit').expect(200);
    expect(none.body).toEqual({ connections: [], as_of: expect.any(String), next_cursor: null });
  });

  it.each([
    'cursor=abc',
    `cursor=${Buffer.from('["a","b\\u0000",0]').toString('base64url')}`,
    'error=nope',
    'status=gone',
    'limit=0',
    'updated_after=today',
  ])('refuses ?%s', async (query) => {
    expectProblem(await application.api.get(`/v1/connections?${query}`), 400, 'REQUEST_INVALID');
  });
});

describe('the counts of connections', () => {
  it('are the same in the statistics and in the metrics, and are counted by one worker a minute', async () => {
    await sql('DELETE FROM connections');
    await addConnections('counted-', 210);
    const counts = application.app.get(FleetCounts);
    await sql('DELETE FROM connection_counts');
    const pauses = await Promise.all([counts.sweep(), counts.sweep()]);
    expect(pauses.every((pause) => pause >= 29_000)).toBe(true);
    await sql(`DELETE FROM connections WHERE user_id = 'counted-1'`);
    // Counted a moment ago: nothing is counted again.
    await counts.sweep();

    const response = await application.api.get('/v1/connections/stats').expect(200);
    const metrics = await application.api.get('/metrics').expect(200);

    const stats = response.body as { connections: number; counts: (Listed & { connections: number })[] };
    expect(stats.connections).toBe(210);
    const truth = new Map<string, number>();
    for (let n = 1; n <= 210; n += 1) {
      const provider = ['whoop', 'oura', 'fitbit'][n % 3] ?? '';
      const ended = n % 20 === 0 ? 'unreachable' : n % 10 === 0 ? 'grant_refused' : undefined;
      const warning =
        n % 21 === 0
          ? 'refusal_unconfirmed'
          : n % 7 === 0
            ? 'refresh_failing'
            : n % 25 === 1
              ? 'no_refresh_token'
              : null;
      const key = `${provider} ${ended === undefined ? 'active' : 'needs_relink'} ${ended ?? warning}`;
      truth.set(key, (truth.get(key) ?? 0) + 1);
    }
    const counted = stats.counts.map(({ provider, status, reason, connections }) => [
      `${provider} ${status} ${reason}`,
      connections,
    ]);
    expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(truth));
    const ofWhoop = stats.counts.filter(({ provider, status }) => provider === 'whoop' && status === 'active');
    const active = ofWhoop.reduce((total, { connections }) => total + connections, 0);
    expect(metrics.text).toContain(`cufflink_connections{provider="whoop",status="active"} ${active}\n`);
  });

  it('are made where they are read when no worker has counted for long', async () => {
    await sql(`UPDATE connection_counts SET counted_at = now() - interval '6 minutes'`);
    await sql(`DELETE FROM connections WHERE user_id <> 'counted-2'`);
    // Another process: this one remembers what it has read for ten seconds.
    const elsewhere = new FleetCounts(
      application.app.get(Database),
      application.app.get(ReadReplica),
      new BackgroundJobs(),
    );
    const latest = await elsewhere.latest();
    expect(latest?.counts).toEqual([{ provider: 'fitbit', status: 'active', reason: null, connections: 1 }]);
  });
});

describe('the refreshes that are coming', () => {
  it('are counted by provider, due ones and those of each five minutes, without frozen connections', async () => {
    await sql(
      `INSERT INTO connections (user_id, provider, id, registration_id, status, secret_gen, sealed, scopes_requested,
         refreshable, linked_at, refresh_due_at, frozen_at)
       SELECT 'coming-' || n, 'polar', gen_random_uuid(), 'test', 'active', 1, '\\x00', '{}', true, now(),
         now() + n * interval '1 minute', CASE WHEN n % 2 <> 0 THEN now() END
       FROM generate_series(-4, 63) AS n`,
    );
    const reader = application.app.get(UpcomingRefreshesReader, { strict: false });
    const [polar, strava] = await reader.read(['polar', 'strava']);
    expect(polar).toMatchObject({ provider: 'polar', due: 3, upcoming: [2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3] });
    expect(Math.round((polar?.overdueSeconds ?? 0) / 60)).toBe(4);
    const none = Array.from({ length: 12 }, () => 0);
    expect(strava).toEqual({ provider: 'strava', due: 0, overdueSeconds: null, upcoming: none });
  });
});

describe('the health of a provider', () => {
  it('shows whether its circuit breaker is open, and the share of connections that fail', async () => {
    await addConnections('health-', 60, `'oura'`);
    await sql(`UPDATE connection_counts SET counted_at = now() - interval '6 minutes'`);
    await application.app.get(FleetCounts).sweep();
    const registration = registrationId(application.app.get(ProviderRegistry).get('whoop'));
    const circuits = application.app.get(CircuitBreakerService, { strict: false });
    await circuits.record(registration, { kind: 'client-refused' }, false);

    const response = await application.api.get('/v1/providers').expect(200);
    const health = new Map(
      (response.body as { providers: { slug: string; health: Record<string, unknown> }[] }).providers.map(
        ({ slug, health: each }) => [slug, each],
      ),
    );

    expect(health.get('whoop')).toMatchObject({ circuit_breaker: 'open', failing_share: null });
    expect(new Date(String(health.get('whoop')?.['retry_at'])).getTime()).toBeGreaterThan(Date.now());
    // 54 are active, of which 7 of every 70 have failed; no share of few connections is told.
    expect(health.get('oura')).toMatchObject({ circuit_breaker: 'closed', retry_at: null, failing_share: 0.148 });
    expect(health.get('fitbit')).toMatchObject({ circuit_breaker: 'closed', failing_share: null });
  });
});
