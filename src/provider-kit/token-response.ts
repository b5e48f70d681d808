import { inspect } from 'node:util';
import { knownSecrets } from '../redaction/known-secrets.js';

/** The parts of a {@link TokenResponse}. Which of them are set depends on the OAuth version and on the provider. */
export interface TokenResponseFields {
  /** OAuth 2.0 access token, or the OAuth 1.0a token (RFC 5849 section 2.3). */
  readonly accessToken: string;
  /** OAuth 1.0a token secret; absent for OAuth 2.0. */
  readonly tokenSecret?: string;
  /** Absent when the provider sent none, or an empty one. The stored one then stays valid (RFC 6749 section 6). */
  readonly refreshToken?: string;
  /** Life of the access token in seconds, counted from `requestedAt`; absent when neither sent nor documented. */
  readonly expiresInSeconds?: number;
  /** Life of the refresh token in seconds, counted from `requestedAt`. */
  readonly refreshExpiresInSeconds?: number;
  /**
   * Granted scopes by the provider. Absent when it named none (RFC 6749 section 5.1), empty for an empty field, `null`
   * for an unreadable one.
   */
  readonly grantedScopes?: readonly string[] | null;
  /** The user's id at the provider, if the response has it. */
  readonly providerUserId?: string;
  /** The id of this user in earlier connections, from a verified ID token. */
  readonly formerUserId?: string;
  /** OpenID Connect ID token, unverified; used once to learn the user's id and not stored. */
  readonly idToken?: string;
  /** The instant just before the request left. So a slow response never makes a token look younger than it is. */
  readonly requestedAt: Date;
}

/**
 * A successful response of the token endpoint that is not stored yet. It prints as a placeholder; do not keep it after
 * sealing.
 */
export class TokenResponse {
  readonly accessToken: string;
  readonly tokenSecret: string | undefined;
  readonly refreshToken: string | undefined;
  readonly expiresInSeconds: number | undefined;
  readonly refreshExpiresInSeconds: number | undefined;
  readonly grantedScopes: readonly string[] | null | undefined;
  readonly providerUserId: string | undefined;
  readonly formerUserId: string | undefined;
  readonly idToken: string | undefined;
  readonly requestedAt: Date;

  constructor(fields: TokenResponseFields) {
    this.accessToken = fields.accessToken;
    this.tokenSecret = fields.tokenSecret;
    this.refreshToken = fields.refreshToken;
    this.expiresInSeconds = fields.expiresInSeconds;
    this.refreshExpiresInSeconds = fields.refreshExpiresInSeconds;
    this.grantedScopes = fields.grantedScopes;
    this.providerUserId = fields.providerUserId;
    this.formerUserId = fields.formerUserId;
    this.idToken = fields.idToken;
    this.requestedAt = fields.requestedAt;
    for (const token of [this.accessToken, this.tokenSecret, this.refreshToken, this.idToken]) {
      knownSecrets.addToken(token ?? '');
    }
  }

  /** Returns a copy with some parts replaced. */
  with(fields: { [Field in keyof TokenResponseFields]?: TokenResponseFields[Field] | undefined }): TokenResponse {
    return new TokenResponse({ ...this, ...fields } as TokenResponseFields);
  }

  toJSON(): string {
    return '[TokenResponse]';
  }

  [inspect.custom](): string {
    return '[TokenResponse]';
  }
}
