import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import type { ConnectionKey, SealedTokenSet } from '../../src/tokens/store/connection.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { at, resetCircuitBreakers, Subject } from '../support/subject.js';

/** Of each kind; 200 in the long form. */
const interleavings = Number(process.env['RACE_INTERLEAVINGS'] ?? 12);
const seed = Number(process.env['RACE_SEED'] ?? 1);
const slugs = ['whoop', 'fitbit'];

/** Returns numbers in [0, 1), the same ones for the same seed (a linear congruential generator). */
function randomNumbers(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Switches the comparison of generations off: the last save wins. */
@Injectable()
class LastWriterWins extends ConnectionStore {
  constructor(private readonly plainDatabase: Database) {
    super(plainDatabase);
  }

  override async saveRefreshed(key: ConnectionKey, tokens: SealedTokenSet): Promise<boolean> {
    await this.plainDatabase.query(
      {
        name: 'test-last-writer-wins',
        text: `UPDATE connections SET secret_gen = $4, sealed = $5, lease_id = NULL, leased_until = NULL,
                 attempt_started_at = NULL WHERE user_id = $1 AND provider = $2 AND id = $3`,
      },
      [key.userId, key.provider, key.id, key.secretGen + 1, tokens.sealed],
    );
    return true;
  }
}

/** One refresh with a random response time, and something else a random time after it began. */
async function race(subject: Subject, random: () => number, rival: () => Promise<unknown>): Promise<number> {
  subject.fake.misbehave(at({ type: 'slow', ms: Math.floor(random() * 60), processed: random() < 0.5 }));
  const refreshing = subject.refresh().then(({ status }) => status);
  await sleep(Math.floor(random() * 40));
  await rival();
  const status = await refreshing;
  subject.fake.behave();
  return status;
}

/** Unlinks while a refresh is under way. Returns what is wrong afterwards. */
async function unlinkRace(application: TestApplication, slug: string, random: () => number): Promise<string[]> {
  const subject = await Subject.link(application, slug);
  const status = await race(subject, random, () => subject.unlink().expect(200));
  return [
    ...((await subject.find()) === undefined ? [] : ['the connection is back']),
    ...(subject.isGrantAlive ? ['its grant lives on at the provider'] : []),
    ...([200, 404].includes(status) ? [] : [`the refresh got ${status}`]),
    ...((await subject.read()).status === 404 ? [] : ['a token is issued']),
  ];
}

/** Links again while a refresh is under way. Returns what is wrong afterwards. */
async function relinkRace(application: TestApplication, slug: string, random: () => number): Promise<string[]> {
  const subject = await Subject.link(application, slug);
  const { account, userId } = subject;
  const status = await race(subject, random, () => linkAccount(application, userId, slug, { account }));
  const grants = subject.fake.liveGrants().filter(({ accountId }) => accountId === account);
  const newest = grants.sort((one, other) => one.createdAtMs - other.createdAtMs).at(-1);
  const again = await subject.refresh();
  const last = subject.refreshes.at(-1);
  return [
    ...(status === 200 ? [] : [`the refresh got ${status}`]),
    ...(again.status === 200 ? [] : ['the connection cannot be refreshed any more']),
    ...(last?.familyId === newest?.familyId ? [] : ['the connection holds the tokens of the old grant']),
  ];
}

type Race = typeof unlinkRace;

async function run(application: TestApplication, times: number, one: Race): Promise<string[]> {
  const random = randomNumbers(seed);
  const wrong: string[] = [];
  for (let round = 0; round < times; round += 1) {
    const slug = slugs[round % slugs.length] ?? '';
    wrong.push(...(await one(application, slug, random)).map((what) => `round ${round}, ${slug}: ${what}`));
    await resetCircuitBreakers(application);
  }
  return wrong;
}

describe(`a refresh that races with something else (${interleavings} interleavings, seed ${seed})`, () => {
  let application: TestApplication;

  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(() => application.close());

  it('never brings an unlinked connection back, nor leaves its grant at the provider (TE-11, R-19)', async () => {
    expect(await run(application, interleavings, unlinkRace)).toEqual([]);
  }, 600_000);

  it('never replaces the tokens of a new link (AR-24, R-20)', async () => {
    expect(await run(application, interleavings, relinkRace)).toEqual([]);
  }, 600_000);

  describe('without the comparison of generations', () => {
    let naive: TestApplication;

    beforeAll(async () => {
      naive = await startApplication({
        override: (builder) =>
          builder
            .overrideProvider(ConnectionStore)
            .useFactory({ factory: (database: Database) => new LastWriterWins(database), inject: [Database] }),
      });
    });
    afterAll(() => naive.close());

    it.each([
      ['grants live on at the provider (TE-11, R-19)', unlinkRace],
      ['new links lose their tokens (AR-24, R-20)', relinkRace],
    ])(
      '%s',
      async (_, one) => {
        const random = randomNumbers(seed);
        const wrong: string[] = [];
        // How many it takes depends on the machine; with the comparison, none of any number goes wrong.
        for (let round = 0; round < 200 && wrong.length === 0; round += 1) {
          wrong.push(...(await one(naive, slugs[round % slugs.length] ?? '', random)));
          await resetCircuitBreakers(naive);
        }
        expect(wrong).not.toEqual([]);
      },
      300_000,
    );
  });
});
