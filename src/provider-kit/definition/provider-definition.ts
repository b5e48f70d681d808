import type { AssertionAlgorithm } from './assertion-key.js';
import { urlsOfNotifications } from './notification-settings.js';
import type { Notifications } from './notifications.js';
import type { SandboxDefinition } from './sandbox-definition.js';

/** Whether a provider can still be linked. Dates are calendar days in UTC, `YYYY-MM-DD`. */
export type Lifecycle =
  | { readonly status: 'live' }
  | { readonly status: 'retiring' | 'retired'; readonly sunsetAt: string; readonly replacedBy?: string };

/**
 * The signature algorithms allowed for ID tokens. Asymmetric only: with a symmetric algorithm, anyone who knows the
 * public key could sign.
 */
export type IdTokenAlgorithm = 'RS256' | 'ES256' | 'PS256';

/**
 * Where to find the user's id at the provider. A `field` may be a path into objects and arrays, its steps joined by
 * dots: `athlete.id`, `objects.0.id`. Alternatives are joined by `|`; the first one present counts: `UserID|UserId`.
 */
export type AccountLookup =
  | { readonly from: 'token-response'; readonly field: string }
  /** A field of the JSON response to an authenticated GET. */
  | {
      readonly from: 'api';
      readonly url: string;
      readonly field: string;
      /**
       * Headers that the call needs beside `Authorization`. Their values are the operator's own and come from the
       * environment: `x-api-key` from `<PREFIX>_X_API_KEY`.
       */
      readonly headers?: readonly string[];
    }
  /**
   * A claim of the ID token, which is verified before the tokens are used (OpenID Connect Core 1.0 section 3.1.3.7).
   * Its issuer must be one of the definition's `issuers`.
   */
  | {
      readonly from: 'id-token';
      /** `sub` when absent. */
      readonly claim?: string;
      /**
       * The claim that held the user's id before. It means the same user, and is replaced at the next refresh that has
       * both.
       */
      readonly formerClaim?: string;
      /**
       * URL of the signing keys. Without it the signature is not checked, which section 3.1.3.7 (6) allows because the
       * token came straight from the token endpoint over TLS.
       */
      readonly jwksUrl?: string;
      /** The algorithms that the provider documents; all of {@link IdTokenAlgorithm} when absent. */
      readonly algorithms?: readonly IdTokenAlgorithm[];
    }
  /** The provider documents no way to get it. */
  | { readonly from: 'nowhere' };

/**
 * How to revoke a grant at the provider, and how the request proves that it is allowed. `{clientId}` and
 * `{providerUserId}` in a URL are replaced with our client id and the user's id.
 */
export type Revocation =
  /** `Authorization: Bearer` with the user's access token. */
  | { readonly proof: 'bearer'; readonly method: 'DELETE' | 'POST' | 'GET'; readonly url: string }
  /** RFC 7009: client authentication and `token` in the form. */
  | {
      readonly proof: 'client';
      readonly method: 'POST';
      readonly url: string;
      /** If it differs from that of the token endpoint. */
      readonly clientAuthentication?: 'basic' | 'body';
    }
  /** `token` in the form is the only proof. */
  | {
      readonly proof: 'token';
      readonly method: 'POST';
      readonly url: string;
      /** HTTP status that means that the token had already ended, which counts as success. */
      readonly goneStatus?: number;
    }
  /** A provider-specific call; the provider's class overrides `revoke`. */
  | { readonly proof: 'custom'; readonly method: 'POST'; readonly url: string }
  /** The access token in the query. Only if the provider supports nothing else: URLs end up in logs. */
  | { readonly proof: 'query'; readonly method: 'POST' | 'GET'; readonly url: string; readonly parameter: string }
  /** OAuth 1.0a signature with the client and the user's token. */
  | { readonly proof: 'signature'; readonly method: 'DELETE' | 'POST' | 'GET'; readonly url: string };

/** How the provider handles a refresh. Use the strictest value for unknown facts. */
export interface RefreshPolicy {
  /** Whether a refresh replaces the refresh token. */
  readonly rotates: 'always' | 'sometimes' | 'never';
  /** How the provider treats a refresh token that was already used. */
  readonly reuse: 'ignored' | 'error' | 'family-revoked';
  /** How long the previous refresh token remains valid after a rotation. */
  readonly grace: 'none' | 'until-new-token-used' | { readonly seconds: number };
  /** Whether a refresh invalidates the previous access token at once. */
  readonly oldAccessTokenDiesOnRefresh: boolean;
  /** Idle lifetime of the refresh token in seconds; absent if it has none, or it is not published. */
  readonly refreshTokenIdleSeconds?: number;
  /** Time limit of one token request in milliseconds; shorter than a lease. */
  readonly timeoutMs: number;
}

/** How a provider's token response differs from RFC 6749 section 5.1. */
export interface ResponseDialect {
  /** Errors are sent with HTTP 200 and a status in the body. */
  readonly status?: {
    readonly field: string;
    readonly success: string | number;
    /** Error codes of RFC 6749 section 5.2, or `rate_limited`, by status. An unlisted status counts as an outage. */
    readonly errors: Readonly<Record<string, string>>;
  };
  /** The field that contains the token fields. */
  readonly bodyField?: string;
  /** The provider's names of the standard fields. */
  readonly fieldNames?: Readonly<Partial<Record<'access_token' | 'refresh_token' | 'expires_in' | 'scope', string>>>;
  /**
   * Set if the provider is known not to send `token_type`, so that its absence is not logged. A token without one is a
   * bearer token.
   */
  readonly noTokenType?: true;
}

/**
 * Fields of an error response that together mean that a grant is dead, each with its value:
 * `{ error: 'invalid_token' }`. A name may be a path into objects and lists, its steps joined by dots:
 * `errors.0.resource`. At least one field.
 */
export type DeadGrantError = Readonly<Record<string, string | number>>;

interface DefinitionBase {
  /** Name in URLs, the database and the environment: lower case, digits and `-`. */
  readonly slug: string;
  readonly displayName: string;
  /** Color of the brand, `#rrggbb`, for its mark on the hosted page; absent if nobody publishes one. */
  readonly brandColor?: string;
  readonly lifecycle: Lifecycle;
  readonly authorizeUrl: string;
  /** `undefined` if there is no API to call. */
  readonly apiBaseUrl: string | undefined;
  readonly defaultScopes: readonly string[];
  /** Headers that callers of the API must send beside, or instead of, `Authorization`. Returned with each token. */
  readonly dataApi?: {
    /** Query parameter that carries the access token instead of the header. */
    readonly tokenParameter?: string;
    /** Headers with the company's own credentials, such as a subscription key. */
    readonly headers?: readonly string[];
  };
  readonly account: AccountLookup;
  /** `undefined` if the provider offers no way to revoke a grant. */
  readonly revocation: Revocation | undefined;
  /** The notifications that the provider sends to `/v1/hooks/<slug>`; absent if it sends none. */
  readonly notifications?: Notifications;
  readonly docsUrl: string;
  /** Facts that could not be confirmed, one sentence each. */
  readonly uncertain: readonly string[];
  /**
   * The behavior of the provider's fake in the vendor sandbox; written from the provider's documentation, not from the
   * fields above.
   */
  readonly sandbox: SandboxDefinition;
}

/** Facts that may differ between two servers of one provider. */
type ServerFact =
  | 'authorizeUrl'
  | 'tokenUrl'
  | 'apiBaseUrl'
  | 'issuers'
  | 'pkce'
  | 'defaultScopes'
  | 'grantedScopesIn'
  | 'accessTokenLifetimeSeconds'
  | 'account'
  | 'revocation'
  | 'docsUrl'
  | 'uncertain'
  | 'sandbox';

/** A provider that speaks OAuth 2.0 (RFC 6749). */
export interface OAuth2Definition extends DefinitionBase {
  readonly oauth: '2.0';
  readonly tokenUrl: string;
  /** URL for refreshes, if it is not the token endpoint. */
  readonly refreshUrl?: string;
  /** URL to push the authorization request to, so that the browser carries none of it (RFC 9126). */
  readonly parUrl?: string;
  /**
   * The servers that an app may belong to, chosen by `<PREFIX>_SERVER`, with the facts that differ there. One entry is
   * empty: the default, which the definition itself describes.
   */
  readonly servers?: Readonly<Record<string, Partial<Pick<OAuth2Definition, ServerFact>>>>;
  /**
   * The provider's issuer identifiers, if it publishes any. `iss` of a callback (RFC 9207) and of an ID token must be
   * one of them, compared by simple string equality. More than one if the provider has changed its name.
   */
  readonly issuers?: readonly string[];
  /** Set if every callback has `iss`: a callback without it is from another provider. */
  readonly alwaysSendsIssuer?: true;
  /**
   * Client authentication at the token endpoint:
   * - `basic`, `body`, `none`: in the header, in the form, or none for a public client (RFC 6749 section 2.3.1).
   * - `es256-jwt`: a secret in the form that is a JWT signed with ES256.
   * - `private_key_jwt`: an assertion signed with our key (RFC 7523).
   */
  readonly clientAuthentication: 'basic' | 'body' | 'none' | 'es256-jwt' | 'private_key_jwt';
  /** For `es256-jwt`: the audience of the JWT, and how long a JWT is used, in seconds. */
  readonly clientSecretJwt?: { readonly audience: string; readonly lifetimeSeconds: number };
  /**
   * For `private_key_jwt`: the algorithms that the provider verifies, and the audience of an assertion. That is the
   * issuer (the endpoint of the request if the issuer is not known), or always the endpoint of the request. Beside
   * another client authentication it says that the operator may choose a key, by setting `<PREFIX>_KEY_ID`.
   */
  readonly clientAssertion?: {
    readonly algorithms: readonly AssertionAlgorithm[];
    readonly audience: 'issuer' | 'endpoint';
  };
  /**
   * PKCE with S256 (RFC 7636). Also `unsupported` if the provider documents nothing about it; an operator who knows
   * better sets `<PREFIX>_PKCE=on`. `required` cannot be switched off.
   */
  readonly pkce: 'required' | 'supported' | 'unsupported';
  readonly scopeSeparator: ' ' | ',' | ';';
  /** Name of the scope parameter of the authorization request; `scope` if absent. */
  readonly scopeParameter?: string;
  readonly extraAuthorizeParams?: Readonly<Record<string, string>>;
  /**
   * Set if the authorization page is a web app that reads the parameters from the fragment. It is the route before the
   * parameters: `/` gives `<authorizeUrl>#/?response_type=code&...`.
   */
  readonly authorizeRoute?: string;
  /** Whether a `nonce` is sent and must be in the ID token. */
  readonly nonce?: true;
  /** Documented lifetime of an authorization code in seconds; absent if it is not published. */
  readonly codeLifetimeSeconds?: number;
  /** Callback parameters that may carry the code; the first one present counts; `code` if absent. */
  readonly codeParameters?: readonly string[];
  /** Error code of the callback when the user declines; `access_denied`, which always means this, if absent. */
  readonly deniedError?: string;
  /** Sent with every request to the token endpoint. */
  readonly extraTokenParams?: Readonly<Record<string, string>>;
  /** Whether the code exchange repeats the scopes of the authorization request. */
  readonly scopeOnExchange?: true;
  /** Sent as `scope` with a refresh, if the provider requires it; `true` repeats the scopes of the connection. */
  readonly scopeOnRefresh?: string | true;
  /** Whether a refresh repeats the redirect URI. */
  readonly redirectUriOnRefresh?: true;
  /**
   * Where to read the granted scopes: in the token response (RFC 6749 section 5.1), or in the callback's query.
   * `nowhere` if the provider sends nothing about the user's choice.
   */
  readonly grantedScopesIn: 'token-response' | 'callback' | 'nowhere';
  /**
   * Documented lifetime of an access token in seconds, used when the response has no `expires_in`; `undefined` if not
   * published.
   */
  readonly accessTokenLifetimeSeconds: number | undefined;
  /** Set if access tokens are valid until they are revoked; an `expires_in` is then ignored. */
  readonly neverExpires?: true;
  /** Set if the provider never issues a refresh token. */
  readonly noRefreshToken?: true;
  /** Set if a refresh response has no tokens, and renews the lifetime of the current access token instead. */
  readonly refreshExtendsToken?: true;
  /** How the token response differs from RFC 6749 section 5.1; not at all if absent. */
  readonly responseDialect?: ResponseDialect;
  /**
   * Minimum interval between refreshes of one connection in seconds, if the provider limits how often a refresh token
   * may be used. An access token that expires earlier stays expired until the next refresh is allowed.
   */
  readonly minRefreshIntervalSeconds?: number;
  /** Set if the provider wants refreshes only when the token is needed, never ahead of time. */
  readonly refreshOnDemandOnly?: true;
  /** Response field with the refresh token's lifetime in seconds, if there is one; 0 means unknown. */
  readonly refreshExpiresInField?: string;
  readonly refresh: RefreshPolicy;
  /**
   * Reads the error code from an error body of the provider's own format.
   *
   * @param body - the parsed JSON of a response without an access token, with any HTTP status
   * @returns an error code of RFC 6749 section 5.2, or `undefined` when the body has none. Never free text: it may
   *   quote a token.
   */
  readonly parseErrorCode?: (body: unknown) => string | undefined;
  /**
   * Errors that the token endpoint reports by an HTTP status and a plain text. Each has the equivalent error code of
   * RFC 6749 section 5.2. A page in HTML is none of them.
   */
  readonly plainTextErrors?: readonly { readonly status: number; readonly error: string }[];
  /**
   * Other errors that mean `invalid_grant`, documented by the provider or observed by others. Nothing unlisted is
   * evidence against a grant: not an HTTP status, not an unknown code, not an empty body.
   */
  readonly deadGrantErrors?: readonly DeadGrantError[];
}

/** The three places of RFC 5849 section 3.5: the `Authorization` header, the form body, the query. */
export type OAuth1ParameterPlace = 'header' | 'form' | 'query';

/** A provider that speaks OAuth 1.0a (RFC 5849). */
export interface OAuth1Definition extends DefinitionBase {
  readonly oauth: '1.0a';
  readonly requestTokenUrl: string;
  readonly accessTokenUrl: string;
  readonly signatureMethod: 'HMAC-SHA1' | 'HMAC-SHA256';
  /**
   * Where the two token requests carry their protocol parameters (RFC 5849 section 3.5). Other requests use the header.
   */
  readonly tokenParametersIn: OAuth1ParameterPlace;
  /** URL to exchange a grant for one of the successor, which uses OAuth 2.0; absent if users must consent again. */
  readonly exchangeUrl?: string;
}

/** The facts about one provider, as data. */
export type ProviderDefinition = OAuth2Definition | OAuth1Definition;

/**
 * Declares a provider. Returns its argument, checked by type and for the few rules that types cannot express.
 *
 * @throws Error when the slug or a URL is malformed; the start fails
 */
export function defineProvider<Definition extends ProviderDefinition>(definition: Definition): Definition {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(definition.slug)) {
    throw new Error(`Provider slug "${definition.slug}" must consist of lower-case words joined by "-".`);
  }
  if (definition.oauth === '2.0' && definition.deadGrantErrors?.some((fields) => Object.keys(fields).length === 0)) {
    throw new Error(`Provider "${definition.slug}": an entry of deadGrantErrors has no field.`);
  }
  const variants = definition.oauth === '2.0' ? Object.keys(definition.servers ?? {}) : [];
  const urls = [undefined, ...variants].flatMap((server) =>
    urlsOf(definitionInForce<ProviderDefinition>(definition, { server })),
  );
  for (const url of new Set(urls)) {
    if (!URL.canParse(url) || new URL(url).protocol !== 'https:') {
      throw new Error(`Provider "${definition.slug}": ${url} must be an https URL.`);
    }
  }
  const servers = definition.oauth === '2.0' && definition.servers !== undefined ? definition.servers : undefined;
  if (servers !== undefined && Object.values(servers).filter(isDefaultServer).length !== 1) {
    throw new Error(`Provider "${definition.slug}": exactly one server, the default, must have no facts of its own.`);
  }
  return definition;
}

/** Whether an entry of `servers` is the default, which the definition itself describes. */
export function isDefaultServer(server: object): boolean {
  return Object.keys(server).length === 0;
}

/** The choices of a deployment about a provider. */
export interface DeploymentChoice {
  /** A key of the definition's `servers`. */
  readonly server?: string | undefined;
  /** Whether to use PKCE, if the provider leaves it open. */
  readonly pkce?: boolean | undefined;
  /** Set if the client authenticates with a key where the provider also takes a secret. */
  readonly clientAuthentication?: 'private_key_jwt' | undefined;
}

/**
 * Returns the definition that applies to a deployment: with the facts of the chosen server, and PKCE and client
 * authentication as chosen. Applying it twice changes nothing.
 */
export function definitionInForce<Definition extends ProviderDefinition>(
  definition: Definition,
  { server, pkce, clientAuthentication }: DeploymentChoice,
): Definition {
  if (definition.oauth !== '2.0') {
    return definition;
  }
  const facts = server === undefined ? {} : { ...definition.servers?.[server] };
  const isOpen = pkce !== undefined && (facts.pkce ?? definition.pkce) !== 'required';
  return {
    ...definition,
    ...facts,
    ...(isOpen ? { pkce: pkce ? 'supported' : 'unsupported' } : {}),
    ...(clientAuthentication === undefined ? {} : { clientAuthentication }),
  };
}

/** Returns every URL in a definition. */
function urlsOf(definition: ProviderDefinition): string[] {
  const { account, notifications, revocation } = definition;
  const endpoints =
    definition.oauth === '2.0'
      ? [definition.tokenUrl, definition.refreshUrl, definition.parUrl]
      : [definition.requestTokenUrl, definition.accessTokenUrl, definition.exchangeUrl];
  return [
    definition.authorizeUrl,
    definition.apiBaseUrl,
    ...endpoints,
    account.from === 'api' ? account.url : undefined,
    account.from === 'id-token' ? account.jwksUrl : undefined,
    revocation?.url,
    ...(notifications === undefined ? [] : urlsOfNotifications(notifications)),
  ].filter((url) => url !== undefined);
}
