import { AppError } from '../../errors/app-error.js';
import type { ErrorCode } from '../../errors/error-code.js';
import {
  InvalidTokenResponseError,
  ProviderMisconfiguredError,
  ProviderRateLimitedError,
  ProviderUnavailableError,
  TokenRevokedError,
} from '../../errors/provider.errors.js';
import type { CircuitEvidence } from '../circuit-breaker/circuit-state.js';
import { backoffDelayMs, refreshBackoff } from '../policy/backoff.js';
import type { RefreshEvidence, RefreshFailureRecord, Connection } from '../store/connection.js';

/** Wrong credentials are not fixed within seconds, and every attempt counts against us at the provider. */
const misconfiguredDelayMs = 60_000;

/** How long after a refusal, or after HTTP 410, a second one ends the connection. In milliseconds. */
export interface ConfirmationTimes {
  readonly confirmationMs: number;
  /** The same, if there is other evidence against the grant. */
  readonly corroboratedMs: number;
  readonly goneMs: number;
}

/**
 * Converts the error of a failed refresh into the record for the row.
 *
 * Only {@link TokenRevokedError} and HTTP 410 are evidence against the grant. Every other error is a problem of the
 * provider or ours, and waits for another attempt: exponential back-off with full jitter, not before `Retry-After`.
 * After a refusal a caller may try again within minutes, in case it was a momentary mistake. The scheduler tries once
 * then, and again when a second refusal ends the connection.
 *
 * @param error - the error of the provider's refresh
 * @param connection - as it was before the attempt
 * @param times - how far apart two refusals must be
 * @param random - a number in [0, 1)
 */
export function toFailureRecord(
  error: unknown,
  { failedAttempts, suspectForMs }: Pick<Connection, 'failedAttempts' | 'suspectForMs'>,
  times: ConfirmationTimes,
  random: number,
): RefreshFailureRecord {
  const backoffMs = backoffDelayMs(failedAttempts + 1, refreshBackoff, random);
  const record = (code: ErrorCode, retryInMs: number, evidence: RefreshEvidence, outcomeKnown = true) => ({
    code,
    retryInMs,
    dueInMs: retryInMs,
    outcomeKnown,
    evidence,
  });
  if (error instanceof TokenRevokedError) {
    const soonMs = Math.min(times.corroboratedMs, times.confirmationMs);
    const restMs = suspectForMs === null ? soonMs : times.confirmationMs - suspectForMs;
    return { ...record(error.code, soonMs, 'refused'), dueInMs: Math.max(soonMs, restMs) };
  }
  if (error instanceof ProviderRateLimitedError) {
    return record(error.code, Math.max(backoffMs, (error.retryAfterSeconds ?? 0) * 1_000), 'ours');
  }
  if (error instanceof ProviderMisconfiguredError) {
    return record(error.code, Math.max(backoffMs, misconfiguredDelayMs), 'ours');
  }
  if (error instanceof ProviderUnavailableError && error.isGone) {
    return record(error.code, Math.max(times.goneMs, (error.retryAfterSeconds ?? 0) * 1_000), 'gone');
  }
  if (error instanceof ProviderUnavailableError) {
    const retryInMs = Math.max(backoffMs, (error.retryAfterSeconds ?? 0) * 1_000);
    return record(error.code, retryInMs, error.fate === 'answered' ? 'failed' : 'silent', error.fate !== 'unknown');
  }
  if (error instanceof InvalidTokenResponseError) {
    return record(error.code, backoffMs, 'ours', !error.isInDoubt);
  }
  return record('INTERNAL_ERROR', backoffMs, 'ours', false);
}

/**
 * Returns the evidence of a failed refresh about the provider as a whole.
 *
 * Only a refusal of our credentials opens the circuit breaker by itself. Other errors on our side may concern a single
 * grant, such as a scope, and must not hold up the rest.
 *
 * @param error - the error of the provider's refresh
 * @param connection - as it was before the attempt
 */
export function toCircuitEvidence(
  error: unknown,
  { suspectSince, failedAttempts }: Pick<Connection, 'suspectSince' | 'failedAttempts'>,
): CircuitEvidence {
  if (error instanceof TokenRevokedError) {
    return { kind: 'suspect', since: suspectSince };
  }
  const retryAfterMs =
    error instanceof AppError && error.retryAfterSeconds ? error.retryAfterSeconds * 1_000 : undefined;
  if (error instanceof ProviderRateLimitedError) {
    return { kind: 'told-to-wait', reason: error.code, retryAfterMs };
  }
  if (error instanceof ProviderMisconfiguredError && error.refusesClient) {
    return { kind: 'client-refused' };
  }
  if (error instanceof ProviderUnavailableError) {
    // HTTP 410 is a clear response. Its meaning is decided for each connection, an hour later.
    if (error.isConflict || error.isGone) {
      return { kind: 'responded', count: 1 };
    }
    if (error.fate === 'not-sent') {
      return { kind: 'not-tried' };
    }
    if (retryAfterMs !== undefined) {
      return { kind: 'told-to-wait', reason: error.code, retryAfterMs };
    }
  }
  return error instanceof AppError ? { kind: 'failed', isFirst: failedAttempts === 0 } : { kind: 'not-tried' };
}
