import { describe, expect, it } from '@jest/globals';
import {
  InvalidTokenResponseError,
  ProviderMisconfiguredError,
  ProviderRateLimitedError,
  ProviderUnavailableError,
  TokenRevokedError,
} from '../../errors/provider.errors.js';
import { toCircuitEvidence, toFailureRecord } from './refresh-failure.js';

const times = { confirmationMs: 4_500_000, corroboratedMs: 300_000, goneMs: 3_600_000 };

function record(error: unknown, failedAttempts = 1, random = 1, suspectForMs: number | null = null) {
  return toFailureRecord(error, { failedAttempts: failedAttempts - 1, suspectForMs }, times, random);
}

describe('toFailureRecord', () => {
  it('makes only a refused grant evidence against the connection, and lets it wait for its confirmation (R-13)', () => {
    expect(record(new TokenRevokedError('refused'), 7, 0.1)).toEqual({
      code: 'TOKEN_REVOKED',
      retryInMs: times.corroboratedMs,
      dueInMs: times.corroboratedMs,
      outcomeKnown: true,
      evidence: 'refused',
    });
  });

  it.each([
    ['the first refusal', null, 300_000],
    ['a second one five minutes later', 300_000, 4_200_000],
    ['one just before the confirmation', 4_400_000, 300_000],
    ['one after an outage of a day', 86_400_000, 300_000],
  ])(
    'looks again when a second refusal counts after %s, and lets callers try before (R-13)',
    (_, suspectForMs, dueInMs) => {
      const refused = record(new TokenRevokedError('refused'), 1, 1, suspectForMs);
      expect(refused).toMatchObject({ retryInMs: times.corroboratedMs, dueInMs });
    },
  );

  it('waits no longer for a second refusal than an operator wants the confirmation to take (R-13)', () => {
    const short = { ...times, confirmationMs: 2_000 };
    const { retryInMs } = toFailureRecord(
      new TokenRevokedError('x'),
      { failedAttempts: 0, suspectForMs: null },
      short,
      1,
    );
    expect(retryInMs).toBe(2_000);
  });

  it('treats HTTP 410 as evidence, and looks again an hour later (TE-16)', () => {
    const gone = new ProviderUnavailableError('gone', { fate: 'answered', isGone: true });
    expect(record(gone)).toEqual({
      code: 'PROVIDER_UNAVAILABLE',
      retryInMs: times.goneMs,
      dueInMs: times.goneMs,
      outcomeKnown: true,
      evidence: 'gone',
    });
  });

  it.each([
    ['PROVIDER_UNAVAILABLE', 'failed', new ProviderUnavailableError('down', { fate: 'answered' })],
    ['PROVIDER_UNAVAILABLE', 'silent', new ProviderUnavailableError('lost', { fate: 'unknown' })],
    ['PROVIDER_UNAVAILABLE', 'silent', new ProviderUnavailableError('unreachable', { fate: 'not-sent' })],
    ['PROVIDER_RATE_LIMITED', 'ours', new ProviderRateLimitedError('slower')],
    ['PROVIDER_MISCONFIGURED', 'ours', new ProviderMisconfiguredError('wrong secret')],
    ['TOKEN_RESPONSE_INVALID', 'ours', new InvalidTokenResponseError('no access token')],
    ['INTERNAL_ERROR', 'ours', new TypeError('a mistake of ours')],
    ['INTERNAL_ERROR', 'ours', 'not even an error'],
  ])('takes %s as no evidence against the grant, but as %s (R-13)', (code, evidence, error) => {
    expect(record(error)).toMatchObject({ code, evidence });
  });

  it.each([
    ['the provider sent', new ProviderUnavailableError('down', { fate: 'answered' }), true],
    ['nothing was sent', new ProviderUnavailableError('unreachable', { fate: 'not-sent' }), true],
    ['the response was lost', new ProviderUnavailableError('lost', { fate: 'unknown' }), false],
    ['the provider limits the rate', new ProviderRateLimitedError('slower'), true],
    ['the provider refuses the client', new ProviderMisconfiguredError('wrong secret'), true],
    ['the response cannot be used', new InvalidTokenResponseError('no access token'), true],
    [
      'the response cannot be used and may have brought a new one',
      new InvalidTokenResponseError('no access token', { isInDoubt: true }),
      false,
    ],
    ['nobody knows what happened', new TypeError('a mistake of ours'), false],
  ])('knows whether the refresh token may be spent when %s (R-07, R-26)', (_, error, outcomeKnown) => {
    expect(record(error).outcomeKnown).toBe(outcomeKnown);
  });

  it.each([
    ['an outage', new ProviderUnavailableError('down', { fate: 'answered' })],
    ['a lost response', new ProviderUnavailableError('lost', { fate: 'unknown' })],
    ['a rate limit', new ProviderRateLimitedError('slower')],
    ['an unusable response', new InvalidTokenResponseError('no access token')],
    ['a mistake of ours', new TypeError('a mistake of ours')],
  ])('waits after %s, longer each time, at most a quarter of an hour, and spreads the attempts (R-09)', (_, error) => {
    const delays = [1, 2, 3, 4, 10, 11, 30].map((failedAttempts) => record(error, failedAttempts).retryInMs);
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 512_000, 900_000, 900_000]);
    expect(record(error, 3, 0.25).retryInMs).toBe(1_000);
  });

  it('waits at least as long as the provider asks (R-10)', () => {
    const rateLimited = new ProviderRateLimitedError('slower', { retryAfterSeconds: 120 });
    expect(record(rateLimited).retryInMs).toBe(120_000);
    expect(record(rateLimited, 11).retryInMs).toBe(900_000);
    expect(record(rateLimited, 11, 0).retryInMs).toBe(120_000);
    const down = new ProviderUnavailableError('down', { fate: 'answered', retryAfterSeconds: 45 });
    expect(record(down).retryInMs).toBe(45_000);
  });

  it('gives an operator a minute, and more when the fault stays (TE-14)', () => {
    const refused = new ProviderMisconfiguredError('wrong secret');
    expect(record(refused, 1, 0).retryInMs).toBe(60_000);
    expect(record(refused, 7, 1).retryInMs).toBe(64_000);
    expect(record(refused, 20, 1).retryInMs).toBe(900_000);
  });
});

describe('toCircuitEvidence', () => {
  const first = { suspectSince: null, failedAttempts: 0 };

  it.each([
    ['a refused grant (R-13)', new TokenRevokedError('refused'), { kind: 'suspect', since: null }],
    [
      'a rate limit (R-10)',
      new ProviderRateLimitedError('slower', { retryAfterSeconds: 7 }),
      { kind: 'told-to-wait', reason: 'PROVIDER_RATE_LIMITED', retryAfterMs: 7_000 },
    ],
    [
      'an outage with an end (R-10)',
      new ProviderUnavailableError('down', { fate: 'answered', retryAfterSeconds: 7 }),
      { kind: 'told-to-wait', reason: 'PROVIDER_UNAVAILABLE', retryAfterMs: 7_000 },
    ],
    ['an outage (R-09)', new ProviderUnavailableError('down', { fate: 'answered' }), { kind: 'failed', isFirst: true }],
    [
      'a lost response (R-09)',
      new ProviderUnavailableError('lost', { fate: 'unknown' }),
      { kind: 'failed', isFirst: true },
    ],
    [
      'a provider out of reach (R-26)',
      new ProviderUnavailableError('far', { fate: 'not-sent' }),
      { kind: 'not-tried' },
    ],
    [
      'a conflict',
      new ProviderUnavailableError('retry', { fate: 'answered', isConflict: true }),
      { kind: 'responded', count: 1 },
    ],
    [
      'refused credentials (TE-14)',
      new ProviderMisconfiguredError('no', { refusesClient: true }),
      { kind: 'client-refused' },
    ],
    ['a refused scope (TE-14)', new ProviderMisconfiguredError('no'), { kind: 'failed', isFirst: true }],
    ['a mistake of ours', new TypeError('ours'), { kind: 'not-tried' }],
  ])('tells what %s says about the provider', (_, error, expected) => {
    expect(toCircuitEvidence(error, first)).toEqual(expected);
  });

  it('tells failures in a row from the first one', () => {
    const error = new InvalidTokenResponseError('no access token');
    expect(toCircuitEvidence(error, { ...first, failedAttempts: 2 })).toEqual({ kind: 'failed', isFirst: false });
  });
});
