import type { AuthorizationStart, CallbackParameters, Handshake, HandshakeSecrets } from './handshake.js';
import type { Patience } from './http/http-message.js';
import type { OAuth2Definition, ProviderDefinition } from './definition/provider-definition.js';
import type { ProviderSettings } from './definition/provider-settings.js';
import type { TokenResponse } from './token-response.js';

/** The tokens of a connection that a refresh, a revocation or an account lookup needs. */
export interface GrantTokens {
  readonly accessToken: string;
  readonly tokenSecret?: string | undefined;
  readonly refreshToken?: string | undefined;
  readonly providerUserId?: string | undefined;
  /** Scopes of the connection; the scopes from the settings if these are unknown. */
  readonly scopes?: readonly string[] | null | undefined;
}

/** Whether a provider's API accepts an access token. */
export type AccessVerdict = 'accepted' | 'rejected' | 'unknown';

/**
 * A provider: its definition, its settings here, and the operations it supports. The core uses providers only through
 * this interface.
 */
export interface HealthProvider {
  readonly definition: ProviderDefinition;
  readonly settings: ProviderSettings;
  /**
   * Allowed origins of requests besides those of the settings' endpoints, such as `https://auth.example`. Most
   * providers have none.
   */
  readonly furtherOrigins?: readonly string[];

  /**
   * Prepares the authorization request of one link attempt. For OAuth 1.0a this asks the provider for temporary
   * credentials.
   *
   * @param handshake - state, redirect URI and scopes of the attempt
   * @returns the URL for the browser, and the secrets to keep sealed until the callback
   * @throws {@link ProviderMisconfiguredError} when the provider rejects our client credentials (OAuth 1.0a)
   * @throws {@link ProviderUnavailableError} or {@link ProviderRateLimitedError} when it does not respond (OAuth 1.0a)
   * @throws {@link InvalidTokenResponseError} when it does not confirm the callback (OAuth 1.0a)
   * @see RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 5849 section 2.1
   */
  begin(handshake: Handshake): Promise<AuthorizationStart>;

  /**
   * Checks a callback without redeeming anything. {@link complete} does the same first. Use this for a callback whose
   * code must wait.
   *
   * @param callback - the parameters of the callback, none of them repeated
   * @throws {@link AuthorizationDeniedError} when the user declined
   * @throws {@link AuthorizationStateError} when there is no code or verifier, or the callback is from another issuer
   *   (AR-08)
   * @throws {@link RequestInvalidError} when there is a code and an error (OAuth 2.0)
   * @throws {@link AuthorizationFailedError}, {@link ProviderMisconfiguredError} or {@link ProviderUnavailableError}
   *   when the provider ended the authorization with an error
   * @see RFC 6749 section 4.1.2, RFC 9207 section 2.4, RFC 5849 section 2.2
   */
  checkCallback(callback: CallbackParameters): void;

  /**
   * Exchanges a callback for tokens: checks it for errors, then redeems the code or verifier exactly once. Pass the
   * token response to {@link verify} before any other use.
   *
   * The caller has already consumed the attempt, so this cannot be called twice for it.
   *
   * @param callback - the parameters of the callback, none of them repeated
   * @param handshake - as given to {@link begin}
   * @param secrets - as returned by {@link begin}
   * @throws {@link AuthorizationDeniedError} when the user declined
   * @throws {@link AuthorizationStateError} when the callback does not belong to this attempt
   * @throws {@link AuthorizationCodeRefusedError} when the provider rejects the code or verifier
   * @throws {@link AuthorizationFailedError} when the provider ends the authorization for another reason
   * @throws {@link ProviderMisconfiguredError} when our credentials or redirect URI are wrong
   * @throws {@link ProviderUnavailableError} when the outcome is unknown or the provider is down; never retried (AR-22)
   * @throws {@link InvalidTokenResponseError} when the token response cannot be used
   * @see RFC 6749 section 4.1.2 to 4.1.4, RFC 5849 section 2.2 and 2.3
   */
  complete(callback: CallbackParameters, handshake: Handshake, secrets: HandshakeSecrets): Promise<TokenResponse>;

  /**
   * Verifies the user that a token response names, before any other use: the ID token, where the provider issues
   * one (AR-18). This is a separate step so that the caller can revoke the grant if it fails.
   *
   * @param tokenResponse - as returned by {@link complete}
   * @param secrets - as returned by {@link begin}
   * @returns the token response, with the user's id if an ID token contains it
   * @throws {@link InvalidTokenResponseError} when the ID token is missing, or not for this client, this link or this
   *   time
   * @throws {@link ProviderUnavailableError} when the signing keys cannot be read
   * @see OpenID Connect Core 1.0 section 3.1.3.7
   */
  verify(tokenResponse: TokenResponse, secrets: HandshakeSecrets): Promise<TokenResponse>;

  /**
   * Checks that tokens belong to the server in the settings. Most providers have one server only.
   *
   * @throws {@link ProviderMisconfiguredError} when they belong to another server: nothing may be sent with them
   */
  checkServer?(tokens: GrantTokens): void;

  /**
   * Exchanges a refresh token for a new token response. Call it only while holding the lease, and never twice with the
   * same rotating token.
   *
   * @param tokens - the current set, with the refresh token as last issued by the provider
   * @param patience - keeps reading the response after the time limit of the definition
   * @returns the token response; if it has no refresh token, the old one stays valid
   * @throws {@link TokenRevokedError} when the provider says that the grant is dead
   * @throws {@link ProviderMisconfiguredError} when our credentials are wrong
   * @throws {@link ProviderRateLimitedError} on HTTP 429
   * @throws {@link ProviderUnavailableError} when it does not respond; `fate` says whether it may have acted
   * @throws {@link InvalidTokenResponseError} when the response cannot be used
   * @throws {@link ConnectionNotRefreshableError} for OAuth 1.0a
   * @see RFC 6749 section 6
   */
  refresh(tokens: GrantTokens, patience?: Patience): Promise<TokenResponse>;

  /**
   * Revokes the grant at the provider.
   *
   * @returns `unsupported` if the provider offers no way
   * @throws any of the provider errors when it refused or did not respond
   * @see RFC 7009 section 2.1
   */
  revoke(tokens: GrantTokens): Promise<'revoked' | 'unsupported'>;

  /**
   * Exchanges a grant for one of the successor, without the user. Absent if users must consent again.
   *
   * No provider documents the effect of a second exchange. So the caller records the start of each exchange, and never
   * repeats one whose response was lost.
   *
   * @param tokens - the current set
   * @param successor - the definition of the provider that replaces this one
   * @param patience - keeps reading the response after the time limit
   * @returns the token response of the successor; the old grant stays valid for a while, which the provider decides
   * @throws {@link AuthorizationFailedError} when the provider refuses the exchange
   * @throws {@link ProviderMisconfiguredError} when it rejects our client, signature or clock
   * @throws {@link ProviderRateLimitedError} on HTTP 429
   * @throws {@link ProviderUnavailableError} when it does not respond; `fate` says whether it may have acted
   * @throws {@link InvalidTokenResponseError} when the response cannot be used; the provider has acted
   */
  exchangeGrant?(tokens: GrantTokens, successor: OAuth2Definition, patience?: Patience): Promise<TokenResponse>;

  /**
   * Returns the user's id at the provider, from the tokens or by one API call; `undefined` if the provider documents no
   * way.
   *
   * @throws any of the provider errors when the call fails or the response has no id
   */
  findProviderUserId(tokens: GrantTokens): Promise<string | undefined>;

  /**
   * Asks the provider's API whether it accepts the access token, by a call that does no harm.
   *
   * @param tokens - with an access token that has not expired
   * @returns `unknown` if the provider has no such call
   * @throws any of the provider errors when the response decides nothing
   */
  checkAccess(tokens: GrantTokens): Promise<AccessVerdict>;

  /**
   * Does what the provider requires once after a link before its API responds, such as registering the user.
   *
   * @throws any of the provider errors when it refused; the link then fails
   */
  prepareAccount(tokenResponse: TokenResponse): Promise<void>;
}
