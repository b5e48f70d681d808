import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';

const perMinute = z.coerce.number('must be a number; 0 means no limit.').int().min(0).max(10_000_000);

const schema = z.object({
  RATE_LIMIT_ADDRESS_PER_MINUTE: perMinute.default(600),
  RATE_LIMIT_HOOK_PER_MINUTE: perMinute.default(12_000),
  RATE_LIMIT_CALLER_PER_MINUTE: perMinute.default(60_000),
  RATE_LIMIT_USER_TOKEN_PER_MINUTE: perMinute.default(600),
  RATE_LIMIT_USER_PER_MINUTE: perMinute.default(120),
  RATE_LIMIT_STORAGE: z.enum(['memory', 'postgres'], 'must be memory or postgres.').default('memory'),
});

/** Reads the rate limits. 0 means no limit. */
export function readRateLimitsConfig(environment: Environment): {
  /** Calls in a minute from one address to routes open to anyone, and as many again without known credentials. */
  address: number;
  /** Notifications in a minute from one address. */
  hook: number;
  /** Calls in a minute with one API key. */
  caller: number;
  /** Calls in a minute of one user, with all tokens together. */
  userToken: number;
  /** Changes in a minute that concern one user, by all callers together. */
  user: number;
  /** `memory` counts in each process, `postgres` across them. */
  storage: 'memory' | 'postgres';
} {
  const values = readEnvironment(schema, environment);
  return {
    address: values.RATE_LIMIT_ADDRESS_PER_MINUTE,
    hook: values.RATE_LIMIT_HOOK_PER_MINUTE,
    caller: values.RATE_LIMIT_CALLER_PER_MINUTE,
    userToken: values.RATE_LIMIT_USER_TOKEN_PER_MINUTE,
    user: values.RATE_LIMIT_USER_PER_MINUTE,
    storage: values.RATE_LIMIT_STORAGE,
  };
}

export const rateLimitsConfig = registerAs('rate-limits', () => readRateLimitsConfig(process.env));
export type RateLimitsConfig = ConfigType<typeof rateLimitsConfig>;
