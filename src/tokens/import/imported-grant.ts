import type { Metadata } from '../store/metadata.js';

/** Tokens that another system obtained, with what it knows about them. */
export interface ImportedGrant {
  readonly userId: string;
  /** Slug. */
  readonly provider: string;
  readonly accessToken?: string | undefined;
  readonly refreshToken?: string | undefined;
  /** OAuth 1.0a. */
  readonly tokenSecret?: string | undefined;
  /** A second refresh token, of another deployment. */
  readonly spareRefreshToken?: string | undefined;
  readonly expiresAt?: Date | undefined;
  readonly refreshExpiresAt?: Date | undefined;
  /** When the access token was issued. */
  readonly issuedAt?: Date | undefined;
  /** The granted scopes; `undefined` when the other system does not know them. */
  readonly scopes?: readonly string[] | undefined;
  /** The scopes that were asked for; the scopes of this deployment's settings if absent. */
  readonly scopesRequested?: readonly string[] | undefined;
  readonly providerUserId?: string | undefined;
  readonly formerUserId?: string | undefined;
  /** As in a token set: the next response must name the user. */
  readonly mustNameUser?: boolean | undefined;
  /** The client that the tokens were issued to; the one of this deployment if absent. */
  readonly clientId?: string | undefined;
  /** The same, as another deployment names it. */
  readonly registrationId?: string | undefined;
  readonly metadata?: Metadata | undefined;
}

/** Why a row is not imported. `docs/moving.md` has the same list; a test compares them. */
export const importRefusals = {
  invalid: 'The row is malformed.',
  access_denied: 'This API key is not allowed to use this provider.',
  provider_unknown: 'No provider has this slug.',
  provider_not_configured: 'The provider has no credentials in this deployment. Set its client id and secret first.',
  provider_retired: 'The provider has shut down its API.',
  other_registration:
    'The tokens were issued to another client id than the one of this deployment. A provider refuses them here.',
  wrong_version: 'The tokens do not fit the OAuth version of the provider: only OAuth 1.0a has a token secret.',
  no_usable_token: 'There is no refresh token, and no access token that still works. The user must link the account.',
  refresh_token_expired: 'The refresh token has expired. The user must link the account.',
  user_erased: 'The user was erased here. The user must link the account.',
  already_linked: 'The user has a connection to this provider. Import with the option "replace" to replace its tokens.',
  older_tokens: 'The connection has newer tokens than the row.',
  account_already_linked: 'Another user has connected the same account.',
  account_changed: 'The connection of the user has another account.',
  account_mismatch: 'The provider names another account than the row.',
  token_rejected: "The provider's API rejects the access token.",
  failed: 'The row could not be stored. Run the import again; report it if that does not help.',
} as const;

export type ImportRefusal = keyof typeof importRefusals;

/** A fact that a row lacks. The row is imported nevertheless. */
export type ImportWarning =
  'scopes_unknown' | 'scopes_missing' | 'account_unknown' | 'no_refresh_token' | 'not_verified';

/** The result of a row. `already_imported`: an earlier run has imported the same tokens. */
export type ImportResult =
  | {
      readonly outcome: 'imported' | 'already_imported';
      /** `undefined` in a dry run, where there is none yet. */
      readonly connectionId: string | undefined;
      readonly warnings: readonly ImportWarning[];
    }
  | { readonly outcome: 'refused'; readonly reason: ImportRefusal };
