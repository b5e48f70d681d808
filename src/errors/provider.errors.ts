import { AppError, type AppErrorOptions } from './app-error.js';

/** No provider has this slug. The caller picks one from `GET /v1/providers`. */
export class UnknownProviderError extends AppError {
  readonly code = 'PROVIDER_UNKNOWN';

  constructor() {
    super('No provider has this name. GET /v1/providers lists all providers.');
  }
}

/** The provider exists but this deployment has no credentials for it. The operator sets them. */
export class ProviderNotConfiguredError extends AppError {
  readonly code = 'PROVIDER_NOT_CONFIGURED';
}

/** The provider has shut down its API. The caller links with its successor. */
export class ProviderRetiredError extends AppError {
  readonly code = 'PROVIDER_RETIRED';
}

/**
 * The provider rejected us, not the user: wrong client credentials, an unregistered redirect URI, a scope not granted
 * to us.
 */
export class ProviderMisconfiguredError extends AppError {
  readonly code = 'PROVIDER_MISCONFIGURED';
  /** Whether the client itself is rejected, so that no other request can succeed either. */
  readonly refusesClient: boolean;

  constructor(message: string, options: AppErrorOptions & { readonly refusesClient?: boolean } = {}) {
    super(message, options);
    this.refusesClient = options.refusesClient ?? false;
  }
}

/**
 * The fate of the failed request:
 * - `not-sent`: the provider cannot have seen it.
 * - `answered`: the provider responded, so it has decided.
 * - `unknown`: the provider may have acted on it, and the response is missing or unreadable.
 */
export type RequestFate = 'not-sent' | 'answered' | 'unknown';

/** Options of {@link ProviderUnavailableError}. */
export interface ProviderUnavailableOptions extends AppErrorOptions {
  readonly fate: RequestFate;
  /** Whether the provider is available and only asks to repeat the request, because it collided with another one. */
  readonly isConflict?: boolean;
  /** Whether the provider responded with HTTP 410: the endpoint may have been shut down. */
  readonly isGone?: boolean;
}

/**
 * The provider did not respond in time, or asked to repeat the request. Or its response says nothing about the grant or
 * us, such as HTTP 5xx or the page of a firewall. `fate` says whether it may have acted on the request. Try again
 * later.
 */
export class ProviderUnavailableError extends AppError {
  readonly code = 'PROVIDER_UNAVAILABLE';
  readonly fate: RequestFate;
  readonly isConflict: boolean;
  readonly isGone: boolean;

  constructor(message: string, options: ProviderUnavailableOptions) {
    super(message, options);
    this.fate = options.fate;
    this.isConflict = options.isConflict ?? false;
    this.isGone = options.isGone ?? false;
  }
}

/** The provider responded with HTTP 429. `retryAfterSeconds` is set if it said how long to wait. */
export class ProviderRateLimitedError extends AppError {
  readonly code = 'PROVIDER_RATE_LIMITED';
}

/**
 * The provider's response lacks a required field or has one of the wrong kind. The message names the field, never its
 * value.
 */
export class InvalidTokenResponseError extends AppError {
  readonly code = 'TOKEN_RESPONSE_INVALID';
  /**
   * Whether the response may have rotated the refresh token to one that cannot be read. Then the token that was sent
   * may be spent.
   */
  readonly isInDoubt: boolean;
  /** A private field, so that nothing that prints or logs errors can see it. */
  readonly #refreshToken: string | undefined;

  /** @param options - `refreshToken`: the refresh token of the response; the one that was sent may be spent */
  constructor(
    message: string,
    options: AppErrorOptions & { readonly refreshToken?: string | undefined; readonly isInDoubt?: boolean } = {},
  ) {
    super(message, options);
    this.isInDoubt = options.isInDoubt ?? false;
    this.#refreshToken = options.refreshToken;
  }

  /** The refresh token of a response that is otherwise unusable. */
  get refreshToken(): string | undefined {
    return this.#refreshToken;
  }
}

/**
 * The provider says that the grant is dead: `invalid_grant`, or an error that its definition lists as equal.
 *
 * One such response is evidence, not proof. Only the refresh engine decides, after a second one, that the
 * connection is lost.
 */
export class TokenRevokedError extends AppError {
  readonly code = 'TOKEN_REVOKED';
}

/**
 * The provider's API cannot be called, or its requests cannot be signed, in this way. The message names an alternative.
 */
export class CallUnsupportedError extends AppError {
  readonly code = 'CALL_UNSUPPORTED';
}

/** The provider's response to a caller's own call cannot be passed on: a redirect, too large, or not valid HTTP. */
export class CallResponseUnusableError extends AppError {
  readonly code = 'CALL_ANSWER_UNUSABLE';
}

/** Whether a failed call may succeed later, because the provider is unavailable or asks to wait. */
export function isPassing(error: unknown): error is ProviderUnavailableError | ProviderRateLimitedError {
  return error instanceof ProviderUnavailableError || error instanceof ProviderRateLimitedError;
}
