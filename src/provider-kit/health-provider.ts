import type { AuthorizationStart, CallbackParameters, Handshake, HandshakeSecrets } from './handshake.js';
import type { Patience } from './http-client.js';
import type { OAuth2Definition, ProviderDefinition } from './provider-definition.js';
import type { ProviderSettings } from './provider-settings.js';
import type { TokenGrant } from './token-grant.js';

/** The tokens of a connection, as far as refreshing or ending its grant, or asking for the account, needs them. */
export interface GrantTokens {
  readonly accessToken: string;
  readonly tokenSecret?: string | undefined;
  readonly refreshToken?: string | undefined;
  readonly providerUserId?: string | undefined;
  /** Of the connection; those that the settings ask for where they are not known. */
  readonly scopes?: readonly string[] | null | undefined;
}

/** One device maker's API: its facts, its settings here, and what can be asked of it. The core knows providers only by this. */
export interface HealthProvider {
  readonly definition: ProviderDefinition;
  readonly settings: ProviderSettings;
  /** Origins that requests may go to beside those of the settings' endpoints, such as `https://auth.example`; most have none. */
  readonly furtherOrigins?: readonly string[];

  /**
   * Prepares the authorisation request of one link attempt. For OAuth 1.0a this asks the provider for temporary credentials.
   *
   * @param handshake - state, redirect URI and scopes of the attempt
   * @returns the URL for the browser, and what to keep sealed until it comes back
   * @throws {@link ProviderMisconfiguredError} when the provider refuses our client credentials (OAuth 1.0a)
   * @throws {@link ProviderUnavailableError} or {@link ProviderRateLimitedError} when it does not answer (OAuth 1.0a)
   * @throws {@link InvalidTokenResponseError} when it does not confirm the callback (OAuth 1.0a)
   * @see RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 5849 section 2.1
   */
  begin(handshake: Handshake): Promise<AuthorizationStart>;

  /**
   * Reads a callback before anything is redeemed. {@link complete} does the same first; this is for a callback whose code has to wait.
   *
   * @param callback - the parameters of the callback, none of them repeated
   * @throws {@link AuthorizationDeniedError} when the user said no
   * @throws {@link AuthorizationStateError} when there is no code or verifier, or the callback is another issuer's (AR-08)
   * @throws {@link RequestInvalidError} when there is a code and an error (OAuth 2.0)
   * @throws {@link AuthorizationFailedError}, {@link ProviderMisconfiguredError} or {@link ProviderUnavailableError} when the provider
   *   ended the authorisation with an error
   * @see RFC 6749 section 4.1.2, RFC 9207 section 2.4, RFC 5849 section 2.2
   */
  checkCallback(callback: CallbackParameters): void;

  /**
   * Turns a callback into a grant: reads refusals, then redeems the code or verifier exactly once. The grant is {@link verify}'s
   * before it is anybody else's.
   *
   * The caller has consumed the attempt before, so a second call for it cannot happen.
   *
   * @param callback - the parameters of the callback, none of them repeated
   * @param handshake - as given to {@link begin}
   * @param secrets - as returned by {@link begin}
   * @throws {@link AuthorizationDeniedError} when the user said no
   * @throws {@link AuthorizationStateError} when the callback does not belong to this attempt
   * @throws {@link AuthorizationCodeRefusedError} when the provider refuses the code or verifier
   * @throws {@link AuthorizationFailedError} when the provider ends the authorisation for another reason
   * @throws {@link ProviderMisconfiguredError} when our credentials or redirect URI are wrong
   * @throws {@link ProviderUnavailableError} when the outcome is unknown or the provider is down; never retried (AR-22)
   * @throws {@link InvalidTokenResponseError} when the token answer cannot be used
   * @see RFC 6749 section 4.1.2 to 4.1.4, RFC 5849 section 2.2 and 2.3
   */
  complete(callback: CallbackParameters, handshake: Handshake, secrets: HandshakeSecrets): Promise<TokenGrant>;

  /**
   * Checks what a redeemed grant says of its user, before it is used for anything: the ID token, where the provider issues one
   * (AR-18). It is a step of its own so that a grant which is refused can be ended.
   *
   * @param grant - as returned by {@link complete}
   * @param secrets - as returned by {@link begin}
   * @returns the grant, with the user's id where an ID token tells it
   * @throws {@link InvalidTokenResponseError} when the ID token is missing, or not for this client, this link or this time
   * @throws {@link ProviderUnavailableError} when the signing keys cannot be read
   * @see OpenID Connect Core 1.0 section 3.1.3.7
   */
  verify(grant: TokenGrant, secrets: HandshakeSecrets): Promise<TokenGrant>;

  /**
   * Checks that tokens are for the server that the settings name; most providers have one server only.
   *
   * @throws {@link ProviderMisconfiguredError} when they are another's: nothing may be sent with them
   */
  checkServer?(tokens: GrantTokens): void;

  /**
   * Exchanges a refresh token for a new grant. Called with a claim held, never twice with the same rotating token.
   *
   * @param tokens - the set in force, with the refresh token as last issued by the provider
   * @param patience - reads the response on after the time limit of the definition
   * @returns the grant; without a refresh token in it the old one stays valid
   * @throws {@link TokenRevokedError} when the provider says that the grant is dead
   * @throws {@link ProviderMisconfiguredError} when our credentials are wrong
   * @throws {@link ProviderRateLimitedError} on HTTP 429
   * @throws {@link ProviderUnavailableError} when it does not answer; `fate` tells whether it may have acted
   * @throws {@link InvalidTokenResponseError} when the answer cannot be used
   * @throws {@link ConnectionNotRefreshableError} for OAuth 1.0a
   * @see RFC 6749 section 6
   */
  refresh(tokens: GrantTokens, patience?: Patience): Promise<TokenGrant>;

  /**
   * Ends the grant at the provider.
   *
   * @returns `unsupported` where the provider offers no way
   * @throws any of the provider errors when it refused or did not answer
   * @see RFC 7009 section 2.1
   */
  revoke(tokens: GrantTokens): Promise<'revoked' | 'unsupported'>;

  /**
   * Exchanges a grant for one of the provider that replaces this one, without the user. Absent where users have to consent anew.
   *
   * Nobody documents what a second exchange does, so the caller writes down that one begins, and repeats none whose answer was lost.
   *
   * @param tokens - the set in force
   * @param successor - the facts of the provider that replaces this one
   * @param patience - reads the response on after the time limit
   * @returns the grant of the successor; this one stays as it is for a while, how long is the provider's to say
   * @throws {@link AuthorizationFailedError} when the provider refuses the exchange
   * @throws {@link ProviderMisconfiguredError} when it refuses our client, signature or clock
   * @throws {@link ProviderRateLimitedError} on HTTP 429
   * @throws {@link ProviderUnavailableError} when it does not answer; `fate` tells whether it may have acted
   * @throws {@link InvalidTokenResponseError} when the answer cannot be used; the provider has acted
   */
  exchangeGrant?(tokens: GrantTokens, successor: OAuth2Definition, patience?: Patience): Promise<TokenGrant>;

  /**
   * Returns the user's id at the provider, from the tokens or by one API call; `undefined` where the provider documents no way.
   *
   * @throws any of the provider errors when the call fails or the answer has no id
   */
  findProviderUserId(tokens: GrantTokens): Promise<string | undefined>;

  /**
   * Does what the provider wants done once after a link before its API answers, such as registering the user.
   *
   * @throws any of the provider errors when it refused; the link then fails
   */
  prepareAccount(grant: TokenGrant): Promise<void>;
}
