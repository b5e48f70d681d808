import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import request from 'supertest';
import type TestAgent from 'supertest/lib/agent.js';
import { sandboxClientId, sandboxClientSecret } from '../src/provider-kit/provider-settings.js';
import { whoopDefinition } from '../src/providers/whoop/whoop.definition.js';
import type { FakeMaker } from '../src/sandbox/fake-maker.js';
import { VendorSandbox } from '../src/sandbox/vendor-sandbox.js';
import { RefreshClaims, type RefreshClaim } from '../src/tokens/refresh-claims.js';
import { startApplication, type ApplicationOptions, type TestApplication } from './support/application.js';
import {
  findFamily,
  findViolations,
  refreshesOf,
  type CheckedConnection,
  type Violation,
} from './support/history-checker.js';
import { linkAccount } from './support/linking.js';
import { type ServiceProcess, startService } from './support/service-process.js';

const slug = 'whoop';
const rounds = Number(process.env['REFRESH_ROUNDS'] ?? 10);
const seed = Number(process.env['REFRESH_SEED'] ?? 1);
const connectionCount = 20;
/** Of one connection, at each instance, at the same moment. */
const callers = 3;
const maxLatencyMs = 50;

/** Switches the claim off: whoever asks may spend the refresh token. */
class NoClaims implements Pick<RefreshClaims, 'take' | 'drop'> {
  async take(): Promise<RefreshClaim> {
    return { id: randomUUID(), isProbe: false };
  }

  async drop(): Promise<void> {}
}

/** Returns numbers in [0, 1), the same ones for the same seed (mulberry32). */
function randomNumbers(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function linkMany(application: TestApplication, maker: FakeMaker, count: number): Promise<CheckedConnection[]> {
  const connections: CheckedConnection[] = [];
  for (let index = 0; index < count; index += 1) {
    const [userId, account] = [`user-${index}`, String(7_000 + index)];
    await linkAccount(application, userId, slug, { account });
    connections.push({ userId, familyId: findFamily(maker, account) });
  }
  return connections;
}

/** Lets every refresh of a round take its own time, half of them before and half of them after the token was rotated. */
function makeSlow(maker: FakeMaker, calls: number, random: () => number): void {
  maker.behave();
  for (let call = 0; call < calls; call += 1) {
    const ms = Math.floor(random() * maxLatencyMs);
    maker.misbehave({ endpoint: 'refresh', type: 'slow', ms, processed: random() < 0.5 });
  }
}

/** Asks every instance for every token at the same moment, several times; returns what each connection's callers got. */
async function readEverywhere(instances: readonly TestAgent[], connections: readonly CheckedConnection[]) {
  const readers = instances.flatMap((instance) => Array.from({ length: callers }, () => instance));
  return Promise.all(
    connections.map(({ userId }) =>
      Promise.all(
        readers.map(async (instance) => {
          const response = await instance.get(`/v1/users/${userId}/connections/${slug}/token`);
          return (response.body as { access_token?: string }).access_token;
        }),
      ),
    ),
  );
}

/** What callers saw, round for round. */
class Tally {
  /** Callers that did not get the one token that the maker takes. */
  disappointed = 0;
  /** Connections and expiries with any other number of refreshes than one. */
  miscounted = 0;

  constructor(
    private readonly maker: FakeMaker,
    private readonly connections: readonly CheckedConnection[],
  ) {}

  /** Lets all tokens be asked for at once, and counts. Every token has to need a refresh. */
  async round(instances: readonly TestAgent[], random: () => number): Promise<void> {
    const { maker, connections } = this;
    const before = connections.map(({ familyId }) => refreshesOf(maker, familyId).length);
    makeSlow(maker, 3 * connections.length, random);
    const answers = await readEverywhere(instances, connections);
    for (const [index, { familyId }] of connections.entries()) {
      const tokens = answers[index] ?? [];
      this.disappointed += tokens.filter(
        (token) => token !== tokens[0] || !maker.isLiveAccessToken(token ?? ''),
      ).length;
      this.miscounted += refreshesOf(maker, familyId).length - (before[index] ?? 0) === 1 ? 0 : 1;
    }
  }

  async outcome(application: TestApplication): Promise<Outcome> {
    const { maker, connections, disappointed, miscounted } = this;
    const violations = await findViolations({ maker, vault: application.app, connections });
    const refreshes = maker.history.filter(({ kind }) => kind === 'refresh').length;
    const lost = new Set(violations.filter(({ invariant }) => invariant === 'I3').map(({ userId }) => userId)).size;
    return { refreshes, violations, lost, disappointed, miscounted };
  }
}

interface Outcome {
  readonly refreshes: number;
  readonly violations: readonly Violation[];
  /** Connections that have to be linked anew. */
  readonly lost: number;
  readonly disappointed: number;
  readonly miscounted: number;
}

/** Twenty connections on two instances, refreshed at the same moment, over and over. */
async function refreshTogether(roundCount: number, options: ApplicationOptions = {}): Promise<Outcome> {
  const first = await startApplication(options);
  const { databaseUrl, rootKey, sandbox, clock } = first;
  const second = await startApplication({ ...options, databaseUrl, rootKey, sandbox, clock });
  try {
    const maker = sandbox.maker(slug);
    const connections = await linkMany(first, maker, connectionCount);
    const random = randomNumbers(seed);
    const tally = new Tally(maker, connections);
    for (let round = 1; round <= roundCount; round += 1) {
      clock.advance(maker.accessTokenLifetimeSeconds * 1_000 + 2_000);
      await tally.round([first.api, second.api], random);
    }
    return await tally.outcome(first);
  } finally {
    await second.close();
    await first.close();
  }
}

function print(what: string, roundCount: number, connections: number, outcome: Outcome): void {
  const kinds = ['I1', 'I3', 'I4', 'I6'].map(
    (kind) => `${kind} ${outcome.violations.filter(({ invariant }) => invariant === kind).length}`,
  );
  process.stdout.write(
    `${what}: ${roundCount} rounds, ${connections} connections, ${outcome.refreshes} refreshes at the maker, ` +
      `${outcome.violations.length} violations (${kinds.join(', ')}), ${outcome.lost} connections lost\n`,
  );
}

describe('two instances on one database', () => {
  it(
    'R-03 refresh each connection exactly once an expiry and lose none',
    async () => {
      const outcome = await refreshTogether(rounds);
      print('R-03 two instances', rounds, connectionCount, outcome);
      expect(outcome).toEqual({
        refreshes: rounds * connectionCount,
        violations: [],
        lost: 0,
        disappointed: 0,
        miscounted: 0,
      });
    },
    30_000 + rounds * 2_000,
  );

  it('R-03 with the claim switched off the same scenario loses connections', async () => {
    const outcome = await refreshTogether(3, {
      override: (builder) => builder.overrideProvider(RefreshClaims).useClass(NoClaims),
    });
    print('R-03 two instances, claim switched off', 3, connectionCount, outcome);
    const invariants = new Set(outcome.violations.map(({ invariant }) => invariant));
    expect([...invariants]).toEqual(expect.arrayContaining(['I1', 'I3', 'I6']));
    expect(outcome.lost).toBeGreaterThan(0);
    expect(outcome.disappointed).toBeGreaterThan(0);
    expect(outcome.miscounted).toBeGreaterThan(0);
  });

  it('R-03 holds for two processes of the built program', async () => {
    const roundCount = 5;
    const count = 8;
    const sandbox = await VendorSandbox.start({ makers: new Map([[slug, whoopDefinition.sandbox]]) });
    const maker = sandbox.maker(slug);
    // Makes the tables and opens what is stored; calls no maker.
    const onlooker = await startApplication({ sandbox });
    const processes: RunningProcess[] = [];
    try {
      for (let index = 0; index < 2; index += 1) {
        processes.push(await startWithMaker(onlooker, sandbox));
      }
      const [first, second] = processes.map(({ api }) => api);
      if (first === undefined || second === undefined) {
        throw new Error('Two processes were started.');
      }
      const connections = await linkMany({ ...onlooker, api: first, browser: first }, maker, count);
      const random = randomNumbers(seed);
      const tally = new Tally(maker, connections);
      for (let round = 1; round <= roundCount; round += 1) {
        // The clock of a process cannot be put forward: the token it gets here has less life than the margin.
        maker.behave();
        maker.accessTokenLifetimeSeconds = 250;
        for (const { userId } of connections) {
          await first.post(`/v1/users/${userId}/connections/${slug}/refresh`).expect(200);
        }
        maker.accessTokenLifetimeSeconds = 3_600;
        await tally.round([first, second], random);
      }
      const outcome = await tally.outcome(onlooker);
      print('R-03 two processes', roundCount, count, outcome);
      expect(outcome).toEqual({
        refreshes: 2 * roundCount * count,
        violations: [],
        lost: 0,
        disappointed: 0,
        miscounted: 0,
      });
    } finally {
      await Promise.all(processes.map((each) => each.stop()));
      await onlooker.close();
      await sandbox.stop();
    }
  }, 60_000);
});

interface RunningProcess {
  readonly api: TestAgent;
  stop(): Promise<void>;
}

/** Starts `dist/main.js` in a directory of its own, on the database and key of the given application. */
async function startWithMaker(application: TestApplication, sandbox: VendorSandbox): Promise<RunningProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'cufflink-instance-'));
  const service = startService(directory, {
    NODE_ENV: 'development',
    ENVIRONMENT_NAME: 'test',
    LOG_LEVEL: 'warn',
    PORT: '0',
    SANDBOX_PORT: '0',
    PUBLIC_URL: 'http://localhost:3000',
    DATABASE_URL: application.databaseUrl,
    ENCRYPTION_ROOT_KEY: application.rootKey,
    WHOOP_CLIENT_ID: sandboxClientId(slug),
    WHOOP_CLIENT_SECRET: sandboxClientSecret(slug),
    WHOOP_AUTH_URL: `${sandbox.url}/whoop/oauth/oauth2/auth`,
    WHOOP_TOKEN_URL: `${sandbox.url}/whoop/oauth/oauth2/token`,
    WHOOP_API_BASE_URL: `${sandbox.url}/whoop/developer/v2`,
  });
  const stop = async (): Promise<void> => {
    await service.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const { api_url: apiUrl, api_key: apiKey } = await readCredentials(service, directory);
    const url = apiUrl.replace('localhost', '127.0.0.1');
    return { api: request.agent(url).set('authorization', `Bearer ${apiKey}`), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits for the file that a development start ends with. */
async function readCredentials(
  service: ServiceProcess,
  directory: string,
): Promise<{ api_url: string; api_key: string }> {
  const giveUpAt = performance.now() + 20_000;
  for (;;) {
    const text = await readFile(join(directory, '.cufflink/dev-credentials.json'), 'utf8').catch(() => '');
    if (text.endsWith('}\n')) {
      return JSON.parse(text) as { api_url: string; api_key: string };
    }
    if (service.child.exitCode !== null || performance.now() > giveUpAt) {
      throw new Error(`The process wrote no credentials:\n${service.output()}`);
    }
    await sleep(20);
  }
}
