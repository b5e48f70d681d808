import type { ErrorCode } from '../errors/error-code.js';

/** Why no refresh goes to a provider: what the refreshes that closed its gate ended in. */
export type GateReason = Extract<
  ErrorCode,
  'PROVIDER_RATE_LIMITED' | 'PROVIDER_MISCONFIGURED' | 'PROVIDER_UNAVAILABLE' | 'TOKEN_REVOKED'
>;

/** What all replicas know about one registration at a provider. */
export interface ProviderGate {
  /** `null` while the gate is open. Once it has passed, one refresh at a time tries whether the gate can be opened. */
  readonly closedUntil: Date | null;
  readonly reason: GateReason | null;
  /** Until when somebody is trying. */
  readonly probeUntil: Date | null;
  /** Times in a row that the gate was closed. */
  readonly closings: number;
  /** Connections in a row whose refresh failed for the provider's sake. */
  readonly streak: number;
  readonly windowStartedAt: Date;
  /** Decisions of the provider in the window, yes or no. */
  readonly answers: number;
  /** Connections whose grant the provider called dead in the window. */
  readonly suspects: number;
  /** What the provider said against grants before this does not count. */
  readonly suspectsForgottenAt: Date | null;
}

/** When the gate of a provider closes, and for how long. Durations in milliseconds. */
export interface GatePolicy {
  /** Connections in a row that have to fail. */
  readonly breakerFailures: number;
  /** The first pause; it doubles with every probe that fails. */
  readonly breakerPauseMs: number;
  readonly breakerMaxPauseMs: number;
  /** A longer `Retry-After` is cut to this: then one refresh looks again. */
  readonly maxRetryAfterMs: number;
  /** How long our credentials are not tried again. */
  readonly misconfiguredPauseMs: number;
  /** Share of the provider's decisions that may be against the grant, in percent ... */
  readonly spikePercent: number;
  /** ... and how many connections that has to be at least ... */
  readonly spikeMinimum: number;
  /** ... within which time. */
  readonly spikeWindowMs: number;
}

/** What became of one refresh, as far as it says something about the provider. */
export type RefreshOutcome =
  /** The provider answered as it should, so often. */
  | { readonly kind: 'answered'; readonly count: number }
  /** It called the grant dead. `since` is when it first did so for this connection. */
  | { readonly kind: 'suspect'; readonly since: Date | null }
  /** It asked to wait; `retryAfterMs` where it said how long. */
  | { readonly kind: 'told-to-wait'; readonly reason: GateReason; readonly retryAfterMs: number | undefined }
  /** It does not accept our credentials. */
  | { readonly kind: 'client-refused' }
  /** It failed. `isFirst` where the attempt before on this connection had not. */
  | { readonly kind: 'failed'; readonly isFirst: boolean }
  /** It never saw the request, which may be the fault of this replica alone. */
  | { readonly kind: 'not-tried' };

/** The state of a gate where nothing has happened yet. */
export function openGate(now: Date): ProviderGate {
  return {
    closedUntil: null,
    reason: null,
    probeUntil: null,
    closings: 0,
    streak: 0,
    windowStartedAt: now,
    answers: 0,
    suspects: 0,
    suspectsForgottenAt: null,
  };
}

/**
 * Returns the gate after a refresh. Pure: the caller supplies clock and randomness.
 *
 * Failures are counted by connection, so that a single one that always fails closes the provider to nobody. A refusal of our
 * credentials and a wish to wait close the gate at once. Once closed, only the outcome of the probe opens it.
 *
 * @param gate - before
 * @param outcome - of the refresh
 * @param isProbe - whether the refresh was the one that tried a closed gate
 * @param policy - when it closes
 * @param now - the database's clock
 * @param random - a number in [0, 1); spreads the pauses
 */
export function afterRefresh(
  gate: ProviderGate,
  outcome: RefreshOutcome,
  isProbe: boolean,
  policy: GatePolicy,
  now: Date,
  random: number,
): ProviderGate {
  const seen = inWindow(gate, policy.spikeWindowMs, now);
  const close = (reason: GateReason, pauseMs: number): ProviderGate => {
    const closedUntil = new Date(Math.max(now.getTime() + pauseMs, seen.closedUntil?.getTime() ?? 0));
    // Refreshes that were under way when the gate closed say nothing new.
    const closings = seen.closedUntil === null || isProbe ? seen.closings + 1 : seen.closings;
    return { ...seen, closedUntil, reason, closings, streak: 0, probeUntil: isProbe ? null : seen.probeUntil };
  };
  const growingMs = Math.min(policy.breakerMaxPauseMs, policy.breakerPauseMs * 2 ** seen.closings) * (0.5 + random / 2);
  switch (outcome.kind) {
    case 'answered':
      return isProbe ? reopened(seen, now) : { ...seen, streak: 0, answers: seen.answers + outcome.count };
    case 'suspect': {
      const isNew = outcome.since === null || outcome.since <= (seen.suspectsForgottenAt ?? new Date(0));
      const counted = { answers: seen.answers + 1, suspects: seen.suspects + (isNew ? 1 : 0) };
      const goesOn = isProbe && seen.reason === 'TOKEN_REVOKED';
      if (goesOn || isSpike(counted, policy)) {
        // Stored to the millisecond: what was written a moment ago must be forgotten as well.
        const suspectsForgottenAt = new Date(now.getTime() + 1);
        return { ...close('TOKEN_REVOKED', growingMs), ...counted, suspectsForgottenAt };
      }
      return isProbe ? { ...reopened(seen, now), ...counted } : { ...seen, ...counted, streak: 0 };
    }
    case 'told-to-wait':
      return close(outcome.reason, Math.min(outcome.retryAfterMs ?? growingMs, policy.maxRetryAfterMs));
    case 'client-refused':
      return close('PROVIDER_MISCONFIGURED', policy.misconfiguredPauseMs);
    case 'failed': {
      const streak = seen.streak + (outcome.isFirst ? 1 : 0);
      return isProbe || streak >= policy.breakerFailures
        ? close('PROVIDER_UNAVAILABLE', growingMs)
        : { ...seen, streak };
    }
    case 'not-tried':
      return isProbe ? { ...seen, probeUntil: null } : seen;
  }
}

/** Whether refusals are so many that they say more about the provider than about its users. */
export function isSpike({ answers, suspects }: { answers: number; suspects: number }, policy: GatePolicy): boolean {
  return suspects >= policy.spikeMinimum && suspects * 100 > answers * policy.spikePercent;
}

function reopened(gate: ProviderGate, now: Date): ProviderGate {
  return { ...openGate(now), suspectsForgottenAt: gate.suspectsForgottenAt };
}

/** What lies a window back counts half, what lies two back not at all. */
function inWindow(gate: ProviderGate, windowMs: number, now: Date): ProviderGate {
  const ageMs = now.getTime() - gate.windowStartedAt.getTime();
  if (ageMs < windowMs) {
    return gate;
  }
  const share = ageMs < 2 * windowMs ? 0.5 : 0;
  return { ...gate, windowStartedAt: now, answers: gate.answers * share, suspects: gate.suspects * share };
}
