import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { whoopDefinition } from '../../src/providers/whoop/whoop.definition.js';
import { removeDirectory, startService } from '../support/service-process.js';
import { createTestDatabase } from '../support/test-database.js';
import { FaultCluster } from './support/fault-cluster.js';
import { report } from './support/figures.js';
import type { Replica } from './support/replica.js';
import { type FaultConnection, pathOf } from './support/token-callers.js';

/** The checkout of the previous version, built. `npm run test:previous` makes it. */
const program = process.env['PREVIOUS_PROGRAM'] ?? '';
const slug = whoopDefinition.slug;
const connectionCount = 6;
/** How long both versions are asked at the same time. */
const loadMs = 10_000;
/** An access token with less life is refreshed before it is issued. */
const shortLifeSeconds = 55;

// The tests are the steps of one upgrade: each begins with what those before it have left.
describe('the previous version on one database with this one', () => {
  let cluster: FaultCluster;
  let previous: Replica;
  let current: Replica;
  const connections: FaultConnection[] = [];

  beforeAll(async () => {
    const url = await createTestDatabase();
    const rootKey = randomBytes(32).toString('base64');
    await startOnce(url, rootKey);
    cluster = await FaultCluster.start({
      providers: { [slug]: whoopDefinition.sandbox },
      database: { url, disturbedAtMs: -Infinity, stop: async () => undefined },
      rootKey,
      replicas: [{ program }, {}],
      oneNetwork: true,
    });
    [previous, current] = [cluster.replica(0), cluster.replica(1)];
  });
  afterAll(() => cluster?.stop());

  /** The previous version makes its tables and keys, as in a deployment that exists already. */
  async function startOnce(url: string, rootKey: string): Promise<void> {
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-previous-'));
    const environment = {
      NODE_ENV: 'development',
      ENVIRONMENT_NAME: 'test',
      DATABASE_URL: url,
      ENCRYPTION_ROOT_KEY: rootKey,
      PORT: '0',
      SANDBOX_PORT: '0',
    };
    const service = startService(directory, environment, program);
    try {
      await service.waitFor('Start a link');
    } finally {
      await service.stop();
      await removeDirectory(directory);
    }
  }

  /** Asks both versions for every token until the time is over; each request leads to a refresh. Returns the statuses. */
  async function ask(replicas: readonly Replica[], forMs: number): Promise<Set<number>> {
    const statuses = new Set<number>();
    const fake = cluster.sandbox.provider(slug);
    fake.accessTokenLifetimeSeconds = shortLifeSeconds;
    const endsAt = performance.now() + forMs;
    do {
      const responses = await Promise.all(replicas.map((replica) => cluster.askAll(replica, connections)));
      responses.flat().forEach(({ status }) => statuses.add(status));
      await sleep(50);
    } while (performance.now() < endsAt);
    return statuses;
  }

  async function expectNoViolation(what: string): Promise<void> {
    const violations = await cluster.check(connections);
    report('upgrade', what, { rounds: 1, faults: 0, connections: connections.length }, violations);
    expect(violations).toEqual([]);
  }

  it('links at both, and each refreshes the connections of the other, no token twice', async () => {
    connections.push(...(await cluster.link(slug, connectionCount, previous)));
    connections.push(...(await cluster.link(slug, connectionCount, current)));
    expect(await ask([previous, current], loadMs)).toEqual(new Set([200]));
    expect(cluster.refreshSum(connections)).toBeGreaterThan(connections.length);
    await expectNoViolation('both versions refresh');
  });

  it('lets the previous version start again beside this one', async () => {
    await previous.kill();
    expect(await ask([current], 0)).toEqual(new Set([200]));
    await previous.start();
    expect(await ask([previous, current], loadMs)).toEqual(new Set([200]));
    await expectNoViolation('the previous version was killed and started');
  });

  it('treats at each a connection that the other has unlinked as unlinked, and links it again', async () => {
    for (const [at, other] of [
      [previous, current],
      [current, previous],
    ] as const) {
      const [gone] = await cluster.link(slug, 1, at);
      const path = gone === undefined ? '' : pathOf(gone);
      await other.api.delete(path).expect(200);
      await at.api.get(path).expect(404);
    }
  });

  it('keeps one audit trail that both verify', async () => {
    for (const each of [program, undefined]) {
      expect(await cluster.command(['audit', 'verify'], each)).toMatch(/entries/);
    }
  });

  it('lets the previous version run alone', async () => {
    await current.stop();
    expect(await ask([previous], loadMs)).toEqual(new Set([200]));
    await expectNoViolation('the previous version goes on alone');
  });
});
