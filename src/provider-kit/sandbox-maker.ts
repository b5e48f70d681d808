/** What both kinds of fake maker share. Paths start with `/` and are the real maker's, without its host. */
interface SandboxMakerBase {
  readonly authorizePath: string;
  /** An API call that accepts a valid token or signature, for callers to try; the answer is `{ok: true, account_id}`. */
  readonly apiPath: string;
  /** The account call, where the maker has one, and the JSON it answers with. */
  readonly account?: {
    readonly path: string;
    readonly answer: (accountId: string) => Record<string, unknown>;
    /** Scope without which the call is refused with 403; OAuth 2.0 only. */
    readonly scope?: string;
  };
}

/** What a fake OAuth 2.0 maker expects and answers; written by hand from the maker's documentation. */
export interface OAuth2SandboxMaker extends SandboxMakerBase {
  readonly oauth: '2.0';
  readonly tokenPath: string;
  /** The one way of client authentication that is accepted at the token endpoint; any other, or two at once, is `invalid_client`. */
  readonly clientAuthentication: 'basic' | 'body';
  /** `required`: refuse without a challenge; `supported`: check when sent; `ignored`: the maker does not look. */
  readonly pkce: 'required' | 'supported' | 'ignored';
  readonly scopeSeparator: ' ' | ',';
  /** Every scope that exists at the maker; asking for another is `invalid_scope`. Empty: the maker takes no scope parameter. */
  readonly scopes: readonly string[];
  /** Whether a request without `scope` asks for all of them; otherwise it is `invalid_scope`. */
  readonly omittedScopeMeansAll?: boolean;
  /** Whether the user may untick single scopes on the consent page. */
  readonly userPicksScopes?: boolean;
  /** Characters that `state` must have at least; 1 when absent. */
  readonly stateMinimumLength?: number;
  /** Whether a malformed authorize request ends on an error page instead of a redirect with `error`. */
  readonly malformedAuthorizeIsNotRedirected?: boolean;
  /** A scope without which no refresh token is issued. */
  readonly refreshTokenNeedsScope?: string;
  /** Whether the callback carries the granted `scope`. */
  readonly scopeInCallback?: boolean;
  /** Whether the token answer carries `scope`, and a constant value where it says nothing about the user's choice. */
  readonly scopeInTokenAnswer: boolean | { readonly constant: string };
  readonly codeLifetimeSeconds: number;
  readonly accessTokenLifetimeSeconds: number;
  /** Sent as `refresh_token_expires_in` where set. */
  readonly refreshTokenLifetimeSeconds?: number;
  readonly rotation: 'always' | 'never';
  /** What becomes of a used refresh token: refused, or refused with the whole grant revoked. */
  readonly reuse: 'error' | 'family-revoked';
  /** Whether a used refresh token gets the same answer again until one of the new tokens is used. */
  readonly replaysRefreshUntilNewTokenUsed?: boolean;
  /** Whether a new grant ends the refresh tokens of the user's earlier grants; their access tokens stay alive. */
  readonly oneRefreshTokenPerUser?: boolean;
  readonly oldAccessTokenDiesOnRefresh: boolean;
  /** Value that a refresh must carry in `scope`, where the maker asks for it. */
  readonly scopeOnRefresh?: string;
  /** As the maker writes it; `bearer` when absent. */
  readonly tokenType?: string;
  /** Further fields of the token answer. */
  readonly tokenAnswerExtras?: (accountId: string) => Record<string, unknown>;
  /** Body of an error answer of the token endpoint and the API; RFC 6749 section 5.2 when absent. `token` is the presented refresh token or code. */
  readonly errorAnswer?: (error: string, description: string, token: string) => Record<string, unknown>;
  readonly revoke?:
    | { readonly proof: 'bearer'; readonly method: string; readonly path: string; readonly status: number }
    | { readonly proof: 'client'; readonly method: string; readonly path: string; readonly status: number }
    | {
        readonly proof: 'query';
        readonly method: string;
        readonly path: string;
        readonly status: number;
        readonly parameter: string;
      };
}

/** What a fake OAuth 1.0a maker expects and answers; written by hand from the maker's documentation. */
export interface OAuth1SandboxMaker extends SandboxMakerBase {
  readonly oauth: '1.0a';
  readonly requestTokenPath: string;
  readonly accessTokenPath: string;
  readonly signatureMethod: 'HMAC-SHA1' | 'HMAC-SHA256';
  /** Further fields of the form-encoded access-token answer. */
  readonly tokenAnswerExtras?: (accountId: string) => Record<string, string>;
  /** Ends the grant; proved by a signature. */
  readonly revoke?: { readonly method: string; readonly path: string; readonly status: number };
}

/** A fake device maker of the vendor sandbox, as data. */
export type SandboxMaker = OAuth2SandboxMaker | OAuth1SandboxMaker;
