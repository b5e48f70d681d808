import type { SandboxNotify } from './sandbox-notification.js';

/** The common part of both kinds of fake. Paths start with `/` and are the real provider's, without its host. */
interface SandboxDefinitionBase {
  readonly authorizePath: string;
  /**
   * Path of the API's base URL; empty if the whole host is the API. All methods and paths below it take a valid token
   * or signature, except the provider's other endpoints. The fake has no data: it responds with `ok`, `account_id` and
   * the received request without its credentials.
   */
  readonly apiBasePath?: string;
  /** A path of the API, for callers to try. */
  readonly apiPath: string;
  /** Headers without which the API refuses a call, beside `Authorization`. */
  readonly apiHeaders?: readonly string[];
  /** Set where the provider documents no way to learn the user's id. */
  readonly tellsNoUserId?: true;
  /** The account call, where the provider has one, and the JSON it responds with. */
  readonly account?: {
    readonly path: string;
    readonly respond: (accountId: string) => Record<string, unknown>;
    /** Scope without which the call is refused with 403; OAuth 2.0 only. */
    readonly scope?: string;
    /** Headers without which the call is refused, beside `Authorization`; OAuth 2.0 only. */
    readonly headers?: readonly string[];
  };
  /** Makes the notifications to the hook of the app; absent if it sends none. */
  readonly notify?: SandboxNotify;
}

/** One call to an endpoint that only this provider has, and the actions that the endpoint may take. */
export interface SandboxEndpointCall {
  /** Base URL of the fake, without a slash at the end. */
  readonly baseUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Fields of the form body, each once; empty when the body is no form. */
  readonly form: Readonly<Record<string, string>>;
  /** Fields of the JSON body; empty when the body is no JSON object. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The value of each `{name}` in the path. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The secret of the provider's portal, which signs notifications. */
  readonly hookSecret: string;
  /** The account whose live access token the `Authorization` header carries. */
  readonly bearerAccountId: string | undefined;
  /** Ends every grant of the account. */
  endGrants(accountId: string): void;
  /**
   * Remembers a fact about the account or the fake, such as an issued nonce. `has` looks it up, and `forget` removes
   * it.
   */
  remember(fact: string): void;
  has(fact: string): boolean;
  forget(fact: string): void;
  /** Records that the fake keeps by an id of its choice, such as subscriptions. */
  readonly kept: SandboxRecords;
  /**
   * Calls a URL of the app on this machine, as the provider does to check it; `undefined` without a response in time.
   */
  callBack(url: string, options: SandboxCallback): Promise<SandboxCallbackResponse | undefined>;
}

/** Records of a fake, by id. */
export interface SandboxRecords {
  get(id: string): Readonly<Record<string, unknown>> | undefined;
  set(id: string, record: Readonly<Record<string, unknown>>): void;
  delete(id: string): boolean;
  values(): Iterable<Readonly<Record<string, unknown>>>;
}

/** How a fake checks a URL of the app. */
export interface SandboxCallback {
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** Sent as JSON. */
  readonly json?: Readonly<Record<string, unknown>>;
  readonly withinSeconds: number;
}

export interface SandboxCallbackResponse {
  readonly status: number;
  readonly text: string;
}

/** An endpoint that only one provider has, such as a registration after the link. */
export interface SandboxEndpoint {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `{name}` matches one segment. */
  readonly path: string;
  /** Responds to a call. Only called if form and query have no field twice. */
  readonly respond: (call: SandboxEndpointCall) => SandboxEndpointResponse | Promise<SandboxEndpointResponse>;
}

export interface SandboxEndpointResponse {
  readonly status: number;
  /** No body if absent. */
  readonly json?: Readonly<Record<string, unknown>> | readonly unknown[];
}

/** How a fake OAuth 2.0 provider ends a grant. `{accountId}` in a path is the account's number. */
export type SandboxRevocation = { readonly method: string; readonly path: string; readonly status: number } & (
  | {
      readonly proof: 'bearer';
      /** Query parameters that must have exactly these values; `{clientId}` is the client id. */
      readonly query?: Readonly<Record<string, string>>;
    }
  | {
      readonly proof: 'client';
      /** Where it differs from that of the token endpoint. */
      readonly clientAuthentication?: 'basic' | 'body' | 'none';
    }
  /**
   * The token in the form is the only proof. `goneStatus` is the status for a dead token; 200 when absent.
   */
  | { readonly proof: 'token'; readonly goneStatus?: number }
  | { readonly proof: 'query'; readonly parameter: string }
);

/** The requests and responses of a fake OAuth 2.0 provider, written by hand from the provider's documentation. */
export interface OAuth2SandboxDefinition extends SandboxDefinitionBase {
  readonly oauth: '2.0';
  readonly tokenPath: string;
  /** The only client authentication that the token endpoint accepts. Any other, or two, is `invalid_client`. */
  readonly clientAuthentication: 'basic' | 'body' | 'none' | 'es256-jwt' | 'private_key_jwt';
  /** `required`: refuse without a challenge; `supported`: check when sent; `ignored`: the provider does not look. */
  readonly pkce: 'required' | 'supported' | 'ignored';
  readonly scopeSeparator: ' ' | ',' | ';';
  /**
   * Every scope that exists at the provider; asking for another is `invalid_scope`. Empty: the provider takes no scope
   * parameter.
   */
  readonly scopes: readonly string[];
  /** Whether a request without `scope` asks for all of them; otherwise it is `invalid_scope`. */
  readonly omittedScopeMeansAll?: boolean;
  /** Whether the user may untick single scopes on the consent page. */
  readonly userPicksScopes?: boolean;
  /** Least length of `state`; 1 when absent. */
  readonly stateMinimumLength?: number;
  /** Whether a malformed authorize request ends on an error page instead of a redirect with `error`. */
  readonly malformedAuthorizeIsNotRedirected?: boolean;
  /** A scope without which no refresh token is issued. */
  readonly refreshTokenNeedsScope?: string;
  /** Whether the callback carries the granted `scope`. */
  readonly scopeInCallback?: boolean;
  /** Whether the token response has `scope`. A constant value says nothing about the user's choice. */
  readonly scopeInTokenResponse: boolean | { readonly constant: string };
  readonly codeLifetimeSeconds: number;
  readonly accessTokenLifetimeSeconds: number;
  /** Sent as `refresh_token_expires_in` where set. */
  readonly refreshTokenLifetimeSeconds?: number;
  readonly rotation: 'always' | 'never';
  /** The result of a used refresh token: an error, or an error and the whole grant revoked. */
  readonly reuse: 'error' | 'family-revoked';
  /** Whether a used refresh token gets the same response again until one of the new tokens is used. */
  readonly replaysRefreshUntilNewTokenUsed?: boolean;
  /**
   * Time after its exchange in which a used refresh token is accepted again. It gets the `same` pair, or a `further`
   * pair of the same grant; the first pair then stays alive too. After this time `reuse` applies.
   */
  readonly reuseGrace?: { readonly seconds: number; readonly response: 'same' | 'further' };
  /** Whether a new grant ends the refresh tokens of the user's earlier grants; their access tokens stay alive. */
  readonly oneRefreshTokenPerUser?: boolean;
  readonly oldAccessTokenDiesOnRefresh: boolean;
  /** Value that a refresh must carry in `scope`, where the provider asks for it. */
  readonly scopeOnRefresh?: string;
  /** As the provider writes it; `bearer` when absent. */
  readonly tokenType?: string;
  /** Further fields of the token response. */
  readonly tokenResponseExtras?: (accountId: string) => Record<string, unknown>;
  /**
   * Body of an error response of the token endpoint and the API; RFC 6749 section 5.2 when absent. `token` is the
   * presented refresh token or code.
   */
  readonly errorResponse?: (error: string, description: string, token: string) => Record<string, unknown>;
  /**
   * HTTP status of an error response of the token endpoint, where the provider always sends the same; the standard ones
   * when absent.
   */
  readonly errorStatus?: number;
  readonly revoke?: SandboxRevocation;
  /** Path of the refresh call, where it is not the token endpoint. */
  readonly refreshPath?: string;
  /** `false` where the provider issues no refresh token at all. */
  readonly issuesRefreshToken?: boolean;
  /**
   * Whether the response to a refresh has no tokens (`tokenResponse` gets `{}`), and the current access token gets its
   * whole lifetime again.
   */
  readonly refreshExtendsToken?: boolean;
  /**
   * Name of the scope parameter of the authorize request; `scope` when absent. A request with `scope` is then refused.
   */
  readonly scopeParameter?: string;
  /** Parameters of the authorize request that must have exactly these values. */
  readonly authorizeParams?: Readonly<Record<string, string>>;
  /** Parameters of every call to the token endpoint that must have exactly these values. */
  readonly tokenParams?: Readonly<Record<string, string>>;
  /**
   * Set if the authorization page is a web app that reads the parameters from the fragment. It is the route before the
   * parameters.
   */
  readonly authorizeRoute?: string;
  /** Errors of the token endpoint that are a plain text with a status of their own, by their code. */
  readonly plainTextErrors?: Readonly<Record<string, { readonly status: number; readonly text: string }>>;
  /** Whether the exchange must repeat the scopes of the authorize request in `scope`. */
  readonly scopeOnExchange?: boolean;
  /** Whether a refresh must repeat the redirect URI. */
  readonly redirectUriOnRefresh?: boolean;
  /**
   * `form_post`: the consent page ends in a form that the browser posts to the redirect URI. `redirect` when absent.
   */
  readonly callback?: 'redirect' | 'form_post';
  /** Error code of the callback when the user says no; `access_denied` when absent. */
  readonly deniedError?: string;
  /** Name of the code parameter in the callback; `code` when absent. */
  readonly codeParameter?: string;
  /** The issuer identifiers that the provider publishes; `{baseUrl}` is the fake's own address. */
  readonly issuers?: readonly string[];
  /** Adds a signed `id_token` to every exchange response, and with `onRefresh` to every refresh response. */
  readonly idToken?: {
    readonly issuer: string;
    readonly algorithm: 'RS256' | 'ES256' | 'PS256';
    /** Further claims about the user. */
    readonly claims?: (accountId: string) => Record<string, unknown>;
    /** Where the public keys are served, as a JSON Web Key Set; absent where the provider documents no address. */
    readonly jwksPath?: string;
    /** The algorithms that the provider documents, if it does. A token with another algorithm is not its own. */
    readonly documentedAlgorithms?: readonly string[];
    readonly onRefresh?: boolean;
  };
  /** Converts the standard fields of a successful token response to the provider's own shape. */
  readonly tokenResponse?: (standard: Readonly<Record<string, unknown>>, accountId: string) => Record<string, unknown>;
  /**
   * Name of the query parameter that carries the access token of API calls, where it is not the `Authorization` header.
   */
  readonly apiTokenParameter?: string;
  /**
   * A fact that one of the `endpoints` must have remembered as `<fact>:<accountId>`. Without it the API responds with
   * 403.
   */
  readonly apiNeedsFact?: string;
  readonly endpoints?: readonly SandboxEndpoint[];
}

/** The requests and responses of a fake OAuth 1.0a provider, written by hand from the provider's documentation. */
export interface OAuth1SandboxDefinition extends SandboxDefinitionBase {
  readonly oauth: '1.0a';
  readonly requestTokenPath: string;
  readonly accessTokenPath: string;
  readonly signatureMethod: 'HMAC-SHA1' | 'HMAC-SHA256';
  /**
   * The only place of the `oauth_*` parameters in the two token calls. The header when absent, as in every other call.
   */
  readonly tokenParametersIn?: 'header' | 'form' | 'query';
  /** Further fields of the form-encoded access-token response. */
  readonly tokenResponseExtras?: (accountId: string) => Record<string, string>;
  /** Ends the grant; proved by a signature. */
  readonly revoke?: { readonly method: string; readonly path: string; readonly status: number };
  /**
   * Exchanges a token, once, for a grant of the fake `successor`; proved by a signature. The token stays valid for this
   * long. The end of its grant also ends the account's grants at the successor.
   */
  readonly exchange?: { readonly path: string; readonly successor: string; readonly tokenLivesOnSeconds: number };
}

/** A fake provider of the vendor sandbox, as data. */
export type SandboxDefinition = OAuth2SandboxDefinition | OAuth1SandboxDefinition;
