import { AppError, type AppErrorOptions } from './app-error.js';

/** No provider has this slug. The caller picks one of `GET /v1/providers`. */
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

/** The provider's maker has shut it down. The caller links with its successor. */
export class ProviderRetiredError extends AppError {
  readonly code = 'PROVIDER_RETIRED';
}

/** The provider refused us, not the user: wrong client credentials, an unregistered redirect URI, a scope not granted to us. */
export class ProviderMisconfiguredError extends AppError {
  readonly code = 'PROVIDER_MISCONFIGURED';
  /** Whether it is the client itself that is refused, so that no other request can succeed either. */
  readonly refusesClient: boolean;

  constructor(message: string, options: AppErrorOptions & { readonly refusesClient?: boolean } = {}) {
    super(message, options);
    this.refusesClient = options.refusesClient ?? false;
  }
}

/**
 * What became of the request that failed:
 * `not-sent` - the provider cannot have seen it; `answered` - it answered, so it has decided;
 * `unknown` - it may have acted on it, and the answer is missing or cannot be read.
 */
export type RequestFate = 'not-sent' | 'answered' | 'unknown';

/** Options of {@link ProviderUnavailableError}. */
export interface ProviderUnavailableOptions extends AppErrorOptions {
  readonly fate: RequestFate;
  /** Whether the provider is well and only asks to repeat the request, because another one was in its way. */
  readonly isConflict?: boolean;
  /** Whether the provider responded with HTTP 410: the endpoint may have been shut down. */
  readonly isGone?: boolean;
}

/**
 * The provider did not answer in time, answered with something that speaks neither of the grant nor of us, such as HTTP 5xx or the page of
 * a firewall, or asked to repeat the request. `fate` says whether it may have acted on the request. Try later.
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

/** The provider answered HTTP 429. `retryAfterSeconds` is set when it said for how long. */
export class ProviderRateLimitedError extends AppError {
  readonly code = 'PROVIDER_RATE_LIMITED';
}

/** The provider's answer lacks a required field or has one of the wrong kind. The message names the field, never its value. */
export class InvalidTokenResponseError extends AppError {
  readonly code = 'TOKEN_RESPONSE_INVALID';
  /** Whether it may have replaced the refresh token by one that cannot be read. Then the one that was sent may be spent. */
  readonly isInDoubt: boolean;
  /** Private to the language, so that nothing that prints or logs errors can see it. */
  readonly #refreshToken: string | undefined;

  /** @param options - `refreshToken` is what the answer brought of it: the one that was sent may be spent */
  constructor(
    message: string,
    options: AppErrorOptions & { readonly refreshToken?: string | undefined; readonly isInDoubt?: boolean } = {},
  ) {
    super(message, options);
    this.isInDoubt = options.isInDoubt ?? false;
    this.#refreshToken = options.refreshToken;
  }

  /** The refresh token of an answer that is not good for anything else. */
  get refreshToken(): string | undefined {
    return this.#refreshToken;
  }
}

/**
 * The provider says that the grant is dead: `invalid_grant`, or what its definition lists as meaning the same.
 *
 * One such answer is evidence, not proof: only the refresh engine decides, after a second one, that the connection is lost.
 */
export class TokenRevokedError extends AppError {
  readonly code = 'TOKEN_REVOKED';
}

/** The provider's API cannot be called, or no request to it signed, in this way. The message says which way is left. */
export class CallUnsupportedError extends AppError {
  readonly code = 'CALL_UNSUPPORTED';
}

/** The provider answered a caller's own call with something that cannot be passed on: a redirect, too much, or no HTTP to speak of. */
export class CallAnswerUnusableError extends AppError {
  readonly code = 'CALL_ANSWER_UNUSABLE';
}

/** Tells whether a failed call may succeed later, because the provider is away or asks to wait. */
export function isPassing(error: unknown): error is ProviderUnavailableError | ProviderRateLimitedError {
  return error instanceof ProviderUnavailableError || error instanceof ProviderRateLimitedError;
}
