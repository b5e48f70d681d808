import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { whoopDefinition } from '../../src/providers/whoop/whoop.definition.js';
import type { Violation } from '../support/history-checker.js';
import { describeOnPlain } from '../support/plain-postgres.js';
import { FaultCluster } from './support/fault-cluster.js';
import { type FaultConnection, pathOf } from './support/token-callers.js';
import { report, rounds } from './support/figures.js';
import { ReplicatedPostgres } from './support/replicated-postgres.js';
import { holdSeconds } from './support/timing.js';

const connectionCount = 10;
/** The lag of the standby, and the time of load afterwards. */
const lagMs = 5_000;
/** Effects of a failover on the load. */
interface FailOver {
  /** Connections that cannot be refreshed any more. */
  readonly lost: readonly FaultConnection[];
  /** From the end of the primary until a caller got a token again, in milliseconds. */
  readonly firstTokenMs: number;
}

/** Less life than this leads to a refresh, so each question does. */
const lifeSeconds = 55;
/** So long that refreshes of some connections are under way at the failover. */
const latencyMs = 500;
const timeoutMs = 300_000 + rounds * 120_000;

describeOnPlain('it has a primary and a standby of its own')('a failover to a standby that lags behind', () => {
  let journal: string;

  beforeEach(async () => {
    journal = await mkdtemp(join(tmpdir(), 'cufflink-failover-'));
  });
  afterEach(() => rm(journal, { recursive: true }));

  /**
   * Promotes the standby while two replicas with one journal refresh all connections again and again, at a strict
   * provider.
   */
  async function failOverUnderLoad(environment: Readonly<Record<string, string>>): Promise<FailOver> {
    const database = await ReplicatedPostgres.start();
    const settings = { environment: { REFRESH_JOURNAL_DIRECTORY: journal, ...environment } };
    const providers = { whoop: whoopDefinition.sandbox };
    const cluster = await FaultCluster.start({ providers, replicas: [settings, settings], database });
    try {
      const connections = await cluster.link('whoop', connectionCount);
      const provider = cluster.sandbox.provider('whoop');
      provider.accessTokenLifetimeSeconds = lifeSeconds;
      provider.misbehave({ endpoint: 'refresh', type: 'slow', ms: latencyMs, processed: true }, Infinity);
      await database.cutReplication();
      let isOver = false;
      let endedAtMs = Infinity;
      let firstTokenMs = Infinity;
      const load = cluster.replicas.flatMap((replica) =>
        connections.map(async (connection) => {
          while (!isOver) {
            const askedAtMs = Date.now();
            const { status } = await cluster.ask(replica, connection);
            if (status === 200 && askedAtMs > endedAtMs) {
              firstTokenMs = Math.min(firstTokenMs, Date.now() - endedAtMs);
            }
            await sleep(100);
          }
        }),
      );
      await sleep(lagMs);
      expect(connections.map((each) => cluster.refreshCount(each))).not.toContain(0);
      endedAtMs = Date.now();
      await database.failOver();
      await sleep(lagMs);
      isOver = true;
      await Promise.all(load);
      provider.behave();
      await cluster.passTime(holdSeconds);
      const refreshed = connections.map(async (connection) => {
        const { status } = await cluster.replica(0).api.post(`${pathOf(connection)}/refresh`);
        return status === 200 ? [] : [connection];
      });
      return { lost: (await Promise.all(refreshed)).flat(), firstTokenMs };
    } finally {
      await cluster.stop();
    }
  }

  async function repeat(
    environment: Readonly<Record<string, string>>,
    without?: string,
  ): Promise<readonly FaultConnection[]> {
    const lost: FaultConnection[] = [];
    const firstTokensMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const failOver = await failOverUnderLoad(environment);
      lost.push(...failOver.lost);
      firstTokensMs.push(failOver.firstTokenMs);
    }
    process.stdout.write(`First token after the end of the primary: ${firstTokensMs.join(', ')} ms.\n`);
    expect(firstTokensMs).not.toContain(Infinity);
    const violations = lost.map(({ userId }, index): Violation => ({
      invariant: 'I3',
      userId: `${userId}-${index}`,
      what: 'the grant has ended',
    }));
    const counts = { rounds, faults: rounds, connections: rounds * connectionCount };
    const figures = without === undefined ? counts : { ...counts, without };
    report('R-05', `failover under load to a standby ${lagMs / 1_000} s behind`, figures, violations);
    return lost;
  }

  it(
    'loses no connection that was refreshed without the standby, because the journal has kept its tokens (R-05)',
    async () => {
      expect(await repeat({})).toEqual([]);
    },
    timeoutMs,
  );

  it(
    'loses connections at a strict provider when the journal keeps nothing after the commit',
    async () => {
      expect(await repeat({ REFRESH_JOURNAL_KEEP_SECONDS: '0' }, 'kept entries')).not.toEqual([]);
    },
    timeoutMs,
  );
});
