import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ExpiryNotices } from '../../src/tokens/scheduler/expiry-notices.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { startReplica } from '../support/observed-application.js';
import { queryDatabase } from '../support/test-database.js';

/** More than two batches. */
const dueConnections = 1_200;

let first: TestApplication;
let second: TestApplication;

beforeAll(async () => {
  first = await startApplication();
  second = await startReplica(first);
});
afterAll(async () => {
  await second.close();
  await first.close();
});

describe('sweeps of two replicas at the same moment', () => {
  it.each([1, 2, 3])('change each of many due connections once, and none fails (round %i)', async (round) => {
    await addExpiring(round);
    const sweepers = [first, second].map(({ app }) => app.get(ExpiryNotices, { strict: false }));
    let pauses: number[];
    do {
      pauses = await Promise.all([...sweepers, ...sweepers].map((notices) => notices.sweep()));
    } while (pauses.includes(0));

    const counts = await queryDatabase(
      first.databaseUrl,
      `SELECT told, count(*)::int AS connections FROM (
         SELECT count(*)::int AS told FROM events WHERE user_id LIKE $1 AND type = 'connection.expiring'
         GROUP BY user_id) AS each GROUP BY told`,
      [`round-${round}-%`],
    );
    expect(counts).toEqual([{ told: 1, connections: dueConnections }]);
  });
});

/** Adds connections whose refresh tokens expire soon. */
async function addExpiring(round: number): Promise<void> {
  await queryDatabase(
    first.databaseUrl,
    `INSERT INTO connections (user_id, provider, id, registration_id, status, secret_gen, sealed, scopes_requested,
       refreshable, linked_at, refresh_expires_at)
     SELECT $1 || n, 'garmin', gen_random_uuid(), 'test', 'active', 1, '\\x00', '{}', true, now() - interval '80 days',
       now() + interval '1 day'
     FROM generate_series(1, $2::int) AS n`,
    [`round-${round}-`, dueConnections],
  );
}
