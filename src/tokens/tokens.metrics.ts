import { Counter, Gauge, Histogram } from 'prom-client';

/** Refreshes by provider and outcome: `refreshed`, `superseded`, or the code of the error. */
export const refreshes = new Counter({
  name: 'cufflink_refreshes_total',
  help: 'Refreshes by provider and outcome',
  labelNames: ['provider', 'outcome'] as const,
});

/** Connections that need a new link, by provider and reason: those of `connection-state.ts`. */
export const endings = new Counter({
  name: 'cufflink_connection_endings_total',
  help: 'Connections that ended, by provider and reason',
  labelNames: ['provider', 'reason'] as const,
});

/**
 * Active connections at a provider that has announced its end. Counted once a minute by each process that does
 * background work.
 */
export const retiringConnections = new Gauge({
  name: 'cufflink_retiring_connections',
  help: 'Active connections at providers that will shut down, by provider',
  labelNames: ['provider'] as const,
});

/**
 * Tokens returned to or used for a caller, by provider and origin: `fresh`, `refreshed`, or `stale` when a refresh
 * failed but the token still works.
 */
export const issuedTokens = new Counter({
  name: 'cufflink_token_hand_outs_total',
  help: 'Tokens returned to or used for a caller, by provider and origin',
  labelNames: ['provider', 'how'] as const,
});

/** 1 while refreshes are paused because the circuit breaker is open, as this process last saw it. */
export const circuitsOpen = new Gauge({
  name: 'cufflink_circuit_breaker_open',
  help: 'Whether refreshes are paused (circuit breaker open), by client registration',
  labelNames: ['registration'] as const,
});

/** Times that the circuit breaker opened, by the error code that opened it; `TOKEN_REVOKED` is a spike of refusals. */
export const circuitOpenings = new Counter({
  name: 'cufflink_circuit_breaker_openings_total',
  help: 'Times that refreshes were paused (circuit breaker opened), by client registration and reason',
  labelNames: ['registration', 'reason'] as const,
});

/** Reports that a provider rejected a token: `refreshed`, `replaced` already, or `kept` because no refresh may help. */
export const rejections = new Counter({
  name: 'cufflink_token_rejections_total',
  help: 'Reports by callers that a provider rejected a token, by provider and outcome',
  labelNames: ['provider', 'outcome'] as const,
});

/**
 * Revocations, by provider and outcome of the attempt: `revoked`, `unsupported`, `superseded` by a new link,
 * `postponed`, or `given_up`. After `given_up` only the user can revoke the grant.
 */
export const revocations = new Counter({
  name: 'cufflink_revocations_total',
  help: 'Attempts to revoke a grant, by provider and outcome',
  labelNames: ['provider', 'outcome'] as const,
});

/** Account lookups after a link: `known`, `taken` by another user, `refused`, or `postponed`. */
export const accountLookups = new Counter({
  name: 'cufflink_account_lookups_total',
  help: 'Account lookups after a link, by provider and outcome',
  labelNames: ['provider', 'outcome'] as const,
});

/** Refreshed token sets that were used without an entry in the journal, because it could not be written. */
export const journalFailures = new Counter({
  name: 'cufflink_refresh_journal_failures_total',
  help: 'Refreshed token sets that could not be written to the journal',
});

/** Token sets from the journal that were newer than the rows of their connections: the database had lost them. */
export const journalRestored = new Counter({
  name: 'cufflink_refresh_journal_restored_total',
  help: 'Token sets that the database had lost, restored from the journal',
});

/** Connections whose stored tokens could not be decrypted for a refresh; more than 0 needs an operator. */
export const unreadable = new Counter({
  name: 'cufflink_refresh_unreadable_total',
  help: 'Refreshes abandoned because the stored tokens cannot be decrypted, by provider',
  labelNames: ['provider'] as const,
});

/** Connections waiting for the scheduler, at most 10,000 of a provider, as it last saw them. */
export const dueConnections = new Gauge({
  name: 'cufflink_refresh_due_connections',
  help: 'Connections that are due for a refresh, by provider',
  labelNames: ['provider'] as const,
});

/** How long the most overdue connection has been due. */
export const oldestOverdueSeconds = new Gauge({
  name: 'cufflink_refresh_oldest_overdue_seconds',
  help: 'Seconds since the most overdue connection became due, by provider',
  labelNames: ['provider'] as const,
});

/** Connections whose refreshes the operator has stopped. */
export const frozenConnections = new Gauge({
  name: 'cufflink_frozen_connections',
  help: 'Connections that are frozen, by provider: their tokens are not refreshed',
  labelNames: ['provider'] as const,
});

/** Connections leased by one statement of the scheduler. */
export const sweepBatchSize = new Histogram({
  name: 'cufflink_refresh_batch_size',
  help: 'Due connections leased by one statement',
  buckets: [0, 1, 5, 20, 50, 100, 200],
});

/** Successful refreshes, from the lease to the commit of the new tokens. */
export const refreshSeconds = new Histogram({
  name: 'cufflink_refresh_seconds',
  help: 'Duration of successful refreshes by provider, from the lease to the commit',
  labelNames: ['provider'] as const,
  buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60, 120],
});
