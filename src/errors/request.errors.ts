import { AppError } from './app-error.js';

/**
 * The request has the wrong shape: a field is missing, repeated, too long or of the wrong kind. The caller corrects it.
 */
export class RequestInvalidError extends AppError {
  readonly code = 'REQUEST_INVALID';
}

/** The idempotency key was used for another call, or with another body. Nothing was done. */
export class IdempotencyKeyReusedError extends AppError {
  readonly code = 'IDEMPOTENCY_KEY_REUSED';

  constructor() {
    super('This Idempotency-Key was used with another body in the last 24 hours. Use a new key for a new call.');
  }
}

/** A call with the same idempotency key has not ended yet. */
export class IdempotencyKeyInProgressError extends AppError {
  readonly code = 'IDEMPOTENCY_KEY_IN_PROGRESS';

  constructor() {
    super('A call with this Idempotency-Key is still in progress. Repeat this call to get its response.', {
      retryAfterSeconds: 1,
    });
  }
}

/** The request has no API key, or one that is unknown, expired or revoked. The caller sends a valid one. */
export class ApiKeyInvalidError extends AppError {
  readonly code = 'API_KEY_INVALID';
}

/**
 * The user token is not from the company's login, not for this service, or has expired. The caller gets the user a new
 * one.
 */
export class UserTokenInvalidError extends AppError {
  readonly code = 'USER_TOKEN_INVALID';

  constructor() {
    super('The user token is not valid: it may have expired, or is not meant for this service. Get a new user token.');
  }
}

/** The company's keys for user tokens cannot be read. API keys still work. */
export class UserKeysUnavailableError extends AppError {
  readonly code = 'USER_KEYS_UNAVAILABLE';

  constructor() {
    super(
      'User tokens cannot be verified at the moment, because the keys at USER_JWKS_URL cannot be read. Try again later.',
      {
        retryAfterSeconds: 5,
      },
    );
  }
}

/** The allowed calls of a party, and the remaining ones. */
export interface CallQuota {
  /** The party whose calls are counted: `caller`, `user`, `address` and so on. */
  readonly policy: string;
  readonly limit: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  readonly resetSeconds: number;
}

/**
 * The caller, the user or the address has made too many calls in this minute, or this process has no room for more
 * responses.
 */
export class RateLimitedError extends AppError {
  readonly code = 'RATE_LIMITED';
  /** The limit that was reached; absent if it is not about calls. */
  readonly quota: CallQuota | undefined;

  /**
   * @param retryAfterSeconds - until the next call is counted from zero
   * @param what - the sentence about the excess
   * @param quota - the limit that was reached
   */
  constructor(retryAfterSeconds: number, what = 'There were too many calls.', quota?: CallQuota) {
    super(`${what} Try again in ${retryAfterSeconds} s.`, { retryAfterSeconds });
    this.quota = quota;
  }
}

/** The API key is valid but lacks the scope that this call needs. */
export class ScopeMissingError extends AppError {
  readonly code = 'SCOPE_MISSING';
}

/**
 * The caller is known, but may not act for this user or use this provider. The response does not reveal what exists.
 */
export class AccessDeniedError extends AppError {
  readonly code = 'ACCESS_DENIED';

  constructor() {
    super('This API key or user token is not allowed to use this provider or act for this user.');
  }
}

/** The `return_url` is not one of the registered ones (NET-05). */
export class ReturnUrlNotAllowedError extends AppError {
  readonly code = 'RETURN_URL_NOT_ALLOWED';
}

/** The database did not respond, or responded that it cannot work now. The call may have been carried out. */
export class DatabaseUnavailableError extends AppError {
  readonly code = 'DATABASE_UNAVAILABLE';
}

/** This process should get no calls at the moment: it is stopping, or the database is not prepared for its version. */
export class NotReadyError extends AppError {
  readonly code = 'NOT_READY';
}
