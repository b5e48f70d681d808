import { registerAs, type ConfigType } from '@nestjs/config';
import { z } from 'zod';
import { readEnvironment, type Environment } from '../config/read-environment.js';
import type { KeepingLimits } from './refresh/kept-entries.js';
import type { CircuitPolicy } from './circuit-breaker/circuit-state.js';

const seconds = (fallback: number) =>
  z.coerce.number('must be a number of seconds.').int().min(0).max(86_400).default(fallback);

const positive = (fallback: number) => z.coerce.number('must be a number.').int().min(1).max(86_400).default(fallback);

/** First pause of the circuit breaker after an outage, in milliseconds. */
const breakerPauseMs = 5_000;
/** Wrong credentials are not fixed within seconds, and every attempt counts against us at the provider. */
const misconfiguredPauseMs = 60_000;

const schema = z.object({
  ACCOUNT_SHARING: z.enum(['deny', 'allow'], 'must be deny or allow.').default('deny'),
  TOKEN_REFRESH_MARGIN_SECONDS: seconds(300),
  TOKEN_ASSUMED_LIFETIME_SECONDS: positive(3_600),
  REFRESH_IN_DOUBT_HOLD_SECONDS: seconds(120),
  REFRESH_CONFIRMATION_SECONDS: seconds(4_500),
  REFRESH_UNREACHABLE_DAYS: z.coerce.number('must be a number of days.').min(1).max(365).default(7),
  REFRESH_JOURNAL_DIRECTORY: z.string().optional(),
  REFRESH_JOURNAL_KEEP_SECONDS: z.coerce
    .number('must be a number of seconds.')
    .int()
    .min(0)
    .max(2_592_000)
    .default(3_600),
  REFRESH_JOURNAL_KEEP_MEGABYTES: z.coerce
    .number('must be a number of megabytes.')
    .int()
    .min(1)
    .max(1_000_000)
    .default(1_024),
  PROVIDER_BREAKER_FAILURES: positive(10),
  PROVIDER_BREAKER_MAX_SECONDS: positive(300),
  PROVIDER_RETRY_AFTER_MAX_SECONDS: positive(3_600),
  PROVIDER_SPIKE_PERCENT: z.coerce.number('must be a number.').min(0).max(100).default(5),
  PROVIDER_SPIKE_MINIMUM: positive(5),
  PROVIDER_SPIKE_WINDOW_SECONDS: positive(600),
  PROVIDER_CONCURRENCY: positive(32),
  REVOCATION_GIVE_UP_HOURS: z.coerce.number('must be a number of hours.').min(0).max(8_760).default(72),
  RETENTION_DEAD_CONNECTION_DAYS: z.coerce.number('must be a number of days.').min(0).max(3_650).default(30),
  REFRESH_SCHEDULER: z.enum(['api', 'off'], 'must be api or off.').default('api'),
  REFRESH_RATE_PER_SECOND: z.coerce.number('must be a number.').int().min(1).max(100_000).default(100),
});

/** Reads the settings of stored tokens and their refreshes. */
export function readTokensConfig(environment: Environment): {
  /** Whether several users may connect the same account at a provider. */
  accountSharing: boolean;
  /** An access token with less life left than this is refreshed, in milliseconds. */
  refreshMarginMs: number;
  /** After how long a token of unknown lifetime is refreshed, in milliseconds. */
  assumedLifetimeMs: number;
  /** How long a refresh with an unknown outcome keeps others from spending the same refresh token, in milliseconds. */
  inDoubtHoldMs: number;
  /** How long after a first refusal of the refresh token a second one ends the connection, in milliseconds. */
  confirmationMs: number;
  /** How long every refresh must fail, and the access token be expired, to end a connection; in milliseconds. */
  unreachableMs: number;
  /** Where refreshed tokens are kept until they are committed; `undefined` keeps none. */
  journalDirectory: string | undefined;
  /** How long the journal keeps committed entries, in milliseconds, and how much of them, in bytes. */
  journalKeeping: KeepingLimits;
  /** How long revoking a grant at its provider is retried, in milliseconds. */
  revocationGiveUpMs: number;
  /** How long the tokens of a connection are kept after its grant has died, in milliseconds. */
  deadTokensKeptMs: number;
  /** Whether the process that serves the API also refreshes what is due. */
  schedulerInApi: boolean;
  /** How many refreshes a second the scheduler of this process begins at one provider. */
  refreshRatePerSecond: number;
  /** Concurrency limit: how many refreshes of this process run at one provider at the same time. */
  providerConcurrency: number;
  /** When the circuit breaker of a provider opens. */
  circuit: CircuitPolicy;
} {
  const values = readEnvironment(schema, environment);
  return {
    accountSharing: values.ACCOUNT_SHARING === 'allow',
    refreshMarginMs: values.TOKEN_REFRESH_MARGIN_SECONDS * 1_000,
    assumedLifetimeMs: values.TOKEN_ASSUMED_LIFETIME_SECONDS * 1_000,
    inDoubtHoldMs: values.REFRESH_IN_DOUBT_HOLD_SECONDS * 1_000,
    confirmationMs: values.REFRESH_CONFIRMATION_SECONDS * 1_000,
    unreachableMs: values.REFRESH_UNREACHABLE_DAYS * 86_400_000,
    journalDirectory: values.REFRESH_JOURNAL_DIRECTORY,
    journalKeeping: {
      keepMs: values.REFRESH_JOURNAL_KEEP_SECONDS * 1_000,
      maxBytes: values.REFRESH_JOURNAL_KEEP_MEGABYTES * 1024 * 1024,
    },
    revocationGiveUpMs: values.REVOCATION_GIVE_UP_HOURS * 3_600_000,
    deadTokensKeptMs: values.RETENTION_DEAD_CONNECTION_DAYS * 86_400_000,
    schedulerInApi: values.REFRESH_SCHEDULER === 'api',
    refreshRatePerSecond: values.REFRESH_RATE_PER_SECOND,
    providerConcurrency: values.PROVIDER_CONCURRENCY,
    circuit: {
      breakerFailures: values.PROVIDER_BREAKER_FAILURES,
      breakerPauseMs,
      breakerMaxPauseMs: values.PROVIDER_BREAKER_MAX_SECONDS * 1_000,
      maxRetryAfterMs: values.PROVIDER_RETRY_AFTER_MAX_SECONDS * 1_000,
      misconfiguredPauseMs,
      spikePercent: values.PROVIDER_SPIKE_PERCENT,
      spikeMinimum: values.PROVIDER_SPIKE_MINIMUM,
      spikeWindowMs: values.PROVIDER_SPIKE_WINDOW_SECONDS * 1_000,
    },
  };
}

export const tokensConfig = registerAs('tokens', () => readTokensConfig(process.env));
export type TokensConfig = ConfigType<typeof tokensConfig>;
