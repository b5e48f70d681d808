import { AppError } from '../../errors/app-error.js';
import type { ErrorCode } from '../../errors/error-code.js';
import { RefreshPendingError } from '../../errors/connection.errors.js';
import {
  InvalidTokenResponseError,
  ProviderMisconfiguredError,
  ProviderRateLimitedError,
  ProviderUnavailableError,
  TokenRevokedError,
} from '../../errors/provider.errors.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { retiredError } from '../../provider-kit/definition/provider-lifecycle.js';
import type { OpenCircuit } from '../circuit-breaker/circuit-breaker.service.js';
import type { CircuitEvidence } from '../circuit-breaker/circuit-state.js';
import { backoffDelayMs, refreshBackoff } from '../policy/backoff.js';
import type { EndReason, RefreshEvidence, RefreshFailureRecord, StoredConnection } from '../store/stored-connection.js';

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
  { failedAttempts, suspectForMs }: Pick<StoredConnection, 'failedAttempts' | 'suspectForMs'>,
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
 * Returns what a failed refresh says about the provider as a whole.
 *
 * Only a refusal of our credentials opens the circuit breaker by itself. Other errors on our side may concern a single
 * grant, such as a scope, and must not hold up the rest.
 *
 * @param error - the error of the provider's refresh
 * @param connection - as it was before the attempt
 */
export function toCircuitEvidence(
  error: unknown,
  { suspectSince, failedAttempts }: Pick<StoredConnection, 'suspectSince' | 'failedAttempts'>,
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
    // HTTP 410 is a clear response. What it says is decided for each connection, an hour later.
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

/**
 * Returns the error for the callers of an attempt that has just failed: the provider's error and everything it says, with
 * the seconds to wait. A first refusal of the grant is not reported as one, because the callers would send the user away
 * for nothing.
 *
 * @param error - the error of the provider's refresh; anything but an {@link AppError} is returned unchanged
 * @param waitMs - milliseconds until the next attempt
 */
export function toAttemptError(error: unknown, waitMs: number): unknown {
  if (!(error instanceof AppError)) {
    return error;
  }
  const retryAfterSeconds = wholeSeconds(waitMs);
  const options = { detail: error.detail, cause: error, retryAfterSeconds };
  if (error instanceof TokenRevokedError) {
    return new RefreshPendingError(
      `The provider rejected the refresh token. We will confirm this with a second attempt in ${retryAfterSeconds} s.`,
      options,
    );
  }
  if (error instanceof ProviderRateLimitedError) {
    return new ProviderRateLimitedError(error.message, options);
  }
  if (error instanceof ProviderMisconfiguredError) {
    return new ProviderMisconfiguredError(error.message, { ...options, refusesClient: error.refusesClient });
  }
  if (error instanceof ProviderUnavailableError) {
    const { fate, isConflict, isGone } = error;
    return new ProviderUnavailableError(error.message, { ...options, fate, isConflict, isGone });
  }
  if (error instanceof InvalidTokenResponseError) {
    return new InvalidTokenResponseError(error.message, { ...options, isInDoubt: error.isInDoubt });
  }
  return error;
}

/**
 * Returns the error for a caller who must wait for the next attempt: the failure that caused the pause, with the
 * seconds to wait.
 */
export function toPendingError(connection: StoredConnection, inDoubtHoldMs: number): AppError {
  const holdMs = connection.inDoubtForMs === null ? 0 : inDoubtHoldMs - connection.inDoubtForMs;
  const retryAfterSeconds = wholeSeconds(Math.max(connection.retryInMs, holdMs));
  const again = `Try again in ${retryAfterSeconds} s.`;
  if (holdMs > connection.retryInMs) {
    return new RefreshPendingError(`The outcome of the last refresh is not known yet. ${again}`, { retryAfterSeconds });
  }
  switch (connection.lastErrorCode ?? 'NONE') {
    case 'PROVIDER_RATE_LIMITED':
      return new ProviderRateLimitedError(`The provider limits the rate of refreshes. ${again}`, { retryAfterSeconds });
    case 'PROVIDER_MISCONFIGURED':
      return new ProviderMisconfiguredError(
        `The provider rejects the credentials of this deployment. The operator must correct them. ${again}`,
        { retryAfterSeconds },
      );
    case 'PROVIDER_UNAVAILABLE':
      return new ProviderUnavailableError(`The provider did not refresh the token at the last attempt. ${again}`, {
        retryAfterSeconds,
        fate: 'not-sent',
      });
    case 'TOKEN_RESPONSE_INVALID':
      return new InvalidTokenResponseError(`The provider's last response could not be used. ${again}`, {
        retryAfterSeconds,
      });
    default:
      return new RefreshPendingError(`The last refresh failed, and its next attempt is not due yet. ${again}`, {
        retryAfterSeconds,
      });
  }
}

/**
 * Returns the error for the callers of a refresh whose response is overdue. The response may come at any moment, so
 * callers may retry soon.
 *
 * @param timeoutMs - the time limit of the provider
 */
export function toOverdueError(displayName: string, timeoutMs: number): ProviderUnavailableError {
  const retryAfterSeconds = wholeSeconds(timeoutMs);
  return new ProviderUnavailableError(
    `${displayName} has not responded to the refresh within ${retryAfterSeconds} s. A late response is still stored. ` +
      `Try again in ${retryAfterSeconds} s.`,
    { fate: 'unknown', retryAfterSeconds },
  );
}

/** Returns the error for a caller whose refresh is not sent, because the circuit breaker is open. */
export function toCircuitError(displayName: string, { reason, waitMs }: OpenCircuit): AppError {
  const retryAfterSeconds = wholeSeconds(waitMs);
  const again = `Try again in ${retryAfterSeconds} s.`;
  switch (reason) {
    case 'PROVIDER_RATE_LIMITED':
      return new ProviderRateLimitedError(
        `${displayName} limits the rate of refreshes, so refreshes are paused. ${again}`,
        {
          retryAfterSeconds,
        },
      );
    case 'PROVIDER_MISCONFIGURED':
      return new ProviderMisconfiguredError(
        `${displayName} rejects the credentials of this deployment, so refreshes are paused. The operator must correct them. ${again}`,
        { retryAfterSeconds },
      );
    case 'PROVIDER_UNAVAILABLE':
      return new ProviderUnavailableError(
        `${displayName} is not responding at the moment, so refreshes are paused. ${again}`,
        {
          retryAfterSeconds,
          fate: 'not-sent',
        },
      );
    case 'TOKEN_REVOKED':
      return new ProviderUnavailableError(
        `${displayName} is rejecting unusually many refresh tokens, so refreshes are paused. Users do not need to link again. ${again}`,
        { retryAfterSeconds, fate: 'not-sent' },
      );
  }
}

/** Returns the error for a connection that only a new link can restore. */
export function relinkError(provider: HealthProvider, reason: EndReason | null): AppError {
  const { displayName } = provider.definition;
  const again = 'The user must link the account again.';
  switch (reason) {
    case 'provider_retired':
    case 'provider_gone':
      return retiredError(provider);
    case 'no_refresh_token':
      return new TokenRevokedError(
        `The access token has expired, and ${displayName} issued no refresh token to renew it. ${again}`,
      );
    case 'unreachable':
      return new TokenRevokedError(`${displayName} has failed to refresh this connection for days. ${again}`);
    case 'account_taken':
      return new TokenRevokedError(
        'Another user has connected the same account, so this connection has ended. Unlink it there to link it here again.',
      );
    case 'grant_refused':
    case null:
      return new TokenRevokedError(`${displayName} has ended this connection. ${again}`);
  }
}

/** Never 0: a caller that retries at once meets the same pause. */
function wholeSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1_000));
}
