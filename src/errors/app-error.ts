import { errorActors, type Actor, type ErrorCode } from './error-code.js';

/** The optional properties of an {@link AppError}. */
export interface AppErrorOptions {
  /** For the log only, never sent to a caller. Must not contain a token, secret, code or verifier. */
  readonly detail?: string | undefined;
  /** The underlying error. Must not contain a token, secret, code or verifier. */
  readonly cause?: unknown;
  /** Seconds after which a retry is useful; sent as `Retry-After`. */
  readonly retryAfterSeconds?: number | undefined;
}

/**
 * A known failure: a stable `code`, a message that is safe to show, and the actor who must act.
 *
 * The filter sends `code` and `message`. `detail` and `cause` go to the log. Anything thrown that is not an `AppError`
 * is an internal error, and the caller gets a bare 500.
 */
export abstract class AppError extends Error {
  abstract readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  /**
   * @param message - what happened, why if known, and what to do; safe to show a caller
   * @param options - details for the log, and when to retry
   */
  constructor(message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.detail = options.detail;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** The party that must act before the call can succeed. */
  get act(): Actor {
    return errorActors[this.code];
  }
}

/** Returns the code of a known failure, or `INTERNAL_ERROR`. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof AppError ? error.code : 'INTERNAL_ERROR';
}
