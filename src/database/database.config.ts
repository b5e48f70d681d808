import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';
import { knownSecrets } from '../redaction/known-secrets.js';

const schema = z.object({
  DATABASE_URL: z.url({
    protocol: /^postgres(ql)?$/,
    error: 'must be set to a URL such as postgres://user@host:5432/cufflink.',
  }),
  DATABASE_READ_URL: z
    .url({
      protocol: /^postgres(ql)?$/,
      error: 'must be a URL such as postgres://reader@standby:5432/cufflink.',
    })
    .optional(),
  DATABASE_READ_MAX_AGE_SECONDS: z.coerce.number('must be a number of seconds.').int().min(1).max(3_600).default(60),
  DATABASE_POOL_SIZE: z.coerce.number('must be a number.').int().min(1).max(500).default(10),
  NODE_ENV: z.string().default('development'),
  PGSSLMODE: z.string().optional(),
});

/** Reads how to reach PostgreSQL. */
export function readDatabaseConfig(environment: Environment): {
  url: string;
  poolSize: number;
  /** A replica for pages that may be some seconds old; `undefined` when there is none. */
  readUrl: string | undefined;
  /** A replica whose data is older is not used, in milliseconds. */
  readMaxAgeMs: number;
  migrateOnBoot: boolean;
  /** Whether others can read rows and the password on the network. */
  remoteWithoutTls: boolean;
} {
  const values = readEnvironment(schema, environment, ['DATABASE_URL', 'DATABASE_READ_URL']);
  const urls = [values.DATABASE_URL, values.DATABASE_READ_URL].flatMap((text) =>
    text === undefined ? [] : [new URL(text)],
  );
  for (const { password } of urls) {
    // PostgreSQL's errors do not contain it; a logged URL would.
    knownSecrets.addSetting(password);
    knownSecrets.addSetting(decodeURIComponent(password));
  }
  return {
    url: values.DATABASE_URL,
    poolSize: values.DATABASE_POOL_SIZE,
    readUrl: values.DATABASE_READ_URL,
    readMaxAgeMs: values.DATABASE_READ_MAX_AGE_SECONDS * 1_000,
    migrateOnBoot: values.NODE_ENV !== 'production',
    remoteWithoutTls: urls.some((url) => !isOnThisMachine(url) && !asksForTls(url, values.PGSSLMODE)),
  };
}

function isOnThisMachine({ hostname, searchParams }: URL): boolean {
  const host = searchParams.get('host') ?? hostname;
  return host === '' || host.startsWith('/') || /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/.test(host);
}

/** Whether URL or environment ask `pg` for TLS, so that it does not fall back to plain text. */
function asksForTls({ searchParams }: URL, byEnvironment: string | undefined): boolean {
  const mode = searchParams.get('sslmode') ?? byEnvironment;
  return (
    ['true', '1'].includes(searchParams.get('ssl') ?? '') ||
    ['prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'].includes(mode ?? '')
  );
}

export const databaseConfig = registerAs('database', () => readDatabaseConfig(process.env));
export type DatabaseConfig = ConfigType<typeof databaseConfig>;
