import { readSecret } from '../../config/read-environment.js';
import { findAlgorithm, type AssertionAlgorithm } from './assertion-key.js';
import { sandboxAssertionKey, sandboxSigningKey } from './sandbox-credentials.js';
import {
  readNotificationSettings,
  sandboxNotificationSettings,
  type NotificationSettings,
} from './notification-settings.js';
import { Secret } from './secret.js';
import {
  definitionInForce,
  type DeploymentChoice,
  type OAuth2Definition,
  type ProviderDefinition,
} from './provider-definition.js';
import {
  configuredUrl,
  oauth1Endpoints,
  oauth2Endpoints,
  sandboxUrl,
  type MoveUrl,
  type OAuth1Endpoints,
  type OAuth2Endpoints,
} from './provider-endpoints.js';

/** The credentials of our client registration at a provider. */
export interface ClientCredentials {
  readonly clientId: string;
  /** For `es256-jwt` and `private_key_jwt` the private key, PKCS#8 in PEM. */
  readonly clientSecret: Secret;
}

interface CommonSettings extends ClientCredentials, DeploymentChoice {
  /** `sandbox`: no credentials in the environment, so development mode points the provider at its fake. */
  readonly mode: 'configured' | 'sandbox' | 'not-configured';
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  /** Values of the headers that the account call needs, by name; absent if it needs none. */
  readonly accountHeaders?: Readonly<Record<string, Secret>>;
  readonly notifications: NotificationSettings;
}

/** The settings of a provider of OAuth 1.0a. */
export interface OAuth1Settings extends CommonSettings {
  readonly endpoints: OAuth1Endpoints;
}

/** The settings of a provider of OAuth 2.0. */
export interface OAuth2Settings extends CommonSettings {
  readonly endpoints: OAuth2Endpoints;
  /** Names the private key to the provider. `teamId` only for `es256-jwt`. */
  readonly signing: { readonly teamId?: string; readonly keyId: string } | undefined;
  /** `iss` of a callback and an ID token must be one of these. Nothing is sent to these URLs. Empty: not known. */
  readonly issuers: readonly string[];
}

/** This deployment's settings for one provider. */
export type ProviderSettings = OAuth1Settings | OAuth2Settings;

/** The settings that go with a definition. */
export type SettingsOf<Definition extends ProviderDefinition> = Definition extends OAuth2Definition
  ? OAuth2Settings
  : OAuth1Settings;

type Environment = Readonly<Record<string, string | undefined>>;

/** The client id that the provider's fake knows. */
export function sandboxClientId(slug: string): string {
  return `sandbox-${slug}-client`;
}

/**
 * The client secret that the provider's fake knows; not a secret, and shaped to catch a wrong encoding (RFC 6749
 * section 2.3.1).
 */
export function sandboxClientSecret(slug: string): string {
  return `sandbox:${slug}%+ &-not-a-real-secret`;
}

/** The value that the provider's fake wants in each header of the account call; not a secret. */
export function sandboxHeaderValue(slug: string): string {
  return `sandbox-${slug}-header-not-a-real-secret`;
}

/** Returns the prefix of a provider's variables: `garmin-oauth1` gives `GARMIN_OAUTH1`. */
export function environmentPrefix(slug: string): string {
  return slug.toUpperCase().replaceAll('-', '_');
}

/**
 * Reads a provider's credentials and overrides from the environment.
 *
 * The names of the variables begin with `<PREFIX>`:
 * - `_CLIENT_ID` and `_CLIENT_SECRET` switch the provider on. A public client has no secret.
 * - `_KEY_ID` names the private key of a client with assertions. A client that signs its secret has `_KEY_ID` and
 *   `_TEAM_ID`. The private key itself is in `_CLIENT_SECRET`. If the provider takes a key or a secret, `_KEY_ID`
 *   chooses the key.
 * - Each header of the account call has a variable of its own.
 * - `_SERVER` picks one of the definition's servers.
 * - `_PKCE` (`on` or `off`) decides about PKCE, if the provider leaves it open.
 * - `_REDIRECT_URL`, `_SCOPES` (separated by spaces or commas), `_AUTH_URL`, `_TOKEN_URL`, `_REFRESH_URL`,
 *   `_API_BASE_URL`, `_ACCOUNT_URL`, `_REVOKE_URL`, `_PAR_URL`, `_JWKS_URL` and `_ISSUER` replace the definition's. For
 *   OAuth 1.0a these are also `_REQUEST_TOKEN_URL`, `_ACCESS_TOKEN_URL` and `_EXCHANGE_URL`.
 *
 * Without credentials, `SANDBOX_URL` (development only) points the provider at its fake.
 *
 * @param declared - the provider's facts
 * @param environment - usually `process.env`
 * @throws Error naming the variable when the credentials are incomplete, a URL is malformed, or plain http is not
 *   allowed for it
 */
export function readProviderSettings<Definition extends ProviderDefinition>(
  declared: Definition,
  environment: Environment,
): SettingsOf<Definition>;
export function readProviderSettings(declared: ProviderDefinition, environment: Environment): ProviderSettings {
  const prefix = environmentPrefix(declared.slug);
  const production = environment['NODE_ENV'] === 'production';
  const read: ReadVariable = (name) => {
    const variable = `${prefix}_${name}`;
    const value = isSecretVariable(declared, name) ? readSecret(environment, variable) : environment[variable];
    return value?.trim() || undefined;
  };
  const choice = readChoice(declared, prefix, read);
  const definition = definitionInForce(declared, choice);
  const found = readCredentials(definition, prefix, read);
  const override: MoveUrl = (name, fallback) => {
    const value = read(name);
    return value === undefined ? fallback : checkUrl(`${prefix}_${name}`, value, production);
  };
  const publicUrl = (environment['PUBLIC_URL'] || `http://localhost:${environment['PORT'] || '3000'}`).replace(
    /\/+$/,
    '',
  );
  const common = {
    ...choice,
    redirectUri: override('REDIRECT_URL', `${publicUrl}/v1/oauth/${definition.slug}/callback`),
    scopes: readScopes(read('SCOPES')) ?? definition.defaultScopes,
  };
  const sandbox = production ? undefined : environment['SANDBOX_URL'] || undefined;
  if (found === undefined && sandbox !== undefined) {
    const moved: MoveUrl = (_name, url) => sandboxUrl(definition, sandbox, url);
    const notifications = sandboxNotificationSettings(definition, publicUrl, (url) => moved('', url));
    const settings = { ...common, mode: 'sandbox', notifications } as const;
    return withEndpoints(definition, settings, sandboxCredentials(definition), undefined, moved);
  }
  const mode = found === undefined ? 'not-configured' : 'configured';
  const notifications = readNotificationSettings(definition, publicUrl, read, override);
  // Passport refuses an empty client id, also of a provider that is off.
  const credentials = found ?? { clientId: 'not-configured', clientSecret: new Secret(''), signing: undefined };
  const issuer = read('ISSUER') === undefined ? undefined : override('ISSUER', '');
  const move = configuredUrl(definition, override);
  return withEndpoints(definition, { ...common, mode, notifications }, credentials, issuer, move);
}

/** Adds the settings of the provider's version of OAuth. */
function withEndpoints(
  definition: ProviderDefinition,
  settings: Omit<CommonSettings, keyof Credentials>,
  { signing, ...credentials }: Credentials,
  issuer: string | undefined,
  move: MoveUrl,
): ProviderSettings {
  if (definition.oauth === '1.0a') {
    return { ...settings, ...credentials, endpoints: oauth1Endpoints(definition, move) };
  }
  const issuers = issuer === undefined ? (definition.issuers ?? []) : [issuer];
  return { ...settings, ...credentials, signing, issuers, endpoints: oauth2Endpoints(definition, move) };
}

/** Variables that may also be given as `<NAME>_FILE`. */
const secretVariables: readonly string[] = ['CLIENT_SECRET', 'HOOK_PATH_SECRET', 'HOOK_SECRET', 'HOOK_VERIFY_TOKEN'];

function isSecretVariable(definition: ProviderDefinition, name: string): boolean {
  return secretVariables.includes(name) || accountHeaders(definition).some((header) => variableOf(header) === name);
}

/** Headers of the account call whose values the operator sets. */
function accountHeaders({ account }: ProviderDefinition): readonly string[] {
  return account.from === 'api' ? (account.headers ?? []) : [];
}

/** `x-api-key` is set by `<PREFIX>_X_API_KEY`. */
function variableOf(header: string): string {
  return header.toUpperCase().replaceAll('-', '_');
}

type ReadVariable = (name: string) => string | undefined;
type Credentials = Pick<OAuth2Settings, 'clientId' | 'clientSecret' | 'signing' | 'accountHeaders'>;

/** Returns the scopes of a list in any style; `undefined` when it names none. */
function readScopes(list: string | undefined): readonly string[] | undefined {
  const scopes = list?.split(/[\s,]+/).filter((scope) => scope !== '') ?? [];
  return scopes.length === 0 ? undefined : scopes;
}

/** Variables that a provider needs to be switched on, by its client authentication and its account call. */
export function requiredVariables(definition: ProviderDefinition): readonly string[] {
  return [...clientVariables(definition), ...accountHeaders(definition).map(variableOf)];
}

function clientVariables(definition: ProviderDefinition): readonly string[] {
  switch (definition.oauth === '2.0' ? definition.clientAuthentication : 'signature') {
    case 'none':
      return ['CLIENT_ID'];
    case 'es256-jwt':
      return ['CLIENT_ID', 'CLIENT_SECRET', 'TEAM_ID', 'KEY_ID'];
    case 'private_key_jwt':
      return ['CLIENT_ID', 'CLIENT_SECRET', 'KEY_ID'];
    case 'basic':
    case 'body':
    case 'signature':
      return ['CLIENT_ID', 'CLIENT_SECRET'];
  }
}

/** Returns the credentials, or `undefined` when none of their variables is set. */
function readCredentials(definition: ProviderDefinition, prefix: string, read: ReadVariable): Credentials | undefined {
  const required = requiredVariables(definition);
  const missing = required.filter((name) => read(name) === undefined);
  if (missing.length === required.length) {
    return undefined;
  }
  if (missing.length > 0) {
    const names = (list: readonly string[]): string => list.map((name) => `${prefix}_${name}`).join(', ');
    throw new Error(`${names(missing)} is missing. Set all of ${names(required)}, or none.`);
  }
  const ofKey = (name: string): string | undefined => (required.includes(name) ? read(name) : undefined);
  const [teamId, keyId] = [ofKey('TEAM_ID'), ofKey('KEY_ID')];
  const secret = read('CLIENT_SECRET') ?? '';
  const readKey = (): string => readPrivateKey(`${prefix}_CLIENT_SECRET`, secret, keyAlgorithms(definition));
  if (keyId === undefined && secret.includes('PRIVATE KEY-----')) {
    throw new Error(
      `${prefix}_CLIENT_SECRET holds a private key, which would be sent to the provider. ${
        keyAlgorithms(definition).length === 0 ? 'Put the client secret there.' : `Set ${prefix}_KEY_ID as well.`
      }`,
    );
  }
  return {
    clientId: read('CLIENT_ID') ?? '',
    clientSecret: new Secret(keyId === undefined ? secret : readKey()),
    signing: keyId === undefined ? undefined : { keyId, ...(teamId === undefined ? {} : { teamId }) },
    ...withAccountHeaders(definition, (header) => read(variableOf(header)) ?? ''),
  };
}

function withAccountHeaders(
  definition: ProviderDefinition,
  valueOf: (header: string) => string,
): Pick<ProviderSettings, 'accountHeaders'> {
  const headers = accountHeaders(definition);
  return headers.length === 0
    ? {}
    : { accountHeaders: Object.fromEntries(headers.map((header) => [header, new Secret(valueOf(header))])) };
}

/** The algorithms that the operator's key may have; none if the provider takes no key. */
function keyAlgorithms(definition: ProviderDefinition): readonly AssertionAlgorithm[] {
  if (definition.oauth !== '2.0') {
    return [];
  }
  return definition.clientAuthentication === 'es256-jwt' ? ['ES256'] : (definition.clientAssertion?.algorithms ?? []);
}

const keyKinds: Readonly<Record<AssertionAlgorithm, string>> = {
  ES256: 'of the curve P-256',
  ES384: 'of the curve P-384',
  RS384: 'RSA of 2048 bits or more',
};

/** Checks a private key. A variable often holds the line ends of a PEM file as the two characters "\n". */
function readPrivateKey(variable: string, text: string, algorithms: readonly AssertionAlgorithm[]): string {
  const pem = text.replaceAll('\\n', '\n');
  if (findAlgorithm(pem, algorithms) === undefined) {
    const kinds = algorithms.map((algorithm) => keyKinds[algorithm]).join(', or ');
    throw new Error(`${variable} must hold the private key for ${algorithms.join(' or ')}: PKCS#8 in PEM, ${kinds}.`);
  }
  return pem;
}

function sandboxCredentials(definition: ProviderDefinition): Credentials {
  const clientId = sandboxClientId(definition.slug);
  const headers = withAccountHeaders(definition, () => sandboxHeaderValue(definition.slug));
  if (definition.oauth === '2.0' && definition.clientAuthentication === 'es256-jwt') {
    const { teamId, keyId, privateKeyPem } = sandboxSigningKey(definition.slug);
    return { clientId, clientSecret: new Secret(privateKeyPem), signing: { teamId, keyId }, ...headers };
  }
  if (definition.oauth === '2.0' && definition.clientAuthentication === 'private_key_jwt') {
    const { keyId, privateKeyPem } = sandboxAssertionKey(definition.slug);
    return { clientId, clientSecret: new Secret(privateKeyPem), signing: { keyId }, ...headers };
  }
  return { clientId, clientSecret: new Secret(sandboxClientSecret(definition.slug)), signing: undefined, ...headers };
}

function checkUrl(name: string, value: string, production: boolean): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const loopback = url !== undefined && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  const allowed = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback && !production);
  if (url === undefined || !allowed || url.username !== '' || url.password !== '' || url.hash !== '') {
    throw new Error(
      `${name} must be an https URL without user, password or fragment (plain http only on loopback, outside production).`,
    );
  }
  return value;
}

/** Reads the operator's choice of server, PKCE and key. */
function readChoice(definition: ProviderDefinition, prefix: string, read: ReadVariable): DeploymentChoice {
  const takesKey = definition.oauth === '2.0' && definition.clientAssertion !== undefined;
  const chosen: DeploymentChoice = takesKey && read('KEY_ID') ? { clientAuthentication: 'private_key_jwt' } : {};
  const server = read('SERVER');
  const servers = definition.oauth === '2.0' ? Object.keys(definition.servers ?? {}) : [];
  if (server !== undefined && !servers.includes(server)) {
    const known = servers.length === 0 ? 'it has no other; remove the variable' : `use one of ${servers.join(', ')}`;
    throw new Error(`${prefix}_SERVER does not name a server of ${definition.displayName}: ${known}.`);
  }
  const pkce = read('PKCE');
  if (pkce === undefined) {
    return { ...chosen, server };
  }
  if (pkce !== 'on' && pkce !== 'off') {
    throw new Error(`${prefix}_PKCE must be on or off.`);
  }
  const { oauth } = definition;
  if (oauth === '1.0a' || (pkce === 'off' && definitionInForce(definition, { server }).pkce === 'required')) {
    const why = oauth === '1.0a' ? 'speaks OAuth 1.0a, which has no PKCE' : 'requires PKCE';
    throw new Error(`${prefix}_PKCE cannot be ${pkce}: ${definition.displayName} ${why}. Remove the variable.`);
  }
  return { ...chosen, server, pkce: pkce === 'on' };
}
