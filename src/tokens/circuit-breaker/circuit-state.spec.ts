import { describe, expect, it } from '@jest/globals';
import {
  afterRefresh,
  closedCircuit,
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
const responded = (count: number): CircuitEvidence => ({ kind: 'responded', count });

/** The circuit breaker after some refreshes that were no trials. */
function after(...outcomes: CircuitEvidence[]): CircuitState {
  return outcomes.reduce((circuit, outcome) => step(circuit, outcome), closedCircuit(start));
}

function step(circuit: CircuitState, outcome: CircuitEvidence, atMs = 0, isTrial = false): CircuitState {
  return afterRefresh(circuit, outcome, isTrial, policy, new Date(start.getTime() + atMs), 1);
}

/** How long a circuit breaker stays open from the start, or `undefined` when it is closed. */
function openForMs(circuit: CircuitState): number | undefined {
  return circuit.openUntil === null ? undefined : circuit.openUntil.getTime() - start.getTime();
}

describe('afterRefresh', () => {
  it('opens after the set number of connections in a row, counting each connection once (R-09)', () => {
    const again: CircuitEvidence = { kind: 'failed', isFirst: false };
    expect(openForMs(after(failed, failed, again, again, again))).toBeUndefined();
    expect(openForMs(after(failed, failed, responded(1), failed))).toBeUndefined();
    expect(openForMs(after(failed, failed, suspect, failed))).toBeUndefined();
    expect(after(failed, failed, failed)).toMatchObject({ reason: 'PROVIDER_UNAVAILABLE', openings: 1 });
  });

  it('waits twice as long after each trial that fails, up to a limit, and spreads the pauses (R-09)', () => {
    let circuit = after(failed, failed, failed);
    const pauses = [openForMs(circuit)];
    for (let trial = 0; trial < 5; trial += 1) {
      const nowMs = openForMs(circuit) ?? 0;
      circuit = step(circuit, { kind: 'failed', isFirst: false }, nowMs, true);
      pauses.push((openForMs(circuit) ?? 0) - nowMs);
    }
    expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    const least = afterRefresh(after(failed, failed), failed, false, policy, start, 0);
    expect(openForMs(least)).toBe(2_500);
  });

  it('does not count refreshes that were under way when it opened', () => {
    const circuit = after(failed, failed, failed, failed, failed, failed, failed);
    expect(circuit.openings).toBe(1);
    expect(step(circuit, responded(1)).openUntil).not.toBeNull();
  });

  it('closes after a trial that succeeds, and starts afresh', () => {
    const opened = after(failed, failed, failed);
    expect(step(opened, responded(1), 9_000, true)).toEqual(closedCircuit(new Date(start.getTime() + 9_000)));
    expect(step(opened, suspect, 9_000, true)).toMatchObject({ openUntil: null, openings: 0 });
    expect(step({ ...opened, trialUntil: start }, { kind: 'not-tried' }, 9_000, true)).toEqual({
      ...opened,
      trialUntil: null,
    });
  });

  it.each([
    ['so long', 120_000, 120_000],
    ['absurdly long', 86_400_000, 3_600_000],
    ['without a word', undefined, 5_000],
  ])('waits as it was told to, %s (R-10)', (_, retryAfterMs, expected) => {
    const circuit = after({ kind: 'told-to-wait', reason: 'PROVIDER_RATE_LIMITED', retryAfterMs });
    expect(openForMs(circuit)).toBe(expected);
    expect(circuit.reason).toBe('PROVIDER_RATE_LIMITED');
  });

  it('never closes earlier because another refresh was told a shorter time (R-10)', () => {
    const wait = (retryAfterMs: number): CircuitEvidence => ({
      kind: 'told-to-wait',
      reason: 'PROVIDER_RATE_LIMITED',
      retryAfterMs,
    });
    expect(openForMs(after(wait(120_000), wait(1_000)))).toBe(120_000);
  });

  it('opens at once when our credentials are refused (TE-14)', () => {
    const circuit = after(responded(1_000), { kind: 'client-refused' });
    expect(openForMs(circuit)).toBe(60_000);
    expect(circuit.reason).toBe('PROVIDER_MISCONFIGURED');
  });

  it('blames the provider for an unusual number of refusals (R-13)', () => {
    expect(after(suspect).openUntil).toBeNull();
    expect(after(responded(100), suspect, suspect).openUntil).toBeNull();
    const circuit = after(responded(10), suspect, suspect);
    expect(circuit).toMatchObject({ reason: 'TOKEN_REVOKED', openings: 1 });
    expect(circuit.suspectsForgottenAt?.getTime()).toBeGreaterThan(start.getTime());
    // Its trial does not count as a success either.
    const still = step(circuit, { kind: 'suspect', since: start }, 6_000, true);
    expect(still).toMatchObject({ reason: 'TOKEN_REVOKED', openings: 2 });
    expect(step(still, responded(1), 60_000, true).suspectsForgottenAt).toEqual(still.suspectsForgottenAt);
  });

  it('counts a connection once until its refusal is forgotten (R-13)', () => {
    const again: CircuitEvidence = { kind: 'suspect', since: start };
    expect(after(suspect, again, again, again).suspects).toBe(1);
    const forgotten = { ...closedCircuit(start), suspectsForgottenAt: new Date(start.getTime() + 1) };
    expect(step(forgotten, again).suspects).toBe(1);
  });

  it('forgets by halves what is a window old (R-13)', () => {
    const circuit = after(responded(7), suspect);
    expect(step(circuit, responded(0), 599_999)).toMatchObject({ decisions: 8, suspects: 1 });
    expect(step(circuit, responded(0), 600_000)).toMatchObject({ decisions: 4, suspects: 0.5 });
    expect(step(circuit, responded(0), 1_200_000)).toMatchObject({ decisions: 0, suspects: 0 });
  });
});
