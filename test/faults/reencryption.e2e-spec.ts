import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { whoopDefinition } from '../../src/providers/whoop/whoop.definition.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import type { ConnectionKey, SealedTokenSet } from '../../src/tokens/store/connection.js';
import type { SealPurpose } from '../../src/vault/associated-data.js';
import { KeyAdministration } from '../../src/vault/key-administration.js';
import { Reencryption } from '../../src/vault/reencryption.js';
import { type SealedRow, SealedRows } from '../../src/vault/sealed-rows.js';
import type { TestApplication } from '../support/application.js';
import { lostUsers } from '../support/history-checker.js';
import { randomNumbers } from '../support/random-numbers.js';
import { FaultCluster } from './support/fault-cluster.js';
import { type FaultConnection, pathOf } from './support/token-callers.js';
import { report } from './support/figures.js';

const slug = 'whoop';
const purpose = 'connections.sealed';
/** Refreshes of a row that is being sealed again; 200 in the long form. */
const interleavings = Number(process.env['RACE_INTERLEAVINGS'] ?? 12);
const seed = Number(process.env['RACE_SEED'] ?? 1);
/** Each of them once a rotation of the keys. */
const connectionCount = Math.min(interleavings, 20);
const maxHeadStartMs = 5;
const rowsPerSecond = 1_000;

/**
 * Which write reaches the row first, after it was read to be sealed again: the new tokens, the old ones under the new
 * key, or either.
 */
const orders = ['refreshed first', 'sealed first', 'at once'] as const;
type Order = (typeof orders)[number];

interface Interleaving {
  readonly userId: string;
  readonly order: Order;
  /** Whether the re-encryption has written. */
  readonly isReplaced: boolean;
}

/** Lets a test have refreshed tokens wait before their commit. */
@Injectable()
class HoldingStore extends ConnectionStore {
  beforeSave: (connectionId: string) => Promise<void> = () => Promise.resolve();

  constructor(database: Database) {
    super(database);
  }

  override async saveRefreshed(key: ConnectionKey, tokens: SealedTokenSet): Promise<boolean> {
    await this.beforeSave(key.id);
    return super.saveRefreshed(key, tokens);
  }
}

/** Lets a test do something between the moment a row was read and the moment it is replaced. */
@Injectable()
class RacingRows extends SealedRows {
  race: (row: SealedRow, replace: () => Promise<boolean>) => Promise<boolean> = (_row, replace) => replace();

  constructor(protected readonly plainDatabase: Database) {
    super(plainDatabase);
  }

  override replace(ofPurpose: SealPurpose, row: SealedRow, sealed: Buffer): Promise<boolean> {
    return this.race(row, () => this.write(ofPurpose, row, sealed));
  }

  protected write(ofPurpose: SealPurpose, row: SealedRow, sealed: Buffer): Promise<boolean> {
    return super.replace(ofPurpose, row, sealed);
  }
}

/** Switches the comparison off: writes the row as it was read, even if it has changed. */
@Injectable()
class CarelessRows extends RacingRows {
  protected override async write(_purpose: SealPurpose, row: SealedRow, sealed: Buffer): Promise<boolean> {
    await this.plainDatabase.query(
      { name: 'test-careless-rows', text: 'UPDATE connections SET sealed = $1, secret_gen = $2 WHERE id = $3' },
      [sealed, row.generation, row.rowId],
    );
    return true;
  }
}

describe(`re-encryption of a row that is being refreshed (${interleavings} interleavings, seed ${seed})`, () => {
  let cluster: FaultCluster;

  beforeAll(async () => {
    cluster = await FaultCluster.start({ providers: { [slug]: whoopDefinition.sandbox }, replicas: [] });
  });
  afterAll(() => cluster?.stop());

  function start(rows: typeof RacingRows): Promise<TestApplication> {
    return cluster.startInstance({
      override: (builder) =>
        builder.overrideProvider(SealedRows).useClass(rows).overrideProvider(ConnectionStore).useClass(HoldingStore),
    });
  }

  /** Refreshes every connection once while its row is sealed again under a new key. */
  async function rotate(
    { app, api }: TestApplication,
    connections: readonly FaultConnection[],
    random: () => number,
  ): Promise<Interleaving[]> {
    const administration = app.get(KeyAdministration);
    await administration.promote(await administration.add(purpose), 0, true);
    const rows = app.get<RacingRows>(SealedRows);
    const store = app.get<HoldingStore>(ConnectionStore);
    const waiting = new Map(connections.map((connection, index) => [connection.userId, { connection, index }]));
    const done: Interleaving[] = [];
    rows.race = async (row, replace) => {
      const raced = waiting.get(row.userId);
      if (raced === undefined) {
        return replace();
      }
      waiting.delete(row.userId);
      const order = orders[raced.index % orders.length] as Order;
      const held = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      store.beforeSave = (connectionId) => {
        held.resolve();
        return connectionId === row.rowId ? released.promise : Promise.resolve();
      };
      const refreshed = api.post(`${pathOf(raced.connection)}/refresh`).then(({ status }) => expect(status).toBe(200));
      await Promise.race([held.promise, refreshed]);
      const commit = (): Promise<void> => {
        released.resolve();
        return refreshed;
      };
      let isReplaced: boolean;
      if (order === 'refreshed first') {
        await commit();
        isReplaced = await replace();
      } else if (order === 'sealed first') {
        isReplaced = await replace();
        await commit();
      } else {
        const replacing = sleep(random() * maxHeadStartMs).then(replace);
        await sleep(random() * maxHeadStartMs).then(commit);
        isReplaced = await replacing;
      }
      done.push({ userId: row.userId, order, isReplaced });
      return isReplaced;
    };
    await app.get(Reencryption).run(purpose, rowsPerSecond, () => undefined);
    return done;
  }

  it(
    'loses no token set, whichever of the two reaches the row first (R-21, CR-08)',
    async () => {
      const instance = await start(RacingRows);
      const connections = await cluster.link(slug, connectionCount, instance, 3_600);
      const random = randomNumbers(seed);
      const done: Interleaving[] = [];
      while (done.length < interleavings) {
        done.push(...(await rotate(instance, connections.slice(0, interleavings - done.length), random)));
        await cluster.askAll(instance, connections);
      }
      expect(done).toHaveLength(interleavings);
      // A refresh that was there first is never overwritten; one that comes second commits all the same.
      for (const { order, isReplaced } of done.filter((each) => each.order !== 'at once')) {
        expect({ order, isReplaced }).toEqual({ order, isReplaced: order === 'sealed first' });
      }
      const violations = await cluster.check(connections);
      const rotations = Math.ceil(interleavings / connectionCount);
      const figures = { rounds: rotations, faults: done.length, connections: connections.length };
      report('R-21', 'sealed anew during its refresh', figures, violations);
      expect(violations).toEqual([]);
      await Promise.all(connections.map((each) => instance.api.post(`${pathOf(each)}/refresh`).expect(200)));
    },
    120_000 + interleavings * 1_000,
  );

  it('loses every set that was refreshed in the meantime without the comparison, and the checker notices (R-21, CR-08)', async () => {
    const instance = await start(CarelessRows);
    const connections = await cluster.link(slug, 12, instance, 3_600);
    const done = await rotate(instance, connections, randomNumbers(seed));
    await cluster.askAll(instance, connections);
    const violations = await cluster.check(connections);
    const figures = { rounds: 1, faults: done.length, connections: connections.length, without: 'comparison' };
    report('R-21', 'sealed anew during its refresh', figures, violations);
    const overwritten = done.filter(({ order }) => order === 'refreshed first').map(({ userId }) => userId);
    expect(overwritten).toHaveLength(4);
    expect([...lostUsers(violations)]).toEqual(expect.arrayContaining(overwritten));
  });
});
