import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { ClockSync } from '../../src/database/clock-sync.js';
import { RefreshLeases } from '../../src/tokens/refresh/refresh-leases.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import type { Connection } from '../../src/tokens/store/connection.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { ago, changeRows, deleteRows, passTimeInRows } from '../support/rows.js';

const hourMs = 3_600_000;
const leaseMs = 20_000;
const holdMs = 120_000;

describe('when the clock of the database is set forward by an hour (R-12)', () => {
  let application: TestApplication;
  let leases: RefreshLeases;
  let users = 0;

  beforeAll(async () => {
    application = await startApplication();
    leases = application.app.get(RefreshLeases);
  });
  afterEach(() => deleteRows(application.databaseUrl, 'connections'));
  afterAll(() => application.close());

  async function linked(): Promise<Connection> {
    users += 1;
    await linkAccount(application, `user-${users}`, 'whoop', { account: String(users) });
    const connection = await application.app.get(ConnectionStore).find(`user-${users}`, 'whoop');
    if (connection === undefined) {
      throw new Error('There is no such connection.');
    }
    return connection;
  }

  /** To PostgreSQL, what it wrote down is older then; to the process, PostgreSQL is ahead. */
  async function jump(): Promise<() => void> {
    const columns = ['leased_until', 'attempt_started_at'];
    await passTimeInRows(application.databaseUrl, 'connections', columns, 3_600);
    await changeRows(application.databaseUrl, 'connections', { refresh_due_at: ago(60) });
    application.clock.advance(-hourMs);
    return () => application.clock.advance(hourMs);
  }

  const takeDue = () =>
    leases.acquireDue([{ provider: 'whoop', wanted: 10, lengthMs: leaseMs, inDoubtHoldMs: holdMs }], 10);

  it.each([
    ['a caller', async (connection: Connection) => leases.acquire(connection, leaseMs, holdMs)],
    ['the scheduler', async () => (await takeDue())[0]],
  ])('what is under way is not begun again by %s', async (_who, take) => {
    const connection = await linked();
    expect(await leases.acquire(connection, leaseMs, holdMs)).toBeDefined();

    const notice = await jump();
    expect(await take(connection)).toBeUndefined();

    // With the defence off, as the process knows of no jump, it is.
    notice();
    expect(await take(connection)).toBeDefined();
  });

  it('other connections are refreshed as usual', async () => {
    const connection = await linked();
    const notice = await jump();
    expect(await leases.acquire(connection, leaseMs, holdMs)).toBeDefined();
    notice();
  });

  it('where the provider forgives repetition, it is repeated as ever', async () => {
    const connection = await linked();
    expect(await leases.acquire(connection, leaseMs, 0)).toBeDefined();
    const notice = await jump();
    expect(await leases.acquire(connection, leaseMs, 0)).toBeDefined();
    notice();
  });

  it('once the process has noticed, refreshes in flight still have time for their commit', async () => {
    const connection = await linked();
    expect(await leases.acquire(connection, leaseMs, holdMs)).toBeDefined();
    const notice = await jump();

    await application.app.get(ClockSync).syncAgain();
    notice();

    expect(await leases.acquire(connection, leaseMs, holdMs)).toBeUndefined();
    // A refresh leased before the jump may wait for its permit, send, and be saved.
    expect(application.app.get(Database).reachableForMs).toBeLessThan(-2 * leaseMs);
  });
});
