import { AppError, type AppErrorOptions } from '../../errors/app-error.js';
import { RefreshPendingError } from '../../errors/connection.errors.js';
import type { ErrorCode } from '../../errors/error-code.js';
import {
  InvalidTokenResponseError,
  ProviderMisconfiguredError,
  ProviderRateLimitedError,
  ProviderUnavailableError,
  TokenRevokedError,
} from '../../errors/provider.errors.js';
import { retiredError } from '../../provider-kit/definition/provider-lifecycle.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import type { OpenCircuit } from '../circuit-breaker/circuit-breaker.service.js';
import type { CircuitReason } from '../circuit-breaker/circuit-state.js';
import type { EndReason, Connection } from '../store/connection.js';

/** The error for callers after a failed refresh, until the next attempt. */
interface CallerError {
  /** Builds the error. Copies the facts about the provider from the error of the attempt, if there is one. */
  readonly create: (message: string, options: AppErrorOptions, failed?: AppError) => AppError;
  /** The text while the connection waits for its next attempt. */
  readonly waiting: string;
}

const unavailable: CallerError = {
  create: (message, options, failed) => {
    const { fate, isConflict, isGone } =
      failed instanceof ProviderUnavailableError ? failed : new ProviderUnavailableError(message, { fate: 'not-sent' });
    return new ProviderUnavailableError(message, { ...options, fate, isConflict, isGone });
  },
  waiting: 'The provider did not refresh the token at the last attempt.',
};

/** Also for a refusal of the grant: callers that saw the first refusal would send the user to link again. */
const pending: CallerError = {
  create: (message, options) => new RefreshPendingError(message, options),
  waiting: 'The last refresh failed, and its next attempt is not due yet.',
};

/** By the code of the failure. Every other failure is {@link pending}. */
const callerErrors: ReadonlyMap<string, CallerError> = new Map<ErrorCode, CallerError>([
  [
    'PROVIDER_RATE_LIMITED',
    {
      create: (message, options) => new ProviderRateLimitedError(message, options),
      waiting: 'The provider limits the rate of refreshes.',
    },
  ],
  [
    'PROVIDER_MISCONFIGURED',
    {
      create: (message, options, failed) =>
        new ProviderMisconfiguredError(message, {
          ...options,
          refusesClient: failed instanceof ProviderMisconfiguredError && failed.refusesClient,
        }),
      waiting: 'The provider rejects the credentials of this deployment. The operator must correct them.',
    },
  ],
  ['PROVIDER_UNAVAILABLE', unavailable],
  [
    'TOKEN_RESPONSE_INVALID',
    {
      create: (message, options, failed) =>
        new InvalidTokenResponseError(message, {
          ...options,
          isInDoubt: failed instanceof InvalidTokenResponseError && failed.isInDoubt,
        }),
      waiting: "The provider's last response could not be used.",
    },
  ],
  ['TOKEN_REVOKED', pending],
]);

/** Why the circuit breaker is open, as the end of a sentence about the provider. */
const pausedTexts: Readonly<Record<CircuitReason, string>> = {
  PROVIDER_RATE_LIMITED: 'limits the rate of refreshes, so refreshes are paused.',
  PROVIDER_MISCONFIGURED:
    'rejects the credentials of this deployment, so refreshes are paused. The operator must correct them.',
  PROVIDER_UNAVAILABLE: 'is not responding at the moment, so refreshes are paused.',
  TOKEN_REVOKED:
    'is rejecting unusually many refresh tokens, so refreshes are paused. Users do not need to link again.',
};

/**
 * Returns the error for the callers of an attempt that has just failed: the provider's error with the seconds to wait.
 * A first refusal of the grant is not reported as one, because callers would ask the user to link again for nothing
 * (R-13).
 *
 * @param error - the error of the provider's refresh; one that is not about a refresh is returned unchanged
 * @param waitMs - milliseconds until the next attempt
 */
export function toAttemptError(error: unknown, waitMs: number): unknown {
  const callerError = error instanceof AppError ? callerErrors.get(error.code) : undefined;
  if (!(error instanceof AppError) || callerError === undefined) {
    return error;
  }
  const retryAfterSeconds = wholeSeconds(waitMs);
  const message =
    error instanceof TokenRevokedError
      ? `The provider rejected the refresh token. We will confirm this with a second attempt in ${retryAfterSeconds} s.`
      : error.message;
  return callerError.create(message, { detail: error.detail, cause: error, retryAfterSeconds }, error);
}

/**
 * Returns the error for a caller who must wait for the next attempt: the failure that caused the pause, with the
 * seconds to wait.
 */
export function toPendingError(connection: Connection, inDoubtHoldMs: number): AppError {
  const holdMs = connection.inDoubtForMs === null ? 0 : inDoubtHoldMs - connection.inDoubtForMs;
  const retryAfterSeconds = wholeSeconds(Math.max(connection.retryInMs, holdMs));
  if (holdMs > connection.retryInMs) {
    const text = tryAgain('The outcome of the last refresh is not known yet.', retryAfterSeconds);
    return new RefreshPendingError(text, { retryAfterSeconds });
  }
  const { create, waiting } = callerErrors.get(connection.lastErrorCode ?? '') ?? pending;
  return create(tryAgain(waiting, retryAfterSeconds), { retryAfterSeconds });
}

/** Returns the error for a caller whose refresh is not sent, because the circuit breaker is open. */
export function toCircuitError(displayName: string, { reason, waitMs }: OpenCircuit): AppError {
  const retryAfterSeconds = wholeSeconds(waitMs);
  const text = tryAgain(`${displayName} ${pausedTexts[reason]}`, retryAfterSeconds);
  const { create } = (reason === 'TOKEN_REVOKED' ? undefined : callerErrors.get(reason)) ?? unavailable;
  return create(text, { retryAfterSeconds });
}

/**
 * Returns the error for the callers of a refresh whose response is overdue. The response may come at any moment, so
 * callers may retry soon.
 *
 * @param timeoutMs - the time limit of the provider
 */
export function toOverdueError(displayName: string, timeoutMs: number): ProviderUnavailableError {
  const retryAfterSeconds = wholeSeconds(timeoutMs);
  const text = `${displayName} has not responded to the refresh within ${retryAfterSeconds} s. A late response is still stored.`;
  return new ProviderUnavailableError(tryAgain(text, retryAfterSeconds), { fate: 'unknown', retryAfterSeconds });
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
    case 'deauthorized':
      return new TokenRevokedError(`The user has withdrawn consent at ${displayName}. ${again}`);
    case 'account_deleted':
      return new TokenRevokedError(`The user's account at ${displayName} was deleted or disabled. ${again}`);
    case 'grant_refused':
    case null:
      return new TokenRevokedError(`${displayName} has ended this connection. ${again}`);
  }
}

function tryAgain(text: string, retryAfterSeconds: number): string {
  return `${text} Try again in ${retryAfterSeconds} s.`;
}

/** Never 0: a caller that retries at once meets the same pause. */
function wholeSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1_000));
}
