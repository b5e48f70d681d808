import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findOutdatedNotifications, notificationsPage, wrap } from './notifications-docs.ts';
import type {
  AccountLookup,
  Lifecycle,
  OAuth2Definition,
  ProviderDefinition,
  RefreshPolicy,
  Revocation,
} from '../src/provider-kit/definition/provider-definition.js';

/**
 * `npm run docs:providers`: writes `docs/providers.md`, and the table of `docs/notifications.md`, from the definitions
 * of the providers. With `--check` it writes nothing, and fails if a page is out of date.
 */

const page = 'docs/providers.md';

/** The parts of the facts that definitions do not have. */
export interface DocumentedFacts {
  /** The provider's folder. */
  readonly id: string;
  /** When they were last compared with the provider's documentation: `YYYY-MM-DD`. */
  readonly checkedOn: string;
  readonly refreshTokenLifetimeSeconds: number | null;
  /** The kind of device or app of its users; a key of {@link kinds}. */
  readonly kind: string;
  /** The provider's conditions for an app; `?` if they are not known. */
  readonly access: string;
  /** Absent if the provider serves all regions alike, as far as is known. */
  readonly region?: string;
  /** The day of `fixtures/observed.json`, when a consent was observed: `YYYY-MM-DD`. */
  readonly observedOn?: string | undefined;
}

/** The source of the page. */
export interface ProvidersSource {
  /** Sorted by slug. */
  readonly definitions: readonly ProviderDefinition[];
  /** One for each folder of `src/providers`. */
  readonly facts: readonly DocumentedFacts[];
  /** The folders of `src/providers`. One may have several providers, whose slugs begin with its name. */
  readonly folders: readonly string[];
}

type OptionalField<T> = { [Field in keyof T]-?: undefined extends T[Field] ? Field : never }[keyof T];
/**
 * Fields whose absence means that the provider does as the standard says. Those with a column of their own are left
 * out.
 */
type QuirkField = Exclude<
  OptionalField<OAuth2Definition>,
  'brandColor' | 'apiBaseUrl' | 'revocation' | 'accessTokenLifetimeSeconds' | 'servers' | 'notifications'
>;
type QuirkSentences = { readonly [Field in QuirkField]: (value: NonNullable<OAuth2Definition[Field]>) => string };

/** The meaning of each flag of a definition. A new flag does not compile until it is described here. */
const quirkSentences: QuirkSentences = {
  refreshUrl: (value) => `refreshes go to ${code(value)}`,
  parUrl: (value) => `the authorization request is pushed to ${code(value)}`,
  issuers: (value) => `the issuer is ${value.map(code).join(' or ')}`,
  alwaysSendsIssuer: () => 'every callback has the issuer',
  clientSecretJwt: (value) =>
    `the client secret is a JWT that is signed here and used for ${duration(value.lifetimeSeconds)}`,
  clientAssertion: ({ algorithms }) =>
    `the client may authenticate with a key (${code('private_key_jwt')}, ${algorithms.join(' or ')})`,
  scopeParameter: (value) => `the scopes are in the parameter ${code(value)}`,
  extraAuthorizeParams: (value) => `the authorization request has ${parameters(value)}`,
  authorizeRoute: (value) =>
    `the authorization page reads its parameters from the fragment, behind ${code(`#${value}`)}`,
  nonce: () => 'the ID token must have the nonce of the request',
  codeLifetimeSeconds: (value) => `an authorization code lives ${duration(value)}`,
  deniedError: (value) => `the callback reports a denial as ${code(value)}`,
  codeParameters: (value) => `the callback has the code in ${value.map(code).join(' or ')}`,
  extraTokenParams: (value) => `token requests have ${parameters(value)}`,
  scopeOnExchange: () => 'the exchange repeats the scopes',
  scopeOnRefresh: (value) =>
    value === true ? 'a refresh repeats the scopes' : `a refresh sends the scope ${code(value)}`,
  redirectUriOnRefresh: () => 'a refresh repeats the redirect URI',
  neverExpires: () => 'access tokens are valid until they are revoked',
  noRefreshToken: () => 'there are no refresh tokens',
  refreshExtendsToken: () => 'a refresh returns no tokens, but renews the lifetime of the current one',
  responseDialect: ({ status, bodyField, fieldNames, noTokenType }) =>
    [
      status && `errors come with HTTP 200 and a ${code(status.field)} in the body`,
      bodyField && `the tokens are inside ${code(bodyField)}`,
      fieldNames && `the token fields have the names ${codes(Object.values(fieldNames))}`,
      noTokenType && `there is no ${code('token_type')}`,
    ]
      .filter((sentence) => sentence !== undefined)
      .join('; '),
  refreshExpiresInField: (value) => `${code(value)} is the lifetime of the refresh token`,
  dataApi: ({ tokenParameter, headers }) =>
    [
      tokenParameter && `calls of the API carry the token in the query as ${code(tokenParameter)}`,
      headers && `calls of the API also need ${codes(headers)}`,
    ]
      .filter((sentence) => sentence !== undefined)
      .join('; '),
  refreshOnDemandOnly: () => 'a token is refreshed on demand only, close to its end',
  minRefreshIntervalSeconds: (value) => `at most one refresh in ${duration(value)}`,
  parseErrorCode: () => 'errors have a shape of their own',
  plainTextErrors: (value) =>
    value
      .map(({ status, error }) => `the token endpoint reports ${code(error)} by HTTP ${status} with a plain text`)
      .join('; '),
  deadGrantErrors: (value) => `a dead grant is also reported as ${value.map(fieldValues).join(' or ')}`,
};

/** Providers that people ask for and that cannot be linked. Kept by hand. */
const notOffered = `## Not offered

| provider | why | instead |
|---|---|---|
| Samsung Health, Health Connect | There is no cloud API and no OAuth. The data stays on the phone; an app of yours on the phone reads it with the user's permission (Samsung Health Data SDK; release builds need the provider's approval). | your own Android app |
| Peloton | There is no program for developers. The known endpoints are those of its own web page, and take its own callback only. | |
| Eight Sleep | There is no OAuth for third parties. Scripts send the user's password with credentials from the provider's app. | Apple's HealthKit, Health Connect |
| komoot | It has OAuth 2.0, but gives client ids to partners only, and publishes neither lifetimes nor rotation. A partner can add it like any other provider. | |
`;

/** The headings of the page, in their order. */
const kinds: Readonly<Record<string, string>> = {
  wearable: 'Watches, rings and bands',
  training: 'Training platforms and equipment',
  device: 'Scales, blood pressure monitors and other devices',
  glucose: 'Glucose and diabetes',
  nutrition: 'Nutrition',
  record: 'Health records',
  phone: 'Phones',
};

/** The table for readers who look for a device: by kind, then by name. */
function renderFinder(
  definitions: readonly ProviderDefinition[],
  factsOf: (definition: ProviderDefinition) => DocumentedFacts | undefined,
): string {
  return Object.entries(kinds)
    .map(([kind, title]) => {
      const ofKind = definitions
        .filter((definition) => factsOf(definition)?.kind === kind)
        .sort((left, right) => (left.displayName.toLowerCase() < right.displayName.toLowerCase() ? -1 : 1));
      const rows = ofKind.map((definition) => {
        const { access = '?', region = '', checkedOn = '', observedOn = 'no' } = factsOf(definition) ?? {};
        const { slug, displayName, uncertain } = definition;
        return [`[${displayName}](#${slug})`, region, access, checkedOn, observedOn, String(uncertain.length)];
      });
      const head = ['provider', 'region', 'requirements for an app', 'documented', 'observed', 'uncertain facts'];
      return rows.length === 0 ? '' : `### ${title}\n\n${renderTable(head, rows)}\n`;
    })
    .join('');
}

/** Returns the text of `docs/providers.md`. */
export function renderProvidersPage({ definitions, facts, folders }: ProvidersSource): string {
  const folderOf = ({ slug }: ProviderDefinition): string =>
    folders
      .filter((folder) => `${slug}-`.startsWith(`${folder}-`))
      .sort()
      .at(-1) ?? slug;
  const factsOf = (definition: ProviderDefinition): DocumentedFacts | undefined =>
    facts.find(({ id }) => id === folderOf(definition));
  const table = renderTable(
    [
      'slug',
      'name',
      'OAuth',
      'PKCE',
      'client auth',
      'access token',
      'refresh token',
      'rotation',
      'revoked by',
      'state',
    ],
    definitions.map((definition) => [
      `[${code(definition.slug)}](#${definition.slug})`,
      definition.displayName,
      definition.oauth,
      describePkce(definition),
      definition.oauth === '2.0' ? definition.clientAuthentication : definition.signatureMethod,
      describeAccessLife(definition),
      describeRefreshLife(definition, factsOf(definition)?.refreshTokenLifetimeSeconds),
      definition.oauth === '2.0' && !definition.noRefreshToken ? definition.refresh.rotates : '',
      definition.revocation?.method ?? 'nothing',
      describeLifecycle(definition.lifecycle),
    ]),
  );
  return `# Providers

<!-- Written by \`npm run docs:providers\` from the definitions in src/providers; do not edit. -->

${definitions.length} providers in ${new Set(definitions.map(folderOf)).size} folders of \`src/providers\`. The README of a folder says how to get
credentials. \`npm run cli -- doctor\` shows the providers that are switched on, and the redirect URI to register.

## Find a provider

${renderFinder(definitions, factsOf)}
${notOffered}
## OAuth of each provider

${table}
Lifetimes are as documented; ? means not published. A lifetime in a token response goes before.

${definitions.map((definition) => renderProvider(definition, folderOf(definition), factsOf(definition)?.checkedOn)).join('\n')}`;
}

/** Returns `docs/providers.md` as it should be, or undefined when it is so below `root`. */
export async function findOutdatedPage(root: string, source: ProvidersSource): Promise<string | undefined> {
  const wanted = renderProvidersPage(source);
  const found = await readFile(join(root, page), 'utf8').catch(() => undefined);
  return found === wanted ? undefined : wanted;
}

function renderProvider(definition: ProviderDefinition, folder: string, checkedOn = 'an unknown day'): string {
  const { slug, displayName, uncertain, docsUrl } = definition;
  const lines = [
    `Scopes: ${describeScopes(definition)}`,
    `The user's id: ${describeAccount(definition.account)}`,
    `Revocation: ${describeRevocation(definition.revocation)}`,
    ...(definition.oauth === '2.0' && !definition.noRefreshToken ? describeRefresh(definition.refresh) : []),
    ...(definition.oauth === '1.0a' && definition.exchangeUrl !== undefined
      ? [`Peculiar: a grant is exchanged for one of its successor at ${code(definition.exchangeUrl)}`]
      : []),
    ...(definition.oauth === '1.0a' && definition.tokenParametersIn !== 'header'
      ? [`Peculiar: the two token calls carry their parameters in the ${definition.tokenParametersIn}`]
      : []),
    ...describeServers(definition),
    ...describeQuirks(definition).map((quirk) => `Peculiar: ${quirk}`),
    ...uncertain.map((sentence) => `Not confirmed: ${sentence.replace(/\.$/, '')}`),
    `Source: <${docsUrl}>, checked on ${checkedOn}`,
  ];
  const list = lines.map((line) => `${wrap(`- ${line}.`)}\n`).join('');
  return `## ${slug}\n\n${displayName}; [how to get credentials](../src/providers/${folder}/README.md).\n\n${list}`;
}

function describeLifecycle(lifecycle: Lifecycle): string {
  if (lifecycle.status === 'live') {
    return 'live';
  }
  const successor = lifecycle.replacedBy === undefined ? '' : `, then ${code(lifecycle.replacedBy)}`;
  return `${lifecycle.status} ${lifecycle.sunsetAt}${successor}`;
}

function describePkce(definition: ProviderDefinition): string {
  return definition.oauth === '2.0'
    ? { required: 'required', supported: 'used', unsupported: 'no' }[definition.pkce]
    : '';
}

function describeAccessLife(definition: ProviderDefinition): string {
  if (definition.oauth === '1.0a' || definition.neverExpires) {
    return 'no end';
  }
  const { accessTokenLifetimeSeconds: life } = definition;
  return life === undefined ? '?' : duration(life);
}

function describeRefreshLife(definition: ProviderDefinition, seconds: number | null | undefined): string {
  if (definition.oauth === '1.0a' || definition.noRefreshToken) {
    return 'none';
  }
  return typeof seconds === 'number' ? duration(seconds) : '?';
}

function describeScopes(definition: ProviderDefinition): string {
  if (definition.defaultScopes.length === 0) {
    return 'none are requested';
  }
  const separator = definition.oauth === '2.0' ? definition.scopeSeparator : ' ';
  const granted = definition.oauth === '2.0' ? definition.grantedScopesIn : 'nowhere';
  const report = {
    'token-response': 'the token response reports the granted ones',
    callback: 'the callback reports the granted ones',
    nowhere: 'the granted ones are not reported',
  }[granted];
  return `${codes(definition.defaultScopes)}${{ ' ': '', ',': ', joined by commas', ';': ', joined by semicolons' }[separator]}; ${report}`;
}

function describeAccount(account: AccountLookup): string {
  switch (account.from) {
    case 'token-response':
      return `${fields(account.field)} of the token response`;
    case 'api':
      return `${fields(account.field)} of ${code(`GET ${account.url}`)}${account.headers === undefined ? '' : `, which also needs ${codes(account.headers)}`}`;
    case 'id-token':
      return `${code(account.claim ?? 'sub')} of the ID token; its signature is ${account.jwksUrl === undefined ? 'not checked: no keys are published' : 'checked'}`;
    case 'nowhere':
      return 'there is no documented way to learn it';
  }
}

function describeRevocation(revocation: Revocation | undefined): string {
  if (revocation === undefined) {
    return 'none; the user ends the grant at the provider';
  }
  const proof = {
    bearer: "the user's access token as bearer",
    client: 'client authentication and the token in the form',
    token: 'the token in the form',
    custom: 'a call of its own, see its folder',
    query: 'the access token in the query',
    signature: 'a signature with the token',
  }[revocation.proof];
  // A host of that kind is a placeholder for one that is discovered at run time (RFC 2606 section 2).
  const discovered = new URL(revocation.url).hostname.endsWith('.invalid');
  const call = discovered ? `${revocation.method} to a discovered URL` : code(`${revocation.method} ${revocation.url}`);
  return `${call}, proved by ${proof}`;
}

function describeRefresh({ rotates, reuse, grace, oldAccessTokenDiesOnRefresh }: RefreshPolicy): string[] {
  const used = {
    ignored: 'may be used again',
    error: 'is refused',
    'family-revoked': 'ends the grant',
  }[reuse];
  const from =
    grace === 'none'
      ? ''
      : grace === 'until-new-token-used'
        ? ' once the new one was used'
        : ` after ${duration(grace.seconds)}`;
  return [
    rotates === 'never'
      ? 'Refresh: the refresh token stays the same'
      : `Refresh: returns ${rotates === 'always' ? 'a new refresh token' : 'sometimes a new refresh token'}; a used one ${used}${from}`,
    ...(oldAccessTokenDiesOnRefresh ? ['Refresh: it ends the previous access token, or may do so'] : []),
  ];
}

/** Lists the differences of each further server. */
function describeServers(definition: ProviderDefinition): string[] {
  if (definition.oauth === '1.0a' || definition.servers === undefined) {
    return [];
  }
  const variable = `${definition.slug.toUpperCase().replaceAll('-', '_')}_SERVER`;
  return Object.entries(definition.servers).map(([name, facts]) => {
    const { tokenUrl, apiBaseUrl, defaultScopes, revocation } = facts;
    const differences = [
      tokenUrl && `tokens come from ${code(tokenUrl)}`,
      apiBaseUrl && `the API is ${code(apiBaseUrl)}`,
      defaultScopes && `scopes: ${codes(defaultScopes)}`,
      revocation && `revocation: ${describeRevocation(revocation)}`,
    ].filter((sentence) => sentence !== undefined);
    return `Server: ${code(`${variable}=${name}`)}${differences.length === 0 ? ', the default' : `: ${differences.join('; ')}`}`;
  });
}

function describeQuirks(definition: ProviderDefinition): string[] {
  return (Object.keys(quirkSentences) as QuirkField[]).flatMap((field) => describeQuirk(definition, field));
}

function describeQuirk<Field extends QuirkField>(definition: ProviderDefinition, field: Field): string[] {
  const value = (definition as OAuth2Definition)[field];
  return value === undefined ? [] : [quirkSentences[field](value)];
}

function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return `${line(head)}|${head.map(() => '---|').join('')}\n${rows.map(line).join('')}`;
}

/** The largest unit that leaves no fraction worth telling: 7 775 998 seconds are 90 days. */
function duration(seconds: number): string {
  const units: readonly (readonly [string, number])[] = [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ];
  for (const [unit, size] of units) {
    const count = Math.round(seconds / size);
    if (count >= 1 && Math.abs(seconds - count * size) <= size / 1_000) {
      return `${count} ${unit}${count === 1 ? '' : 's'}`;
    }
  }
  return `${seconds} seconds`;
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Alternatives are joined by `|`, which a table would take for the end of a cell. */
function fields(path: string): string {
  return path.split('|').map(code).join(' or ');
}

function codes(texts: readonly string[]): string {
  return texts.map(code).join(' ');
}

/** Fields of a body, each with its value. */
function fieldValues(values: Readonly<Record<string, string | number>>): string {
  return codes(Object.entries(values).map(([name, value]) => `${name}: ${value}`));
}

function parameters(values: Readonly<Record<string, string>>): string {
  return codes(Object.entries(values).map(([name, value]) => `${name}=${value}`));
}

/** Reads what the page is made from. */
export async function readSource(root: string, definitions: readonly ProviderDefinition[]): Promise<ProvidersSource> {
  const providers = join(root, 'src/providers');
  const entries = await readdir(providers, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const facts = folders.map(async (folder) => {
    const documented = JSON.parse(await readFile(join(providers, folder, 'facts.json'), 'utf8')) as DocumentedFacts;
    const observed = await readFile(join(providers, folder, 'fixtures/observed.json'), 'utf8').catch(() => undefined);
    const { observedOn } = (observed === undefined ? {} : JSON.parse(observed)) as { observedOn?: string };
    return { ...documented, observedOn };
  });
  return { definitions, facts: await Promise.all(facts), folders };
}

if (import.meta.main) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const built = new URL('../dist/cli/provider-catalogue.js', import.meta.url).href;
  const { readDefinitions } = (await import(built)) as typeof import('../src/cli/provider-catalogue.js');
  const definitions = await readDefinitions();
  const pages = [
    [page, await findOutdatedPage(root, await readSource(root, definitions))],
    [notificationsPage, await findOutdatedNotifications(root, definitions)],
  ] as const;
  for (const [path, wanted] of pages) {
    if (wanted !== undefined && process.argv.includes('--check')) {
      process.stderr.write(`${path} is not what the definitions say: run \`npm run docs:providers\`.\n`);
      process.exitCode = 1;
    } else if (wanted !== undefined) {
      await writeFile(join(root, path), wanted);
      process.stdout.write(`Written: ${path}\n`);
    }
  }
}
