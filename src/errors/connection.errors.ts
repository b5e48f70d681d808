import { AppError } from './app-error.js';

/** The user has no connection to this provider. */
export class ConnectionNotFoundError extends AppError {
  readonly code = 'CONNECTION_NOT_FOUND';

  constructor() {
    super('This user is not connected to this provider. Start a link first.');
  }
}

/** The provider issued no refresh token, so there is nothing to refresh. */
export class ConnectionNotRefreshableError extends AppError {
  readonly code = 'CONNECTION_NOT_REFRESHABLE';

  constructor() {
    super(
      'The provider issued no refresh token, so this connection cannot be refreshed. Use the access token while it works.',
    );
  }
}

/** The caller needs scopes that the user has not granted, or the granted scopes are unknown (AR-17). */
export class ScopeNotGrantedError extends AppError {
  readonly code = 'SCOPE_NOT_GRANTED';

  /**
   * @param missing - the requested scopes that were not granted
   * @param options - `areKnown`: false when the granted scopes are unknown
   */
  constructor(missing: readonly string[], { areKnown }: { readonly areKnown: boolean }) {
    super(
      areKnown
        ? `The user has not granted: ${missing.join(' ')}. Start a link that asks for these scopes.`
        : `The granted scopes are unknown, because the provider's response did not list them in a readable way. ` +
            `Ask for the token without "scope" and let the provider's API decide, or start a new link.`,
    );
  }
}

/** A refresh is in flight elsewhere, or its last outcome is being confirmed. The caller retries later. */
export class RefreshPendingError extends AppError {
  readonly code = 'TOKEN_REFRESH_PENDING';
}

/** The operator has frozen the connection, because another system may use its tokens. Nothing was sent. */
export class ConnectionFrozenError extends AppError {
  readonly code = 'CONNECTION_FROZEN';

  constructor() {
    super(
      'This connection is frozen while it moves to another system, so its tokens are not refreshed. ' +
        'The operator must thaw it, or point this call at the other system.',
    );
  }
}

/**
 * A sealed value cannot be decrypted: wrong key, altered bytes, or moved to another row. Never a reason to end a
 * connection.
 */
export class TokenUnreadableError extends AppError {
  readonly code = 'TOKEN_UNREADABLE';

  constructor(detail: string) {
    super(
      'A stored value cannot be decrypted with the keys of this deployment: the root key is another one, or somebody has altered ' +
        'the row. The operator must check both.',
      {
        detail,
      },
    );
  }
}

/**
 * A branch key cannot be used now: unwrapped too long ago, disabled, or used up. Nothing was sealed, decrypted or
 * spent.
 */
export class KeyUnavailableError extends AppError {
  readonly code = 'KEY_UNAVAILABLE';

  /** @param detail - which key and why, for the log */
  constructor(detail: string) {
    super(
      'The encryption keys cannot be used at the moment. The operator must check the key service. Try again later.',
      {
        detail,
        retryAfterSeconds: 30,
      },
    );
  }
}

/** Another user of the company has connected the same account at the provider (AR-23). */
export class AccountAlreadyLinkedError extends AppError {
  readonly code = 'ACCOUNT_ALREADY_LINKED';

  constructor() {
    super('Another user has already connected this account. Unlink it there first, or use another account.');
  }
}

/** A new link has another account at the provider than the connection (AR-24). */
export class AccountChangedError extends AppError {
  readonly code = 'ACCOUNT_CHANGED';

  constructor() {
    super(
      'This account differs from the one connected before. Use that account, unlink it first, or start a link with on_account_change "replace".',
    );
  }
}
