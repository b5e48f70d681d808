import type { SandboxMaker } from './sandbox-maker.js';

/** Whether a provider can still be linked. Dates are calendar days in UTC, `YYYY-MM-DD`. */
export type Lifecycle =
  | { readonly status: 'live' }
  | { readonly status: 'retiring' | 'retired'; readonly sunsetAt: string; readonly replacedBy?: string };

/** How an ID token may be signed. Asymmetric only: with a symmetric algorithm, anyone who knows the public key could sign. */
export type IdTokenAlgorithm = 'RS256' | 'ES256' | 'PS256';

/**
 * Where the user's id at the provider is found. A `field` may lead into objects and arrays, its steps joined by dots:
 * `athlete.id`, `objects.0.id`. Alternatives are joined by `|`; the first one that is there counts: `UserID|UserId`.
 */
export type AccountLookup =
  | { readonly from: 'token-response'; readonly field: string }
  /** A field of the JSON answer to an authenticated GET. */
  | { readonly from: 'api'; readonly url: string; readonly field: string }
  /**
   * A claim of the ID token, which is verified before the grant is used (OpenID Connect Core 1.0 section 3.1.3.7). Its issuer must be
   * one of the definition's `issuers`.
   */
  | {
      readonly from: 'id-token';
      /** `sub` when absent. */
      readonly claim?: string;
      /** The claim that connections were known by before: still the same user, and replaced at the next refresh that names both. */
      readonly formerClaim?: string;
      /**
       * Where the signing keys are. Without it the signature is not checked, which section 3.1.3.7 (6) allows because the token
       * came straight from the token endpoint over TLS.
       */
      readonly jwksUrl?: string;
      /** The algorithms that the provider documents; all of {@link IdTokenAlgorithm} when absent. */
      readonly algorithms?: readonly IdTokenAlgorithm[];
    }
  /** The provider documents no way to learn it. */
  | { readonly from: 'nowhere' };

/**
 * How a grant is ended at the provider; how the call proves that we may. `{clientId}` and `{providerUserId}` in a URL stand for
 * ours and the user's id.
 */
export type Revocation =
  /** `Authorization: Bearer` with the user's access token. */
  | { readonly proof: 'bearer'; readonly method: 'DELETE' | 'POST' | 'GET'; readonly url: string }
  /** RFC 7009: client authentication and `token` in the form. */
  | {
      readonly proof: 'client';
      readonly method: 'POST';
      readonly url: string;
      /** Where it differs from that of the token endpoint. */
      readonly clientAuthentication?: 'basic' | 'body';
    }
  /** `token` in the form is proof enough. */
  | {
      readonly proof: 'token';
      readonly method: 'POST';
      readonly url: string;
      /** HTTP status that says that the token had ended before, which is as good. */
      readonly goneStatus?: number;
    }
  /** A call of the provider's own; its class overrides `revoke`. */
  | { readonly proof: 'custom'; readonly method: 'POST'; readonly url: string }
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
  /** After how long without a refresh the refresh token dies, in seconds; absent where it does not, or it is not published. */
  readonly refreshTokenIdleSeconds?: number;
  /** Total time one token request may take, in milliseconds; below the length of a claim. */
  readonly timeoutMs: number;
}

/** How a provider's token answer differs from RFC 6749 section 5.1. */
export interface AnswerDialect {
  /** Errors come with HTTP 200 and a status in the body. */
  readonly status?: {
    readonly field: string;
    readonly success: string | number;
    /** Error codes of RFC 6749 section 5.2, or `rate_limited`, by status. One that is not listed counts as an outage. */
    readonly errors: Readonly<Record<string, string>>;
  };
  /** Field that holds the token fields. */
  readonly bodyField?: string;
  /** The provider's names of the standard fields. */
  readonly fieldNames?: Readonly<Partial<Record<'access_token' | 'refresh_token' | 'expires_in' | 'scope', string>>>;
  /** Set where `token_type` is known not to be sent, so that nothing is logged about it. A token without one is a bearer token. */
  readonly noTokenType?: true;
}

/**
 * Fields of an error response that together say that a grant is dead, each with its value: `{ error: 'invalid_token' }`. A name may lead
 * into objects and lists, its steps joined by dots: `errors.0.resource`. At least one field.
 */
export type DeadGrantError = Readonly<Record<string, string | number>>;

interface DefinitionBase {
  /** Name in URLs, the database and the environment: lower case, digits and `-`. */
  readonly slug: string;
  readonly displayName: string;
  readonly lifecycle: Lifecycle;
  readonly authorizeUrl: string;
  /** `undefined` where there is no API to call. */
  readonly apiBaseUrl: string | undefined;
  readonly defaultScopes: readonly string[];
  /** What callers of the API have to send beside, or instead of, `Authorization`; told with each token. */
  readonly dataApi?: {
    /** Query parameter that carries the access token instead of the header. */
    readonly tokenParameter?: string;
    /** Headers with credentials of the company's own, such as a subscription key. */
    readonly headers?: readonly string[];
  };
  readonly account: AccountLookup;
  /** `undefined` where the provider offers no way to end a grant. */
  readonly revocation: Revocation | undefined;
  readonly docsUrl: string;
  /** What could not be confirmed, one sentence each. */
  readonly uncertain: readonly string[];
  /** What the provider's fake in the vendor sandbox expects; written from its documentation, not from the fields above. */
  readonly sandbox: SandboxMaker;
}

/** What may differ between two servers of one provider. */
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
  /** Where refreshes go, if not to the token endpoint. */
  readonly refreshUrl?: string;
  /** Where the authorisation request is pushed, so that the browser carries none of it (RFC 9126). */
  readonly parUrl?: string;
  /**
   * The servers of the provider that an app may belong to, chosen by `<PREFIX>_SERVER`, with the facts that differ there. One entry is
   * empty: the default, which the definition itself describes.
   */
  readonly servers?: Readonly<Record<string, Partial<Pick<OAuth2Definition, ServerFact>>>>;
  /**
   * The provider's issuer identifiers, where it publishes one. `iss` of a callback (RFC 9207) and of an ID token must be one of them,
   * compared by simple string equality. More than one where the provider has changed its name before.
   */
  readonly issuers?: readonly string[];
  /** Set where every callback has `iss`: one without it is another provider's. */
  readonly alwaysSendsIssuer?: true;
  /**
   * Client authentication at the token endpoint (RFC 6749 section 2.3.1): header, form, none (public client), or a secret in the
   * form that is a JWT signed with ES256.
   */
  readonly clientAuthentication: 'basic' | 'body' | 'none' | 'es256-jwt';
  /** For `es256-jwt`: whom the JWT is for, and how long one is used, in seconds. */
  readonly clientSecretJwt?: { readonly audience: string; readonly lifetimeSeconds: number };
  /**
   * PKCE with S256 (RFC 7636). `unsupported` also where a provider documents nothing about it; an operator who knows better sets
   * `<PREFIX>_PKCE=on`. What is `required` cannot be switched off.
   */
  readonly pkce: 'required' | 'supported' | 'unsupported';
  readonly scopeSeparator: ' ' | ',';
  /** Name of the scope parameter of the authorisation request; `scope` when absent. */
  readonly scopeParameter?: string;
  readonly extraAuthorizeParams?: Readonly<Record<string, string>>;
  /** Whether a `nonce` is sent and must come back in the ID token. */
  readonly nonce?: true;
  /** Documented life of an authorization code, in seconds; absent where it is not published. */
  readonly codeLifetimeSeconds?: number;
  /** Parameters of the callback that may carry the code, the first present one counts; `code` when absent. */
  readonly codeParameters?: readonly string[];
  /** Error code of the callback when the user says no; `access_denied`, which is always read so, when absent. */
  readonly deniedError?: string;
  /** Sent with every call of the token endpoint. */
  readonly extraTokenParams?: Readonly<Record<string, string>>;
  /** Whether the exchange repeats the scopes of the authorisation request. */
  readonly scopeOnExchange?: true;
  /** Sent as `scope` with a refresh, where the provider asks for it; `true` repeats the scopes of the connection. */
  readonly scopeOnRefresh?: string | true;
  /** Whether a refresh repeats the redirect URI. */
  readonly redirectUriOnRefresh?: true;
  /**
   * Where the granted scopes are read: the token answer (RFC 6749 section 5.1), the callback's query, or nowhere because what
   * the provider sends there says nothing about the user's choice.
   */
  readonly grantedScopesIn: 'token-response' | 'callback' | 'nowhere';
  /** Documented life of an access token in seconds, used when the answer has no `expires_in`; `undefined` where not published. */
  readonly accessTokenLifetimeSeconds: number | undefined;
  /** Set where access tokens live until they are revoked; an `expires_in` is then ignored. */
  readonly neverExpires?: true;
  /** Set where no refresh token is ever issued. */
  readonly noRefreshToken?: true;
  /** Set where a refresh answers without tokens and gives the access token in use its documented life again. */
  readonly refreshExtendsToken?: true;
  /** How the token answer differs from RFC 6749 section 5.1; plain when absent. */
  readonly answer?: AnswerDialect;
  /**
   * How far apart refreshes of one connection have to be, in seconds, where the provider limits how often a refresh token may be
   * used. An access token that ends earlier then stays ended until the next refresh is due.
   */
  readonly minRefreshIntervalSeconds?: number;
  /** Set where a refresh is to be done just before the token is needed, never ahead of time. */
  readonly refreshOnDemandOnly?: true;
  /** Field with the refresh token's life in seconds, where the answer has one; 0 is read as not told. */
  readonly refreshExpiresInField?: string;
  readonly refresh: RefreshPolicy;
  /**
   * Reads `error` out of an error body of the provider's own shape.
   *
   * @param body - the parsed JSON of an answer without an access token, whatever its HTTP status
   * @returns an error code of RFC 6749 section 5.2, or `undefined` when the body has none. Never free text: it may quote a token.
   */
  readonly parseErrorCode?: (body: unknown) => string | undefined;
  /**
   * What else means `invalid_grant`, where the provider documents it or others have met it. Nothing that is not listed is evidence against
   * a grant: not an HTTP status, not an unknown code, not an empty body.
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
  /** Where the two token calls carry their protocol parameters (RFC 5849 section 3.5). Other calls use the header. */
  readonly tokenParametersIn: OAuth1ParameterPlace;
  /** Where a grant is exchanged for one of the successor, which speaks OAuth 2.0; absent where users have to consent anew. */
  readonly exchangeUrl?: string;
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

/** Whether an entry of `servers` is the one that the definition itself describes. */
export function isDefaultServer(server: object): boolean {
  return Object.keys(server).length === 0;
}

/** What a deployment chooses about a provider. */
export interface DeploymentChoice {
  /** A key of the definition's `servers`. */
  readonly server?: string | undefined;
  /** Whether PKCE is used, where the provider leaves it open. */
  readonly pkce?: boolean | undefined;
}

/**
 * Returns the definition as it is in force for a deployment: with the facts of the chosen server, and PKCE as chosen. Applied twice it
 * gives the same.
 */
export function definitionInForce<Definition extends ProviderDefinition>(
  definition: Definition,
  { server, pkce }: DeploymentChoice,
): Definition {
  if (definition.oauth !== '2.0') {
    return definition;
  }
  const facts = server === undefined ? {} : { ...definition.servers?.[server] };
  const isOpen = pkce !== undefined && (facts.pkce ?? definition.pkce) !== 'required';
  return { ...definition, ...facts, ...(isOpen ? { pkce: pkce ? 'supported' : 'unsupported' } : {}) };
}

/** Every URL that a definition names. */
function urlsOf(definition: ProviderDefinition): string[] {
  const { account, revocation } = definition;
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
  ].filter((url) => url !== undefined);
}
