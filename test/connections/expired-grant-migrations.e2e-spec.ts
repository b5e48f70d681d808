import { beforeAll, describe, expect, it } from '@jest/globals';
import type { TestApplication } from '../support/application.js';
import { queryDatabase } from '../support/test-database.js';
import { type HookedJournal, type HookedStore, old, successor, useMigrations } from '../support/grant-migrations.js';

const hourMs = 3_600_000;

const migrations = useMigrations();
const { linkedUser, run, endLeases, calls, callsSoFar, liveGrants, expectMigrated, expectUntouched, stateOf } =
  migrations;
let application: TestApplication;
let journal: HookedJournal;
let store: HookedStore;

beforeAll(() => {
  ({ application, journal, store } = migrations);
});

describe('a migration with a new token that expired before its first use (O1-11, R-01)', () => {
  const lost = { endpoint: 'refresh', type: 'drop', processed: true } as const;

  /**
   * Links a user whose grant is exchanged by a run that is lost before it puts the new connection in place; a day
   * later.
   */
  async function exchangedADayAgo(): ReturnType<typeof linkedUser> {
    const linked = await linkedUser();
    await breakOff('beforeReplace');
    application.clock.advance(25 * hourMs);
    return linked;
  }

  /** Loses a run in front of a step. */
  async function breakOff(step: 'beforeKeep' | 'beforeReplace'): Promise<void> {
    store[step] = () => Promise.reject(new Error('The run was lost.'));
    await expect(run()).rejects.toThrow('The run was lost.');
    store[step] = () => Promise.resolve();
    await endLeases();
  }

  it('sends no refresh token again after a lost response', async () => {
    const { user, account, connectionId } = await exchangedADayAgo();
    application.sandbox.provider(successor).misbehave(lost);
    const before = callsSoFar();

    await expect(run()).resolves.toMatchObject({
      finished: false,
      results: [{ outcome: 'in_doubt', connectionId, code: 'PROVIDER_UNAVAILABLE' }],
    });
    expect((await run()).results).toMatchObject([{ outcome: 'in_doubt', connectionId }]);

    expect(calls(successor, 'refresh', before[successor])).toEqual(['ok']);
    expect(liveGrants(successor, account)).toBe(1);
    await expectUntouched(user);
    expect((await run({ repeatUnanswered: true })).results).toMatchObject([
      { outcome: 'in_doubt', code: 'AUTHORIZATION_FAILED' },
    ]);
    expect(calls(successor, 'refresh', before[successor])).toEqual(['ok']);
    await expectUntouched(user);
  });

  it('is finished with the response to its refresh that comes after the time limit (R-08)', async () => {
    const { user, account } = await exchangedADayAgo();
    application.sandbox.provider(successor).misbehave({ endpoint: 'refresh', type: 'slow', ms: 12_000 });
    const before = callsSoFar();

    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);

    expect(calls(successor, 'refresh', before[successor])).toHaveLength(1);
    await expectMigrated(user, account);
  });

  it('is resumed with the response where the run is lost with it in its hands', async () => {
    const { user, account } = await exchangedADayAgo();
    const before = callsSoFar();

    await breakOff('beforeKeep');

    await expect(stateOf(user)).resolves.toBe('begun');
    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    expect(calls(successor, 'refresh', before[successor])).toEqual(['ok']);
    await expectMigrated(user, account);
  });

  it('does not take the token set that was spent for the response, where the journal has it still', async () => {
    const { user, connectionId } = await exchangedADayAgo();
    const sealedSets = `SELECT sealed, id || '-' || secret_gen AS key FROM grant_migrations WHERE user_id = $1`;
    const [spent] = await queryDatabase<{ sealed: Buffer; key: string }>(application.databaseUrl, sealedSets, [user]);
    store.beforeLease = () => journal.record(spent?.key ?? '', spent?.sealed ?? Buffer.alloc(0));
    application.sandbox.provider(successor).misbehave(lost);
    const before = callsSoFar();

    expect((await run()).results).toMatchObject([{ outcome: 'in_doubt', connectionId }]);
    store.beforeLease = () => Promise.resolve();
    expect((await run()).results).toMatchObject([{ outcome: 'in_doubt', connectionId }]);

    expect(calls(successor, 'refresh', before[successor])).toEqual(['ok']);
    await expectUntouched(user);
  });

  it('continues when a refresh was not made', async () => {
    const { user, account } = await exchangedADayAgo();
    application.sandbox.provider(successor).misbehave({ endpoint: 'refresh', type: 'status', code: 503 });
    const before = callsSoFar();

    expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);

    expect(calls(successor, 'refresh', before[successor])).toEqual(['status', 'ok']);
    await expectMigrated(user, account);
  });

  it('ends the refreshed grant of a user who was unlinked during the refresh', async () => {
    const { user, account } = await exchangedADayAgo();
    store.beforeKeep = () => application.api.delete(`/v1/users/${user}/connections/${old}`).expect(200);

    expect((await run()).results).toMatchObject([{ outcome: 'passed_by' }]);

    expect([liveGrants(old, account), liveGrants(successor, account)]).toEqual([0, 0]);
    await application.api.get(`/v1/users/${user}/connections/${successor}`).expect(404);
  });

  it('is left alone by a run with an expired lease', async () => {
    const { user, account } = await exchangedADayAgo();
    const before = callsSoFar();
    store.beforeBegin = async () => {
      store.beforeBegin = () => Promise.resolve();
      await endLeases();
      expect((await run()).results).toMatchObject([{ outcome: 'migrated' }]);
    };

    expect((await run()).results).toMatchObject([{ outcome: 'passed_by' }]);

    expect(calls(successor, 'refresh', before[successor])).toEqual(['ok']);
    await expectMigrated(user, account);
  });
});
