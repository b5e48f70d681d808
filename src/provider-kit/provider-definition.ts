import type { SandboxMaker } from './sandbox-maker.js';

/** Whether a provider can still be linked. Dates are calendar days in UTC, `YYYY-MM-DD`. */
export type Lifecycle =
  | { readonly status: 'live' }
  | { readonly status: 'retiring' | 'retired'; readonly sunsetAt: string; readonly replacedBy?: string };

/** Where the user's id at the provider is found. */
export type AccountLookup =
  /** A top-level field of the token answer. */
  | { readonly from: 'token-response'; readonly field: string }
  /** A top-level field of a JSON answer to an authenticated GET. */
  | { readonly from: 'api'; readonly url: string; readonly field: string };

/** How a grant is ended at the provider; how the call proves that we may. */
export type Revocation =
  /** `Authorization: Bearer` with the user's access token. */
  | { readonly proof: 'bearer'; readonly method: 'DELETE' | 'POST' | 'GET'; readonly url: string }
  /** RFC 7009: client authentication as at the token endpoint, `token` in the form. */
  | { readonly proof: 'client'; readonly method: 'POST'; readonly url: string }
  /** The access token in the query. Only where the provider knows no other way: URLs end up in logs. */
  | { readonly proof: 'query'; readonly method: 'POST' | 'GET'; readonly url: string; readonly parameter: string }
  /** OAuth 1.0a signature with the client and the user's token. */
  | { readonly proof: 'signature'; readonly method: 'DELETE' | 'POST' | 'GET'; readonly url: string };

/** What happens at the provider when a token is refreshed. Unknown facts take the strictest value. */
export interface RefreshPolicy {
  /** Whether a refresh replaces the refresh token. */
  readonly rotates: 'always' | 'sometimes' | 'never';
  /** What the provider does with a refresh token that was already used. */
  readonly reuse: 'ignored' | 'error' | 'family-revoked';
  /** How long the previous refresh token still works after a rotation. */
  readonly grace: 'none' | 'until-new-token-used' | { readonly seconds: number };
  /** Whether a refresh ends the previous access token at once. */
  readonly oldAccessTokenDiesOnRefresh: boolean;
  /** Total time one token request may take, in milliseconds; below the length of a claim. */
  readonly timeoutMs: number;
}

interface DefinitionBase {
  /** Name in URLs, the database and the environment: lower case, digits and `-`. */
  readonly slug: string;
  readonly displayName: string;
  readonly lifecycle: Lifecycle;
  readonly authorizeUrl: string;
  readonly apiBaseUrl: string;
  readonly defaultScopes: readonly string[];
  readonly account: AccountLookup;
  /** `undefined` where the provider offers no way to end a grant. */
  readonly revocation: Revocation | undefined;
  readonly docsUrl: string;
  /** What could not be confirmed, one sentence each. */
  readonly uncertain: readonly string[];
  /** What the provider's fake in the vendor sandbox expects; written from its documentation, not from the fields above. */
  readonly sandbox: SandboxMaker;
}

/** A provider that speaks OAuth 2.0 (RFC 6749). */
export interface OAuth2Definition extends DefinitionBase {
  readonly oauth: '2.0';
  readonly tokenUrl: string;
  /** Client authentication at the token endpoint (RFC 6749 section 2.3.1): header, form, or none (public client). */
  readonly clientAuthentication: 'basic' | 'body' | 'none';
  /** PKCE with S256 (RFC 7636). `unsupported` also where a provider documents nothing about it. */
  readonly pkce: 'required' | 'supported' | 'unsupported';
  readonly scopeSeparator: ' ' | ',';
  readonly extraAuthorizeParams?: Readonly<Record<string, string>>;
  /** Sent as `scope` with a refresh, where the provider asks for it. */
  readonly scopeOnRefresh?: string;
  /**
   * Where the granted scopes are read: the token answer (RFC 6749 section 5.1), the callback's query, or nowhere because what
   * the provider sends there says nothing about the user's choice.
   */
  readonly grantedScopesIn: 'token-response' | 'callback' | 'nowhere';
  /** Documented life of an access token in seconds, used when the answer has no `expires_in`; `undefined` where not published. */
  readonly accessTokenLifetimeSeconds: number | undefined;
  /** Field with the refresh token's life in seconds, where the answer has one. */
  readonly refreshExpiresInField?: string;
  readonly refresh: RefreshPolicy;
  /**
   * Reads `error` out of an error body of the provider's own shape.
   *
   * @param body - the parsed JSON of an answer without an access token, whatever its HTTP status
   * @returns an error code of RFC 6749 section 5.2, or `undefined` when the body has none. Never free text: it may quote a token.
   */
  readonly parseErrorCode?: (body: unknown) => string | undefined;
}

/** A provider that speaks OAuth 1.0a (RFC 5849). */
export interface OAuth1Definition extends DefinitionBase {
  readonly oauth: '1.0a';
  readonly requestTokenUrl: string;
  readonly accessTokenUrl: string;
  readonly signatureMethod: 'HMAC-SHA1' | 'HMAC-SHA256';
}

/** The facts about one provider, as data. */
export type ProviderDefinition = OAuth2Definition | OAuth1Definition;

/**
 * Declares a provider. Returns its argument, checked by type and for the few things that types cannot say.
 *
 * @throws Error when the slug or a URL is malformed; the boot fails
 */
export function defineProvider<Definition extends ProviderDefinition>(definition: Definition): Definition {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(definition.slug)) {
    throw new Error(`Provider slug "${definition.slug}" must be lower-case words joined by "-".`);
  }
  const urls = [definition.authorizeUrl, definition.apiBaseUrl, definition.revocation?.url].filter(
    (url) => url !== undefined,
  );
  for (const url of urls) {
    if (new URL(url).protocol !== 'https:') {
      throw new Error(`Provider "${definition.slug}": ${url} must be https.`);
    }
  }
  return definition;
}
