/** The facts of a discovery document (RFC 8414, OpenID Connect Discovery 1.0) about a new provider. */
export interface Discovered {
  readonly issuer?: string;
  readonly authorizationEndpoint?: string;
  readonly tokenEndpoint?: string;
  readonly revocationEndpoint?: string;
  readonly pkce?: 'supported';
  readonly clientAuthentication?: 'basic' | 'body' | 'none';
}

const authentications = { client_secret_basic: 'basic', client_secret_post: 'body', none: 'none' } as const;

/**
 * Reads a discovery document. Fields that are absent, or no https URL, are left to be filled in by hand.
 *
 * @param document - parsed JSON, from outside
 */
export function parseDiscovery(document: unknown): Discovered {
  const fields = (typeof document === 'object' && document !== null ? document : {}) as Record<string, unknown>;
  const url = (name: string): string | undefined => {
    const value = fields[name];
    return typeof value === 'string' && /^https:\/\/[^\s'"`$\\]+$/.test(value) && URL.canParse(value)
      ? value
      : undefined;
  };
  const list = (name: string): readonly unknown[] => (Array.isArray(fields[name]) ? (fields[name] as unknown[]) : []);
  // Basic is the default of both specifications.
  const methods = list('token_endpoint_auth_methods_supported');
  const method = (Object.keys(authentications) as (keyof typeof authentications)[]).find((each) =>
    methods.includes(each),
  );
  return JSON.parse(
    JSON.stringify({
      issuer: url('issuer'),
      authorizationEndpoint: url('authorization_endpoint'),
      tokenEndpoint: url('token_endpoint'),
      revocationEndpoint: url('revocation_endpoint'),
      pkce: list('code_challenge_methods_supported').includes('S256') ? 'supported' : undefined,
      clientAuthentication: method === undefined ? undefined : authentications[method],
    }),
  ) as Discovered;
}

/**
 * Reads the document at a URL: https only, no redirect, 10 seconds.
 *
 * @throws Error when there is none
 */
export async function readDiscovery(url: string): Promise<Discovered> {
  if (!/^https:\/\//.test(url)) {
    throw new Error(`${url} is no https URL.`);
  }
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(10_000) });
  if (!response.ok) {
    throw new Error(`There is no discovery document at ${url}: HTTP ${response.status}.`);
  }
  return parseDiscovery(await response.json());
}

/**
 * Puts what was discovered in the place of the generator's placeholders, in `facts.json` and the definition. The
 * sandbox is not touched: it is written from the documentation, so that each checks the other.
 *
 * @param files - of a new OAuth 2.0 provider, by path below its folder
 */
export function fillFromDiscovery(
  files: ReadonlyMap<string, string>,
  slug: string,
  found: Discovered,
): Map<string, string> {
  const placeholder = `https://${slug}.example.invalid/oauth`;
  const urls: readonly (readonly [string, string | undefined])[] = [
    [`${placeholder}/authorize`, found.authorizationEndpoint],
    [`${placeholder}/token`, found.tokenEndpoint],
    [`${placeholder}/revoke`, found.revocationEndpoint],
  ];
  const words: readonly (readonly [string, string | undefined])[] = [
    [`pkce: 'unsupported'`, found.pkce && `pkce: '${found.pkce}'`],
    [`"pkce": null`, found.pkce && `"pkce": "S256 ${found.pkce}"`],
    [
      `clientAuthentication: 'basic'`,
      found.clientAuthentication && `clientAuthentication: '${found.clientAuthentication}'`,
    ],
    [
      `"tokenEndpointAuth": "client_secret_basic"`,
      found.clientAuthentication && `"tokenEndpointAuth": "${wordOf(found)}"`,
    ],
    [`  grantedScopesIn:`, found.issuer && `  issuers: ['${found.issuer}'],\n  grantedScopesIn:`],
    [
      `  "accessTokenLifetimeSeconds"`,
      found.issuer && `  "issuers": ["${found.issuer}"],\n  "accessTokenLifetimeSeconds"`,
    ],
  ];
  const filled = new Map(files);
  for (const path of ['facts.json', `${slug}.definition.ts`]) {
    let text = files.get(path) ?? '';
    for (const [before, after] of [...urls, ...words]) {
      text = after === undefined ? text : text.replace(before, () => after);
    }
    filled.set(path, text);
  }
  return filled;
}

function wordOf({ clientAuthentication }: Discovered): string {
  return (
    Object.entries(authentications).find(([, kind]) => kind === clientAuthentication)?.[0] ?? 'client_secret_basic'
  );
}
