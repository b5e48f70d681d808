import { describe, expect, it } from '@jest/globals';
import {
  InvalidTokenResponseError,
  ProviderMisconfiguredError,
  ProviderRateLimitedError,
  ProviderUnavailableError,
  TokenRevokedError,
} from '../../errors/provider.errors.js';
import type { Connection } from '../store/connection.js';
import { toAttemptError, toCircuitError, toPendingError } from './refresh-errors.js';

describe('toAttemptError', () => {
  it('does not report a connection as lost after a first refusal (R-13)', () => {
    const refused = new TokenRevokedError('refused', { detail: 'HTTP 400, invalid_grant' });
    expect(toAttemptError(refused, 300_000)).toMatchObject({
      code: 'TOKEN_REFRESH_PENDING',
      detail: 'HTTP 400, invalid_grant',
      retryAfterSeconds: 300,
      cause: refused,
    });
  });

  it.each([
    new ProviderRateLimitedError('slower', { detail: 'HTTP 429', retryAfterSeconds: 7 }),
    new ProviderMisconfiguredError('wrong secret', { detail: 'HTTP 401, invalid_client' }),
    new ProviderUnavailableError('lost', { detail: 'TIMEOUT, unknown', fate: 'unknown' }),
    new InvalidTokenResponseError('no access token', { detail: 'HTTP 200' }),
  ])('keeps what $name says and adds when it is tried again', (error) => {
    const { code, message, detail } = error;
    const told = toAttemptError(error, 41_001);
    expect(told).toMatchObject({ code, message, detail, retryAfterSeconds: 42, cause: error });
    expect(told).toBeInstanceOf(error.constructor);
    expect(toAttemptError(error, 0)).toMatchObject({ retryAfterSeconds: 1 });
  });

  it('keeps the known facts about a request without a response', () => {
    const error = new ProviderUnavailableError('unreachable', { fate: 'not-sent' });
    expect(toAttemptError(error, 0)).toMatchObject({ fate: 'not-sent' });
  });

  it.each([
    [new ProviderUnavailableError('gone', { fate: 'answered', isGone: true }), { isGone: true, isConflict: false }],
    [new ProviderUnavailableError('busy', { fate: 'answered', isConflict: true }), { isConflict: true, isGone: false }],
    [new ProviderMisconfiguredError('wrong client', { refusesClient: true }), { refusesClient: true }],
    [new InvalidTokenResponseError('no refresh token', { isInDoubt: true }), { isInDoubt: true }],
  ])('keeps what an error says of the provider besides (%#)', (error, said) => {
    expect(toAttemptError(error, 0)).toMatchObject(said);
  });

  it('leaves an internal error unchanged', () => {
    const mistake = new TypeError('a mistake of ours');
    expect(toAttemptError(mistake, 1_000)).toBe(mistake);
  });
});

describe('toPendingError', () => {
  const waiting = { lastErrorCode: null, retryInMs: 0, inDoubtForMs: null } as unknown as Connection;

  it.each([
    ['PROVIDER_RATE_LIMITED', 'PROVIDER_RATE_LIMITED'],
    ['PROVIDER_MISCONFIGURED', 'PROVIDER_MISCONFIGURED'],
    ['PROVIDER_UNAVAILABLE', 'PROVIDER_UNAVAILABLE'],
    ['TOKEN_RESPONSE_INVALID', 'TOKEN_RESPONSE_INVALID'],
    ['TOKEN_REVOKED', 'TOKEN_REFRESH_PENDING'],
    ['INTERNAL_ERROR', 'TOKEN_REFRESH_PENDING'],
    [null, 'TOKEN_REFRESH_PENDING'],
  ])('reports %s as %s during the pause after it (R-09)', (lastErrorCode, code) => {
    const error = toPendingError({ ...waiting, lastErrorCode, retryInMs: 41_001 }, 0);
    expect(error).toMatchObject({ code, retryAfterSeconds: 42 });
    expect(error.message).toContain('42 s');
  });

  it('names the hold when the outcome is unknown and the hold lasts longer than the pause (R-04, R-07)', () => {
    const inDoubt = { ...waiting, lastErrorCode: 'PROVIDER_UNAVAILABLE', retryInMs: 900, inDoubtForMs: 20_000 };
    expect(toPendingError(inDoubt, 120_000)).toMatchObject({ code: 'TOKEN_REFRESH_PENDING', retryAfterSeconds: 100 });
    expect(toPendingError({ ...inDoubt, retryInMs: 600_000 }, 120_000)).toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      retryAfterSeconds: 600,
    });
  });

  it('does not hold where the provider forgives a repeated refresh token (R-07)', () => {
    const inDoubt = { ...waiting, lastErrorCode: 'PROVIDER_UNAVAILABLE', retryInMs: 900, inDoubtForMs: 100 };
    expect(toPendingError(inDoubt, 0)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryAfterSeconds: 1 });
  });

  it('never asks to come back at once', () => {
    expect(toPendingError(waiting, 0).retryAfterSeconds).toBe(1);
  });
});

describe('toCircuitError', () => {
  it.each([
    ['PROVIDER_RATE_LIMITED', 'PROVIDER_RATE_LIMITED'],
    ['PROVIDER_MISCONFIGURED', 'PROVIDER_MISCONFIGURED'],
    ['PROVIDER_UNAVAILABLE', 'PROVIDER_UNAVAILABLE'],
    ['TOKEN_REVOKED', 'PROVIDER_UNAVAILABLE'],
  ] as const)('tells callers to come back while the circuit breaker is open for %s', (reason, code) => {
    expect(toCircuitError('WHOOP', { reason, waitMs: 1_500 })).toMatchObject({ code, retryAfterSeconds: 2 });
  });
});
