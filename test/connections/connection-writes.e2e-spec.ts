import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Removal } from '../../src/events/event-statement.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import type { SealedTokenSet, Connection } from '../../src/tokens/store/connection.js';
import { RefreshLeases } from '../../src/tokens/refresh/refresh-leases.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { newUser } from '../support/linking.js';
import { changeRows, rowsOf } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';

const registrationId = 'whoop:0123456789abcdef';
const link = { registrationId, scopesRequested: [] };
const account = { digest: null, formerDigest: null, exclusive: false, isPending: false };
const minuteMs = 60_000;

function tokens(text: string): SealedTokenSet {
  return {
    sealed: Buffer.from(text),
    scopesGranted: null,
    scopesUnknown: false,
    expiresAt: null,
    refreshable: true,
    refreshExpiresAt: null,
    refreshDueInMs: minuteMs,
  };
}

function removal(): Removal {
  return { source: 'call', eventId: randomUUID(), sealed: null };
}

let application: TestApplication;
let store: ConnectionStore;
let claims: RefreshLeases;

beforeAll(async () => {
  application = await startApplication();
  store = application.app.get(ConnectionStore, { strict: false });
  claims = application.app.get(RefreshLeases, { strict: false });
});
afterAll(() => application.close());

async function insert(userId = newUser()): Promise<Connection> {
  const key = { userId, provider: 'whoop', id: randomUUID() };
  expect(await store.insert({ ...key, ...link }, tokens('first'), account)).toBe(true);
  return look(userId);
}

async function look(userId: string): Promise<Connection> {
  const connection = await store.find(userId, 'whoop');
  expect(connection).toBeDefined();
  return connection as Connection;
}

async function claimOf(userId: string): Promise<string | null> {
  const [row] = await rowsOf<{ lease_id: string | null }>(application.databaseUrl, 'connections', { user_id: userId });
  return row?.lease_id ?? null;
}

/**
 * All changes of a row while no refresh is under way. Each could make the tokens of a refresh come too late.
 */
const besideRefreshes: readonly (readonly [string, (key: Connection) => Promise<boolean>])[] = [
  ['a spare refresh token is kept (R-15)', (key) => store.saveSpare(key, Buffer.from('spare'))],
  ['an account is learnt (AR-23)', (key) => store.learnAccount(key, tokens('account'), account)],
  ['the connection ends for its account (AR-23)', (key) => store.endForAccount(key, 'ACCOUNT_ALREADY_LINKED')],
];

describe('a row during its refresh', () => {
  it.each(besideRefreshes)('stays unchanged until then: %s afterwards', async (_, change) => {
    const connection = await insert();
    const claim = await claims.acquire(connection, minuteMs, 0);
    expect(claim).toBeDefined();

    expect(await change(connection)).toBe(false);

    expect(await store.saveRefreshed(connection, tokens('refreshed'))).toBe(true);
    expect(await look(connection.userId)).toMatchObject({ secretGen: 2, sealed: Buffer.from('refreshed') });
    expect(await change(await look(connection.userId))).toBe(true);
  });
});

describe('work for a connection that was unlinked and linked again as a new row', () => {
  const writes: readonly (readonly [string, (key: Connection) => Promise<unknown>])[] = [
    ['a refreshed token set', (key) => store.saveRefreshed(key, tokens('late'))],
    ['a refresh token of a response that is refused otherwise', (key) => store.saveRotated(key, tokens('late'))],
    ['a new link', (key) => store.relink(key, link, tokens('late'), account)],
    ...besideRefreshes,
  ];

  it.each(writes)('does not touch the new row: %s (R-19, R-20)', async (_, write) => {
    const former = await insert();
    await store.remove(former.userId, former.provider, removal());
    const current = await insert(former.userId);
    // The generations begin again.
    expect(current.secretGen).toBe(former.secretGen);

    expect(await write(former)).toBe(false);

    expect(await look(current.userId)).toEqual(current);
  });

  it('does not lease the new row, look up its account, or count a rejected token against it (R-19)', async () => {
    const former = await insert();
    await store.remove(former.userId, former.provider, removal());
    await insert(former.userId);
    const read = () => rowsOf(application.databaseUrl, 'connections', { user_id: former.userId });
    const before = await read();
    expect(await claims.acquire(former, minuteMs, 0)).toBeUndefined();
    await store.askForAccount(former);
    await store.noteAccessRejected(former);
    expect(await read()).toEqual(before);
  });
});

describe('a row that is claimed', () => {
  const dueInMs = async (userId: string): Promise<number | null> => {
    const [row] = await queryDatabase<{ ms: number | null }>(
      application.databaseUrl,
      'SELECT (extract(epoch FROM refresh_due_at - now()) * 1000)::float8 AS ms FROM connections WHERE user_id = $1',
      [userId],
    );
    return row?.ms ?? null;
  };

  it.each([
    ['the claim', 2 * minuteMs, minuteMs],
    ['the hold', minuteMs, 2 * minuteMs],
  ])('is due when claim and hold are over, also where %s lasts longer (R-07)', async (_, lengthMs, holdMs) => {
    const { userId, ...connection } = await insert();
    await queryDatabase(
      application.databaseUrl,
      `UPDATE connections SET refresh_due_at = now() + interval '1 hour' WHERE user_id = $1`,
      [userId],
    );
    expect(await claims.acquire({ userId, ...connection }, lengthMs, holdMs)).toBeDefined();
    expect(await dueInMs(userId)).toBeGreaterThan(minuteMs);
    expect(await dueInMs(userId)).toBeLessThanOrEqual(2 * minuteMs);
  });

  it('stays due as it was where that is earlier, and never where only callers make it due (R-07)', async () => {
    const [early, never] = [await insert(), await insert()];
    for (const [{ userId }, refresh_due_at] of [
      [early, new Date(0)],
      [never, null],
    ] as const) {
      await changeRows(application.databaseUrl, 'connections', { refresh_due_at }, { user_id: userId });
    }
    for (const connection of [early, never]) {
      expect(await claims.acquire(connection, minuteMs, minuteMs)).toBeDefined();
    }
    expect(await dueInMs(early.userId)).toBeLessThan(0);
    expect(await dueInMs(never.userId)).toBeNull();
  });
});

describe('a connection that has moved on', () => {
  it('is not held to the rejection of a token that it no longer has (R-13)', async () => {
    const former = await insert();
    await store.saveRefreshed(former, tokens('refreshed'));
    const rejected = async (): Promise<unknown> => {
      const [row] = await rowsOf<{ access_rejected_at: Date | null }>(application.databaseUrl, 'connections', {
        user_id: former.userId,
      });
      return row?.access_rejected_at;
    };
    await store.noteAccessRejected(former);
    expect(await rejected()).toBeNull();
    await store.noteAccessRejected(await look(former.userId));
    expect(await rejected()).not.toBeNull();
  });

  it('is claimed by no caller once it has ended (R-13)', async () => {
    const connection = await insert();
    await changeRows(
      application.databaseUrl,
      'connections',
      { status: 'needs_relink', end_reason: 'grant_refused', ended_at: 'now' },
      { user_id: connection.userId },
    );
    expect(await claims.acquire(connection, minuteMs, 0)).toBeUndefined();
    expect(await claimOf(connection.userId)).toBeNull();
  });
});

describe('a process that wakes after its lease has expired', () => {
  it.each([
    ['gives back', (key: Connection, id: string) => claims.release(key, id)],
    ['renews', (key: Connection, id: string) => claims.renew(key, id, minuteMs)],
    ['sets aside', (key: Connection, id: string) => claims.recordUnreadable(key, id, 'TOKEN_UNREADABLE', minuteMs)],
  ])('%s nothing of the process that holds the row now (R-04, R-26)', async (_, end) => {
    const connection = await insert();
    const former = await claims.acquire(connection, 0, 0);
    const current = await claims.acquire(connection, minuteMs, 0);
    const read = () => rowsOf(application.databaseUrl, 'connections', { user_id: connection.userId });
    const before = await read();

    await end(connection, former?.id ?? '');

    expect(await read()).toEqual(before);
    expect(await claimOf(connection.userId)).toBe(current?.id);
    await end(connection, current?.id ?? '');
    expect(await read()).not.toEqual(before);
  });
});
