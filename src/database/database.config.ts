import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';
import { knownSecrets } from '../redaction/known-secrets.js';

const schema = z.object({
  DATABASE_URL: z.url({
    protocol: /^postgres(ql)?$/,
    error: 'must be set to a URL such as postgres://user@host:5432/cufflink.',
  }),
  DATABASE_POOL_SIZE: z.coerce.number('must be a number.').int().min(1).max(500).default(10),
  NODE_ENV: z.string().default('development'),
});

/** Reads how to reach PostgreSQL. */
export function readDatabaseConfig(environment: Environment): {
  url: string;
  poolSize: number;
  migrateOnBoot: boolean;
} {
  const values = readEnvironment(schema, environment);
  // PostgreSQL's errors do not tell it; whoever logs the URL would.
  knownSecrets.addSetting(new URL(values.DATABASE_URL).password);
  knownSecrets.addSetting(decodeURIComponent(new URL(values.DATABASE_URL).password));
  return {
    url: values.DATABASE_URL,
    poolSize: values.DATABASE_POOL_SIZE,
    migrateOnBoot: values.NODE_ENV !== 'production',
  };
}

export const databaseConfig = registerAs('database', () => readDatabaseConfig(process.env));
export type DatabaseConfig = ConfigType<typeof databaseConfig>;
