import { AppError, type AppErrorOptions } from './app-error.js';

/** The user declined, or the provider declined for the user (RFC 6749 section 4.1.2.1 `access_denied`). */
export class AuthorizationDeniedError extends AppError {
  readonly code = 'AUTHORIZATION_DENIED';

  constructor() {
    super('The user declined the connection. Start a new link when the user wants to connect.');
  }
}

/**
 * The callback belongs to no open link: its state is missing, forged, expired, already used, or from another provider.
 */
export class AuthorizationStateError extends AppError {
  readonly code = 'AUTHORIZATION_STATE_INVALID';

  constructor(detail?: string) {
    super(
      'This link is no longer valid: it was already used, has expired, or was not started here. Start a new link.',
      detail === undefined ? {} : { detail },
    );
  }
}

/** The provider rejected the authorization code or the verifier. Codes live for seconds to minutes and work once. */
export class AuthorizationCodeRefusedError extends AppError {
  readonly code = 'AUTHORIZATION_CODE_REFUSED';
}

/**
 * The provider ended the authorization with an error that is neither the user's refusal nor a fault in our settings.
 */
export class AuthorizationFailedError extends AppError {
  readonly code = 'AUTHORIZATION_FAILED';
  /** Whether the provider's API rejected the access token itself (HTTP 401), not just the call. */
  readonly rejectsToken: boolean;

  constructor(message: string, options: AppErrorOptions & { readonly rejectsToken?: boolean } = {}) {
    super(message, options);
    this.rejectsToken = options.rejectsToken ?? false;
  }
}

/**
 * A link was confirmed for another user than the one it was started for: somebody opened another user's link (AR-04).
 */
export class LinkUserMismatchError extends AppError {
  readonly code = 'LINK_USER_MISMATCH';

  constructor() {
    super(
      'This link was started for another user, so nothing was connected. The signed-in user must start a new link.',
    );
  }
}

/**
 * The browser has no open link session: its link was opened elsewhere, has expired, or is not from this service
 * (AR-05).
 */
export class LinkSessionInvalidError extends AppError {
  readonly code = 'LINK_SESSION_INVALID';

  constructor() {
    super(
      'This link has expired or was opened in another browser. Go back to where you got the link, and ask for a new one.',
    );
  }
}

/** The browser has no open session of the console: it was never opened here, has expired or was ended. */
export class ConsoleSessionInvalidError extends AppError {
  readonly code = 'CONSOLE_SESSION_INVALID';

  constructor(message = 'Your session has ended. Sign in again.') {
    super(message);
  }
}
