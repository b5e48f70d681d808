/** The secrets of a link between its start and its callback. They are stored sealed. */
export interface HandshakeSecrets {
  /** PKCE verifier (RFC 7636 section 4.1), if the provider takes PKCE. */
  readonly codeVerifier?: string;
  /** OpenID Connect nonce, if the provider returns one in its ID token. */
  readonly nonce?: string;
  /** Discovered endpoints at the start of the link, as JSON, if the provider's endpoints are discovered. No secret. */
  readonly discovered?: string;
  /** OAuth 1.0a temporary credentials (RFC 5849 section 2.1). */
  readonly temporaryToken?: string;
  readonly temporaryTokenSecret?: string;
}

/** The facts of one link attempt that a provider needs. */
export interface Handshake {
  /** The one-time value that comes back in the callback. For OAuth 1.0a it is part of the redirect URI. */
  readonly state: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
}

/** The URL for the browser, and the secrets to keep for its return. */
export interface AuthorizationStart {
  readonly authorizeUrl: string;
  readonly secrets: HandshakeSecrets;
  /** How long the provider accepts the URL, in seconds; `undefined` when it does not say. */
  readonly expiresInSeconds?: number | undefined;
}

/** The parameters of a callback that are used, each at most once (RFC 6749 section 3.1) and none of them empty. */
export type CallbackParameters = Readonly<Record<string, string>>;
