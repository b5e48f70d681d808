import type { OAuth1Definition, OAuth2Definition, ProviderDefinition } from './provider-definition.js';

interface CommonEndpoints {
  readonly authorizeUrl: string;
  readonly apiBaseUrl: string | undefined;
  readonly accountUrl: string | undefined;
  readonly revokeUrl: string | undefined;
}

/** The URLs in force for a provider of OAuth 1.0a. */
export interface OAuth1Endpoints extends CommonEndpoints {
  /** Issues temporary credentials (RFC 5849 section 2.1). */
  readonly requestTokenUrl: string;
  /** Issues tokens (RFC 5849 section 2.3). */
  readonly accessTokenUrl: string;
  /** Exchanges a grant for one of the successor. */
  readonly exchangeUrl?: string | undefined;
}

/** The URLs in force for a provider of OAuth 2.0. */
export interface OAuth2Endpoints extends CommonEndpoints {
  readonly tokenUrl: string;
  /** Takes refreshes, if the token endpoint does not. */
  readonly refreshUrl?: string | undefined;
  /** Takes pushed authorization requests (RFC 9126). */
  readonly parUrl?: string | undefined;
  /** Publishes the keys that sign ID tokens. */
  readonly jwksUrl?: string | undefined;
}

/** The URLs in force for a provider: those of its definition, unless the environment or the sandbox moves them. */
export type ProviderEndpoints = OAuth1Endpoints | OAuth2Endpoints;

/**
 * Returns the URL that replaces one of the definition.
 *
 * @param name - the variable that may replace it, without the prefix of the provider, such as `TOKEN_URL`
 */
export type MoveUrl = (name: string, url: string) => string;

/** Returns the URLs of an OAuth 1.0a definition, each moved. */
export function oauth1Endpoints(definition: OAuth1Definition, move: MoveUrl): OAuth1Endpoints {
  return {
    ...commonEndpoints(definition, move),
    requestTokenUrl: move('REQUEST_TOKEN_URL', definition.requestTokenUrl),
    accessTokenUrl: move('ACCESS_TOKEN_URL', definition.accessTokenUrl),
    exchangeUrl: moveIfSet('EXCHANGE_URL', definition.exchangeUrl, move),
  };
}

/** Returns the URLs of an OAuth 2.0 definition, each moved. */
export function oauth2Endpoints(definition: OAuth2Definition, move: MoveUrl): OAuth2Endpoints {
  const { account } = definition;
  return {
    ...commonEndpoints(definition, move),
    tokenUrl: move('TOKEN_URL', definition.tokenUrl),
    refreshUrl: moveIfSet('REFRESH_URL', definition.refreshUrl, move),
    parUrl: moveIfSet('PAR_URL', definition.parUrl, move),
    jwksUrl: moveIfSet('JWKS_URL', account.from === 'id-token' ? account.jwksUrl : undefined, move),
  };
}

function commonEndpoints({ authorizeUrl, apiBaseUrl, account, revocation }: ProviderDefinition, move: MoveUrl) {
  return {
    authorizeUrl: move('AUTH_URL', authorizeUrl),
    apiBaseUrl: moveIfSet('API_BASE_URL', apiBaseUrl, move),
    accountUrl: moveIfSet('ACCOUNT_URL', account.from === 'api' ? account.url : undefined, move),
    revokeUrl: moveIfSet('REVOKE_URL', revocation?.url, move),
  };
}

function moveIfSet(name: string, url: string | undefined, move: MoveUrl): string | undefined {
  return url === undefined ? undefined : move(name, url);
}

/** Moves each URL to its variable, if that is set. URLs below the API's base move with it. */
export function configuredUrl({ apiBaseUrl: base }: ProviderDefinition, override: MoveUrl): MoveUrl {
  if (base === undefined) {
    return override;
  }
  const apiBaseUrl = override('API_BASE_URL', base).replace(/\/+$/, '');
  return (name, url) => {
    switch (name) {
      case 'API_BASE_URL':
        return apiBaseUrl;
      case 'ACCOUNT_URL':
      case 'REVOKE_URL':
        return override(name, url.startsWith(`${base}/`) ? `${apiBaseUrl}${url.slice(base.length)}` : url);
      default:
        return override(name, url);
    }
  };
}

/** Moves a URL to the sandbox, which serves each fake below `/<slug>`, with the provider's own paths behind it. */
export function sandboxUrl({ slug }: ProviderDefinition, sandbox: string, url: string): string {
  const { pathname, search } = new URL(url);
  return `${sandbox}/${slug}${pathname === '/' ? '' : pathname}${search}`;
}
