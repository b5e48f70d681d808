import { Secret } from './secret.js';
import type { ProviderDefinition } from './provider-definition.js';

/** The URLs in force for a provider: its definition's, unless the environment or the sandbox moves them. */
export interface ProviderEndpoints {
  readonly authorizeUrl: string;
  /** OAuth 2.0 token endpoint; empty for OAuth 1.0a. */
  readonly tokenUrl: string;
  /** OAuth 1.0a temporary credential endpoint; empty for OAuth 2.0. */
  readonly requestTokenUrl: string;
  /** OAuth 1.0a token endpoint; empty for OAuth 2.0. */
  readonly accessTokenUrl: string;
  readonly apiBaseUrl: string;
  readonly accountUrl: string | undefined;
  readonly revokeUrl: string | undefined;
}

/** What this deployment uses to talk to one provider. */
export interface ProviderSettings {
  /** `sandbox`: no credentials in the environment, so development mode points the provider at its fake. */
  readonly mode: 'configured' | 'sandbox' | 'not-configured';
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly endpoints: ProviderEndpoints;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The client id that the provider's fake knows. */
export function sandboxClientId(slug: string): string {
  return `sandbox-${slug}-client`;
}

/** The client secret that the provider's fake knows; not a secret, and shaped to catch a wrong encoding (RFC 6749 section 2.3.1). */
export function sandboxClientSecret(slug: string): string {
  return `sandbox:${slug}%+ &-not-a-real-secret`;
}

/** Returns the prefix of a provider's variables: `garmin-oauth1` gives `GARMIN_OAUTH1`. */
export function environmentPrefix(slug: string): string {
  return slug.toUpperCase().replaceAll('-', '_');
}

/**
 * Reads a provider's credentials and overrides from the environment.
 *
 * `<PREFIX>_CLIENT_ID` and `_CLIENT_SECRET` switch the provider on; `_REDIRECT_URL`, `_SCOPES` (separated by spaces or commas),
 * `_AUTH_URL`, `_TOKEN_URL`, `_API_BASE_URL`, for OAuth 1.0a `_REQUEST_TOKEN_URL` and `_ACCESS_TOKEN_URL` replace the definition's.
 * Without credentials, `SANDBOX_URL` (development only) points the provider at its fake.
 *
 * @param definition - the provider's facts
 * @param environment - usually `process.env`
 * @throws Error naming the variable when only half is set, a URL is malformed, or plain http is used where it may not be
 */
export function readProviderSettings(definition: ProviderDefinition, environment: Environment): ProviderSettings {
  const prefix = environmentPrefix(definition.slug);
  const read = (name: string): string | undefined => environment[`${prefix}_${name}`]?.trim() || undefined;
  const production = environment['NODE_ENV'] === 'production';
  const clientId = read('CLIENT_ID');
  const clientSecret = read('CLIENT_SECRET');
  if ((clientId === undefined) !== (clientSecret === undefined)) {
    const missing = clientId === undefined ? 'CLIENT_ID' : 'CLIENT_SECRET';
    throw new Error(
      `${prefix}_${missing} is missing: set both ${prefix}_CLIENT_ID and ${prefix}_CLIENT_SECRET, or neither.`,
    );
  }
  const sandboxUrl = production ? undefined : environment['SANDBOX_URL'];
  const mode = clientId !== undefined ? 'configured' : sandboxUrl !== undefined ? 'sandbox' : 'not-configured';

  const checkUrl = (name: string, value: string): string => {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    const loopback = url !== undefined && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
    const allowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback && !production);
    if (url === undefined || !allowed || url.username !== '' || url.hash !== '') {
      throw new Error(
        `${name} must be an https URL without user or fragment (plain http only on loopback, outside production).`,
      );
    }
    return value;
  };
  const override = (name: string, fallback: string): string => {
    const value = read(name);
    return value === undefined ? fallback : checkUrl(`${prefix}_${name}`, value);
  };

  const publicUrl = environment['PUBLIC_URL'] ?? 'http://localhost:3000';
  const scopes = read('SCOPES')?.split(/[\s,]+/);
  return {
    mode,
    clientId: clientId ?? sandboxClientId(definition.slug),
    clientSecret: new Secret(clientSecret ?? sandboxClientSecret(definition.slug)),
    redirectUri: override('REDIRECT_URL', `${publicUrl.replace(/\/+$/, '')}/v1/oauth/${definition.slug}/callback`),
    scopes: scopes ?? definition.defaultScopes,
    endpoints:
      mode === 'sandbox' && sandboxUrl !== undefined
        ? sandboxEndpoints(definition, sandboxUrl)
        : configuredEndpoints(definition, override),
  };
}

function configuredEndpoints(
  definition: ProviderDefinition,
  override: (name: string, fallback: string) => string,
): ProviderEndpoints {
  const apiBaseUrl = override('API_BASE_URL', definition.apiBaseUrl);
  const below = (url: string | undefined): string | undefined =>
    url?.startsWith(`${definition.apiBaseUrl}/`) ? apiBaseUrl + url.slice(definition.apiBaseUrl.length) : url;
  return {
    authorizeUrl: override('AUTH_URL', definition.authorizeUrl),
    tokenUrl: definition.oauth === '2.0' ? override('TOKEN_URL', definition.tokenUrl) : '',
    requestTokenUrl: definition.oauth === '1.0a' ? override('REQUEST_TOKEN_URL', definition.requestTokenUrl) : '',
    accessTokenUrl: definition.oauth === '1.0a' ? override('ACCESS_TOKEN_URL', definition.accessTokenUrl) : '',
    apiBaseUrl,
    accountUrl: below(definition.account.from === 'api' ? definition.account.url : undefined),
    revokeUrl: below(definition.revocation?.url),
  };
}

/** The sandbox serves each fake below `/<slug>`, with the maker's own paths behind it. */
function sandboxEndpoints(definition: ProviderDefinition, sandboxUrl: string): ProviderEndpoints {
  const moved = (url: string): string => {
    const { pathname } = new URL(url);
    return `${sandboxUrl}/${definition.slug}${pathname === '/' ? '' : pathname}`;
  };
  return {
    authorizeUrl: moved(definition.authorizeUrl),
    tokenUrl: definition.oauth === '2.0' ? moved(definition.tokenUrl) : '',
    requestTokenUrl: definition.oauth === '1.0a' ? moved(definition.requestTokenUrl) : '',
    accessTokenUrl: definition.oauth === '1.0a' ? moved(definition.accessTokenUrl) : '',
    apiBaseUrl: moved(definition.apiBaseUrl),
    accountUrl: definition.account.from === 'api' ? moved(definition.account.url) : undefined,
    revokeUrl: definition.revocation === undefined ? undefined : moved(definition.revocation.url),
  };
}
