import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { sandboxClientId, sandboxClientSecret } from '../../src/provider-kit/definition/provider-settings.js';
import { ConnectionEndings } from '../../src/tokens/scheduler/connection-endings.js';
import { RefreshLeases } from '../../src/tokens/refresh/refresh-leases.js';
import { RefreshScheduler } from '../../src/tokens/scheduler/refresh-scheduler.js';
import { dueConnections } from '../../src/tokens/tokens.metrics.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { rowsOf } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const retired = 'garmin-oauth1';

interface Given {
  readonly userId: string;
  readonly provider?: string;
  readonly status?: string;
  readonly endReason?: string | null;
  readonly refreshable?: boolean;
  /** SQL. */
  readonly expiresAt?: string;
  readonly account?: string | null;
  readonly dueAt?: string;
}

let application: TestApplication;

beforeAll(async () => {
  application = await startApplication({
    environment: {
      GARMIN_OAUTH1_CLIENT_ID: sandboxClientId(retired),
      GARMIN_OAUTH1_CLIENT_SECRET: sandboxClientSecret(retired),
    },
  });
});
beforeEach(() =>
  queryDatabase(application.databaseUrl, 'TRUNCATE connections, grant_migrations, notifications, subscriptions'),
);
afterAll(() => application.close());

async function insert(given: Given): Promise<void> {
  const { userId, provider = 'whoop', status = 'active', endReason = null, refreshable = true, account = null } = given;
  await queryDatabase(
    application.databaseUrl,
    `INSERT INTO connections (user_id, provider, id, registration_id, status, end_reason, secret_gen, sealed, scopes_requested,
       refreshable, expires_at, account_digest, refresh_due_at)
     VALUES ($1, $2, $3, $2 || ':1', $4, $5, 1, 'x', '{}', $6, ${given.expiresAt ?? 'NULL'}, $7, ${given.dueAt ?? 'NULL'})`,
    [userId, provider, randomUUID(), status, endReason, refreshable, account === null ? null : Buffer.from(account)],
  );
}

/** How each connection has ended, by its user. */
async function endings(provider = 'whoop'): Promise<Record<string, string | null>> {
  const rows = await rowsOf<{ user_id: string; status: string; end_reason: string | null }>(
    application.databaseUrl,
    'connections',
    { provider },
  );
  return Object.fromEntries(rows.map(({ user_id: user, status, end_reason: reason }) => [user, reason ?? status]));
}

const sweep = () => application.app.get(ConnectionEndings, { strict: false }).sweep();

describe('connections that nothing else would look at', () => {
  it('end when their access token has expired and nothing can replace it, and no others do (TE-15)', async () => {
    const long = `now() - interval '1 hour'`;
    await insert({ userId: 'expired', refreshable: false, expiresAt: long });
    await insert({ userId: 'refreshable', expiresAt: long });
    await insert({ userId: 'living', refreshable: false, expiresAt: `now() + interval '1 hour'` });
    await insert({ userId: 'endless', refreshable: false });
    await insert({
      userId: 'ended',
      refreshable: false,
      expiresAt: long,
      status: 'needs_relink',
      endReason: 'grant_refused',
    });
    await sweep();
    expect(await endings()).toEqual({
      expired: 'no_refresh_token',
      refreshable: 'active',
      living: 'active',
      endless: 'active',
      ended: 'grant_refused',
    });
  });

  it('end five hundred at a time, and the rest at once after them (TE-15)', async () => {
    await queryDatabase(
      application.databaseUrl,
      `INSERT INTO connections (user_id, provider, id, registration_id, status, secret_gen, sealed, scopes_requested, refreshable, expires_at)
       SELECT 'user-' || n, 'whoop', gen_random_uuid(), 'whoop:1', 'active', 1, 'x', '{}', false, now() - interval '1 hour'
       FROM generate_series(1, 501) AS n`,
    );
    const left = async (): Promise<number> =>
      Object.values(await endings()).filter((ending) => ending === 'active').length;
    expect(await sweep()).toBe(0);
    expect(await left()).toBe(1);
    expect(await sweep()).toBeGreaterThan(0);
    expect(await left()).toBe(0);
  });

  it('end with their provider, but for those whose grant was exchanged for one of its successor (TE-16, O1-11)', async () => {
    application.clock.advance(Date.parse('2027-01-02T00:00:00Z') - application.clock.now().getTime());
    await insert({ userId: 'left', provider: retired });
    await insert({ userId: 'exchanged', provider: retired });
    await insert({ userId: 'in-doubt', provider: retired });
    await insert({ userId: 'not-begun', provider: retired });
    await insert({ userId: 'ended', provider: retired, status: 'needs_relink', endReason: 'grant_refused' });
    await insert({ userId: 'elsewhere', provider: 'whoop' });
    await insert({ userId: 'left', provider: 'whoop' });
    await migrate('exchanged', retired, 'exchanged');
    await migrate('in-doubt', retired, 'begun');
    await migrate('not-begun', retired, 'ready');
    // Of the same user at another provider.
    await migrate('left', 'whoop', 'exchanged');
    await sweep();
    expect(await endings(retired)).toEqual({
      left: 'provider_retired',
      exchanged: 'active',
      'in-doubt': 'active',
      'not-begun': 'provider_retired',
      ended: 'grant_refused',
    });
    expect(await endings('whoop')).toEqual({ elsewhere: 'active', left: 'active' });
  });
});

describe('a connection that has ended and is due for a trial', () => {
  const ended = { status: 'needs_relink', endReason: 'grant_refused', dueAt: `now() - interval '1 minute'` } as const;

  it.each<[string, Given[], string[]]>([
    ['is tried when it is alone', [{ userId: 'ended', account: 'a', ...ended }], ['ended']],
    ['is tried when its account is not known', [{ userId: 'ended', ...ended }, { userId: 'other' }], ['ended']],
    [
      'is not tried while another connection lives on its account',
      [
        { userId: 'ended', account: 'a', ...ended },
        { userId: 'other', account: 'a' },
      ],
      [],
    ],
    [
      'is tried when the other connection on its account has ended too',
      [
        { userId: 'ended', account: 'a', ...ended },
        { userId: 'other', account: 'a', status: 'needs_relink', endReason: 'unreachable' },
      ],
      ['ended'],
    ],
    [
      'is tried when another connection lives on another account',
      [
        { userId: 'ended', account: 'a', ...ended },
        { userId: 'other', account: 'b' },
      ],
      ['ended'],
    ],
  ])('%s (R-13, AR-23)', async (_, given, expected) => {
    for (const each of given) {
      await insert(each);
    }
    expect(await due()).toEqual(expected);
  });

  it('is not counted as due: nobody waits for it (R-22)', async () => {
    await insert({ userId: 'ended', account: 'a', ...ended });
    // Its account is in use, so that nobody takes it up.
    await insert({ userId: 'other', account: 'a' });
    dueConnections.reset();
    const counted = async (): Promise<number | undefined> => {
      const { values } = await dueConnections.get();
      return values.find(({ labels }) => labels.provider === 'whoop')?.value;
    };
    application.app.get(RefreshScheduler, { strict: false }).lookNow();
    await until('the scheduler has counted', async () => (await counted()) !== undefined);
    expect(await counted()).toBe(0);
  });

  it('keeps no living connection of the same account from its refreshes (AR-23)', async () => {
    const living = { account: 'a', dueAt: `now() - interval '1 minute'` };
    await insert({ userId: 'one', ...living });
    await insert({ userId: 'two', ...living });
    expect(await due()).toEqual(['one', 'two']);
  });
});

describe('connections that are due', () => {
  const dueFor = (minutes: number): string => `now() - interval '${minutes} minutes'`;

  it('are leased the longest overdue first, where a provider has room for one (R-22)', async () => {
    await insert({ userId: 'first', dueAt: dueFor(1) });
    await insert({ userId: 'second', dueAt: dueFor(60) });
    await insert({ userId: 'third', dueAt: dueFor(30) });
    expect(await due(1)).toEqual(['second']);
    expect(await due(1)).toEqual(['third']);
  });

  it('are leased beside those that another process is taking, which nobody waits for (R-03)', async () => {
    await insert({ userId: 'locked', dueAt: dueFor(60) });
    await insert({ userId: 'free', dueAt: dueFor(1) });
    const other = new pg.Client({ connectionString: application.databaseUrl });
    await other.connect();
    try {
      await other.query('BEGIN');
      await other.query(`SELECT FROM connections WHERE user_id = 'locked' FOR UPDATE`);
      expect(await due()).toEqual(['free']);
    } finally {
      await other.end();
    }
  });

  it('are leased the longest overdue first, where all providers together have room for one (R-22)', async () => {
    await insert({ userId: 'first', dueAt: dueFor(1) });
    await insert({ userId: 'second', provider: 'fitbit', dueAt: dueFor(60) });
    expect(await due(10, 1)).toEqual(['second']);
  });
});

async function due(wanted = 10, limit = 10): Promise<string[]> {
  const rooms = ['whoop', 'fitbit'].map((provider) => ({ provider, wanted, lengthMs: 60_000, inDoubtHoldMs: 0 }));
  const leased = await application.app.get(RefreshLeases, { strict: false }).acquireDue(rooms, limit);
  return leased.map(({ userId }) => userId).sort();
}

async function migrate(userId: string, provider: string, state: string): Promise<void> {
  await queryDatabase(
    application.databaseUrl,
    `INSERT INTO grant_migrations (user_id, provider, id, secret_gen, successor, registration_id, state)
     SELECT user_id, provider, id, secret_gen, 'garmin', 'garmin:1', $3 FROM connections WHERE user_id = $1 AND provider = $2`,
    [userId, provider, state],
  );
}
