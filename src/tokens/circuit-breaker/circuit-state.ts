import type { ErrorCode } from '../../errors/error-code.js';

/** Why the circuit breaker is open: the error that tripped it. */
export type CircuitReason = Extract<
  ErrorCode,
  'PROVIDER_RATE_LIMITED' | 'PROVIDER_MISCONFIGURED' | 'PROVIDER_UNAVAILABLE' | 'TOKEN_REVOKED'
>;

/** The circuit breaker of one registration at a provider, shared by all replicas. */
export interface CircuitState {
  /**
   * `null` while the circuit breaker is closed, its normal state. Otherwise refreshes are paused until this instant.
   * After it the breaker is half-open: one refresh at a time is the trial.
   */
  readonly openUntil: Date | null;
  readonly reason: CircuitReason | null;
  /** Until when a half-open trial runs. */
  readonly trialUntil: Date | null;
  /** How many times in a row the circuit breaker opened. */
  readonly openings: number;
  /** Consecutive connections that failed because of the provider. */
  readonly streak: number;
  readonly windowStartedAt: Date;
  /** Decisions of the provider in the window, for or against a grant. */
  readonly decisions: number;
  /** Connections whose grant the provider called dead in the window. */
  readonly suspects: number;
  /** Refusals before this instant do not count. */
  readonly suspectsForgottenAt: Date | null;
}

/** When the circuit breaker opens, and for how long. Durations in milliseconds. */
export interface CircuitPolicy {
  /** Consecutive connections that must fail. */
  readonly breakerFailures: number;
  /** The first pause. It doubles with every failed trial. */
  readonly breakerPauseMs: number;
  readonly breakerMaxPauseMs: number;
  /** Upper limit for `Retry-After`. After it, one refresh is the trial. */
  readonly maxRetryAfterMs: number;
  /** How long rejected credentials are not tried again. */
  readonly misconfiguredPauseMs: number;
  /** The share of the provider's decisions that may be refusals, in percent ... */
  readonly spikePercent: number;
  /** ... the least number of refused connections ... */
  readonly spikeMinimum: number;
  /** ... and the time window for both. */
  readonly spikeWindowMs: number;
}

/** The outcome of a refresh, as evidence about the provider. */
export type CircuitEvidence =
  /** The provider responded as expected, `count` times. */
  | { readonly kind: 'responded'; readonly count: number }
  /** The provider refused the grant. `since` is its first refusal of this connection. */
  | { readonly kind: 'suspect'; readonly since: Date | null }
  /** The provider asked to wait; `retryAfterMs` if it said how long. */
  | { readonly kind: 'told-to-wait'; readonly reason: CircuitReason; readonly retryAfterMs: number | undefined }
  /** The provider rejected our credentials. */
  | { readonly kind: 'client-refused' }
  /** The refresh failed. `isFirst` if the connection's attempt before had not failed. */
  | { readonly kind: 'failed'; readonly isFirst: boolean }
  /** The provider never got the request, which may be the fault of this replica alone. */
  | { readonly kind: 'not-tried' };

/** The initial state of a circuit breaker. */
export function closedCircuit(now: Date): CircuitState {
  return {
    openUntil: null,
    reason: null,
    trialUntil: null,
    openings: 0,
    streak: 0,
    windowStartedAt: now,
    decisions: 0,
    suspects: 0,
    suspectsForgottenAt: null,
  };
}

/**
 * Returns the circuit breaker after a refresh. Pure: the caller supplies clock and randomness.
 *
 * Failures are counted by connection, so a single connection that always fails never opens the breaker. Rejected
 * credentials and a request to wait open it at once. Once open, only the outcome of the trial closes it.
 *
 * @param circuit - the circuit breaker before
 * @param outcome - of the refresh
 * @param isTrial - whether the refresh was the half-open trial
 * @param policy - when the breaker opens
 * @param now - the database's clock
 * @param random - a number in [0, 1); spreads the pauses
 */
export function afterRefresh(
  circuit: CircuitState,
  outcome: CircuitEvidence,
  isTrial: boolean,
  policy: CircuitPolicy,
  now: Date,
  random: number,
): CircuitState {
  const seen = inWindow(circuit, policy.spikeWindowMs, now);
  const open = (reason: CircuitReason, pauseMs: number): CircuitState => {
    const openUntil = new Date(Math.max(now.getTime() + pauseMs, seen.openUntil?.getTime() ?? 0));
    // Refreshes that were under way when the circuit breaker opened say nothing new.
    const openings = seen.openUntil === null || isTrial ? seen.openings + 1 : seen.openings;
    return { ...seen, openUntil, reason, openings, streak: 0, trialUntil: isTrial ? null : seen.trialUntil };
  };
  const growingMs = Math.min(policy.breakerMaxPauseMs, policy.breakerPauseMs * 2 ** seen.openings) * (0.5 + random / 2);
  switch (outcome.kind) {
    case 'responded':
      return isTrial ? closedAgain(seen, now) : { ...seen, streak: 0, decisions: seen.decisions + outcome.count };
    case 'suspect': {
      const isNew = outcome.since === null || outcome.since <= (seen.suspectsForgottenAt ?? new Date(0));
      const counted = { decisions: seen.decisions + 1, suspects: seen.suspects + (isNew ? 1 : 0) };
      const goesOn = isTrial && seen.reason === 'TOKEN_REVOKED';
      if (goesOn || isSpike(counted, policy)) {
        // Stored to the millisecond: a refusal from a moment ago must be forgotten as well.
        const suspectsForgottenAt = new Date(now.getTime() + 1);
        return { ...open('TOKEN_REVOKED', growingMs), ...counted, suspectsForgottenAt };
      }
      return isTrial ? { ...closedAgain(seen, now), ...counted } : { ...seen, ...counted, streak: 0 };
    }
    case 'told-to-wait':
      return open(outcome.reason, Math.min(outcome.retryAfterMs ?? growingMs, policy.maxRetryAfterMs));
    case 'client-refused':
      return open('PROVIDER_MISCONFIGURED', policy.misconfiguredPauseMs);
    case 'failed': {
      const streak = seen.streak + (outcome.isFirst ? 1 : 0);
      return isTrial || streak >= policy.breakerFailures
        ? open('PROVIDER_UNAVAILABLE', growingMs)
        : { ...seen, streak };
    }
    case 'not-tried':
      return isTrial ? { ...seen, trialUntil: null } : seen;
  }
}

/** Whether the refusals are too many to be about single users. */
export function isSpike(
  { decisions, suspects }: { decisions: number; suspects: number },
  policy: CircuitPolicy,
): boolean {
  return suspects >= policy.spikeMinimum && suspects * 100 > decisions * policy.spikePercent;
}

function closedAgain(circuit: CircuitState, now: Date): CircuitState {
  return { ...closedCircuit(now), suspectsForgottenAt: circuit.suspectsForgottenAt };
}

/** Refusals and decisions of the previous window count half, older ones not at all. */
function inWindow(circuit: CircuitState, windowMs: number, now: Date): CircuitState {
  const ageMs = now.getTime() - circuit.windowStartedAt.getTime();
  if (ageMs < windowMs) {
    return circuit;
  }
  const share = ageMs < 2 * windowMs ? 0.5 : 0;
  return { ...circuit, windowStartedAt: now, decisions: circuit.decisions * share, suspects: circuit.suspects * share };
}
