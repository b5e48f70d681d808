import { describe, expect, it } from '@jest/globals';
import {
  afterRefresh,
  openGate,
  type CircuitPolicy,
  type CircuitState,
  type CircuitEvidence,
} from './circuit-state.js';

const start = new Date('2026-11-22T10:00:00Z');
const policy: CircuitPolicy = {
  breakerFailures: 3,
  breakerPauseMs: 5_000,
  breakerMaxPauseMs: 60_000,
  maxRetryAfterMs: 3_600_000,
  misconfiguredPauseMs: 60_000,
  spikePercent: 10,
  spikeMinimum: 2,
  spikeWindowMs: 600_000,
};
const failed: CircuitEvidence = { kind: 'failed', isFirst: true };
const suspect: CircuitEvidence = { kind: 'suspect', since: null };
const answered = (count: number): CircuitEvidence => ({ kind: 'answered', count });

/** The gate after some refreshes that were no probes. */
function after(...outcomes: CircuitEvidence[]): CircuitState {
  return outcomes.reduce((gate, outcome) => step(gate, outcome), openGate(start));
}

function step(gate: CircuitState, outcome: CircuitEvidence, atMs = 0, isProbe = false): CircuitState {
  return afterRefresh(gate, outcome, isProbe, policy, new Date(start.getTime() + atMs), 1);
}

/** How long a gate stays closed from the start, or `undefined` when it is open. */
function closedForMs(gate: CircuitState): number | undefined {
  return gate.closedUntil === null ? undefined : gate.closedUntil.getTime() - start.getTime();
}

describe('afterRefresh', () => {
  it('R-09 closes after so many connections in a row, counting each connection once', () => {
    const again: CircuitEvidence = { kind: 'failed', isFirst: false };
    expect(closedForMs(after(failed, failed, again, again, again))).toBeUndefined();
    expect(closedForMs(after(failed, failed, answered(1), failed))).toBeUndefined();
    expect(closedForMs(after(failed, failed, suspect, failed))).toBeUndefined();
    expect(after(failed, failed, failed)).toMatchObject({ reason: 'PROVIDER_UNAVAILABLE', closings: 1 });
  });

  it('R-09 waits twice as long after each probe that fails, up to a limit, and spreads the pauses', () => {
    let gate = after(failed, failed, failed);
    const pauses = [closedForMs(gate)];
    for (let probe = 0; probe < 5; probe += 1) {
      const nowMs = closedForMs(gate) ?? 0;
      gate = step(gate, { kind: 'failed', isFirst: false }, nowMs, true);
      pauses.push((closedForMs(gate) ?? 0) - nowMs);
    }
    expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    const least = afterRefresh(after(failed, failed), failed, false, policy, start, 0);
    expect(closedForMs(least)).toBe(2_500);
  });

  it('does not count refreshes that were under way when it closed', () => {
    const gate = after(failed, failed, failed, failed, failed, failed, failed);
    expect(gate.closings).toBe(1);
    expect(step(gate, answered(1)).closedUntil).not.toBeNull();
  });

  it('opens by a probe that is answered, and starts afresh', () => {
    const closed = after(failed, failed, failed);
    expect(step(closed, answered(1), 9_000, true)).toEqual(openGate(new Date(start.getTime() + 9_000)));
    expect(step(closed, suspect, 9_000, true)).toMatchObject({ closedUntil: null, closings: 0 });
    expect(step({ ...closed, probeUntil: start }, { kind: 'not-tried' }, 9_000, true)).toEqual({
      ...closed,
      probeUntil: null,
    });
  });

  it.each([
    ['so long', 120_000, 120_000],
    ['absurdly long', 86_400_000, 3_600_000],
    ['without a word', undefined, 5_000],
  ])('R-10 waits as it was told to, %s', (_, retryAfterMs, expected) => {
    const gate = after({ kind: 'told-to-wait', reason: 'PROVIDER_RATE_LIMITED', retryAfterMs });
    expect(closedForMs(gate)).toBe(expected);
    expect(gate.reason).toBe('PROVIDER_RATE_LIMITED');
  });

  it('R-10 never opens earlier because another refresh was told a shorter time', () => {
    const wait = (retryAfterMs: number): CircuitEvidence => ({
      kind: 'told-to-wait',
      reason: 'PROVIDER_RATE_LIMITED',
      retryAfterMs,
    });
    expect(closedForMs(after(wait(120_000), wait(1_000)))).toBe(120_000);
  });

  it('TE-14 closes at once when our credentials are refused', () => {
    const gate = after(answered(1_000), { kind: 'client-refused' });
    expect(closedForMs(gate)).toBe(60_000);
    expect(gate.reason).toBe('PROVIDER_MISCONFIGURED');
  });

  it('R-13 takes refusals for the fault of the provider when they come in numbers', () => {
    expect(after(suspect).closedUntil).toBeNull();
    expect(after(answered(100), suspect, suspect).closedUntil).toBeNull();
    const gate = after(answered(10), suspect, suspect);
    expect(gate).toMatchObject({ reason: 'TOKEN_REVOKED', closings: 1 });
    expect(gate.suspectsForgottenAt?.getTime()).toBeGreaterThan(start.getTime());
    // Its probe is not believed either.
    const still = step(gate, { kind: 'suspect', since: start }, 6_000, true);
    expect(still).toMatchObject({ reason: 'TOKEN_REVOKED', closings: 2 });
    expect(step(still, answered(1), 60_000, true).suspectsForgottenAt).toEqual(still.suspectsForgottenAt);
  });

  it('R-13 counts a connection once until its refusal is forgotten', () => {
    const again: CircuitEvidence = { kind: 'suspect', since: start };
    expect(after(suspect, again, again, again).suspects).toBe(1);
    const forgotten = { ...openGate(start), suspectsForgottenAt: new Date(start.getTime() + 1) };
    expect(step(forgotten, again).suspects).toBe(1);
  });

  it('R-13 forgets by halves what lies a window back', () => {
    const gate = after(answered(7), suspect);
    expect(step(gate, answered(0), 599_999)).toMatchObject({ answers: 8, suspects: 1 });
    expect(step(gate, answered(0), 600_000)).toMatchObject({ answers: 4, suspects: 0.5 });
    expect(step(gate, answered(0), 1_200_000)).toMatchObject({ answers: 0, suspects: 0 });
  });
});
