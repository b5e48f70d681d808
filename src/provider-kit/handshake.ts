/** What has to be kept, sealed, between the start of a link and its callback. */
export interface HandshakeSecrets {
  /** PKCE verifier (RFC 7636 section 4.1), where the provider takes PKCE. */
  readonly codeVerifier?: string;
  /** OpenID Connect nonce, where the provider echoes one in its ID token. */
  readonly nonce?: string;
  /** Where a provider's endpoints are discovered: those that the link was started with, as JSON. No secret. */
  readonly discovered?: string;
  /** OAuth 1.0a temporary credentials (RFC 5849 section 2.1). */
  readonly temporaryToken?: string;
  readonly temporaryTokenSecret?: string;
}

/** One link attempt, as a provider needs to know it. */
export interface Handshake {
  /** The one-time value that comes back in the callback. For OAuth 1.0a it is part of the redirect URI. */
  readonly state: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
}

/** Where to send the browser, and what to keep for its return. */
export interface AuthorizationStart {
  readonly authorizeUrl: string;
  readonly secrets: HandshakeSecrets;
  /** How long the provider takes the browser, in seconds; `undefined` when it does not tell. */
  readonly expiresInSeconds?: number | undefined;
}

/** The parameters of a callback that are used, each at most once (RFC 6749 section 3.1) and none of them empty. */
export type CallbackParameters = Readonly<Record<string, string>>;
