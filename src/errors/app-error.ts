import { errorActors, type Actor, type ErrorCode } from './error-code.js';

/** What an {@link AppError} carries beside its code and message. */
export interface AppErrorOptions {
  /** For the log only; never sent to a caller. Must hold no token, secret, code or verifier. */
  readonly detail?: string | undefined;
  /** The error underneath. Must hold no token, secret, code or verifier. */
  readonly cause?: unknown;
  /** Seconds after which the same call is worth repeating; sent as `Retry-After`. */
  readonly retryAfterSeconds?: number | undefined;
}

/**
 * A failure that has a name: a stable `code`, a message that is safe to show, and one who has to act.
 *
 * The filter sends `code` and `message`; `detail` and `cause` go to the log. Anything thrown that is not an
 * `AppError` is a mistake of ours and is answered with a bare 500.
 */
export abstract class AppError extends Error {
  abstract readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  /**
   * @param message - one or two sentences that say what happened and what to do; safe to show a caller
   * @param options - what only the log sees, and when to try again
   */
  constructor(message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.detail = options.detail;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** Who has to act before the call can succeed. */
  get act(): Actor {
    return errorActors[this.code];
  }
}

/** Returns the code of a failure that has a name; anything else is a mistake of ours. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof AppError ? error.code : 'INTERNAL_ERROR';
}
