import { randomBytes } from 'node:crypto';
import { startChild } from './child.ts';
import { run, type BenchServer } from './server.ts';
import { usualTokenLength } from './token-set.ts';

/** The provider that is measured; its endpoints are moved to the fake provider of the benchmark. Any other would do. */
export const provider = 'strava';
/** Connections to PostgreSQL that each side has; the service's default. */
export const poolSize = 10;

/** Token sets that are sealed for their rows. A larger table has copies of them in between, which nobody can open. */
const mostSealed = 1_000_000;

/** One database with connections in it, and what a process needs to use it. */
export interface Deployment {
  readonly databaseUrl: string;
  /** Connections, of users `user-0` on. */
  readonly connections: number;
  /** The distance between two users with a token set that opens, counted from `user-0`. */
  readonly step: number;
  /** A key with all scopes. */
  readonly apiKey: string;
  /** Environment of the service's processes. */
  readonly environment: Readonly<Record<string, string>>;
  /** Environment of the reference's processes. */
  readonly referenceEnvironment: Readonly<Record<string, string>>;
}

/**
 * Makes a database with connections. The vault of the service seals its own. The reference uses AES-256-GCM with one
 * key. Both have a token set of about a kilobyte.
 *
 * @param providerUrl - where the provider's token endpoint is
 * @param tokenLength - characters of an access token
 */
export async function createDeployment(
  server: BenchServer,
  connections: number,
  providerUrl = 'https://provider.invalid',
  tokenLength = usualTokenLength,
): Promise<Deployment> {
  const databaseUrl = await server.createDatabase();
  const environment = {
    NODE_ENV: 'test',
    LOG_LEVEL: 'warn',
    LOG_FORMAT: 'json',
    // Counted, and never reached: all calls come from one address.
    RATE_LIMIT_ADDRESS_PER_MINUTE: '10000000',
    RATE_LIMIT_CALLER_PER_MINUTE: '10000000',
    // Sealed values are bound to it; the processes of one deployment differ in NODE_ENV.
    ENVIRONMENT_NAME: 'bench',
    PUBLIC_URL: 'https://bench.invalid',
    REFRESH_SCHEDULER: 'off',
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_SIZE: String(poolSize),
    ENCRYPTION_ROOT_KEY: randomBytes(32).toString('base64'),
    STRAVA_CLIENT_ID: 'bench',
    STRAVA_CLIENT_SECRET: 'not-a-real-secret',
    STRAVA_TOKEN_URL: `${providerUrl}/token`,
  };
  const referenceEnvironment = {
    DATABASE_URL: databaseUrl,
    POOL_SIZE: String(poolSize),
    KEY: randomBytes(32).toString('base64'),
    TOKEN_URL: `${providerUrl}/token`,
  };
  const seeder = startChild('processes/seeder.ts', { ...environment, REFERENCE_KEY: referenceEnvironment.KEY });
  try {
    const startedAt = performance.now();
    const step = Math.max(1, Math.floor(connections / mostSealed));
    const { apiKey } = await seeder.call<{ apiKey: string }>({ connections, step, tokenLength });
    await run(databaseUrl, 'VACUUM ANALYZE');
    await run(databaseUrl, 'CHECKPOINT');
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    process.stdout.write(`Seeded ${connections.toLocaleString('en-US')} connections in ${seconds} s.\n`);
    return { databaseUrl, connections, step, apiKey, environment, referenceEnvironment };
  } finally {
    await seeder.stop();
  }
}
