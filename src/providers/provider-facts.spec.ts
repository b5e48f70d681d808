import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  definitionInForce,
  type AccountLookup,
  type ProviderDefinition,
  type Revocation,
} from '../provider-kit/definition/provider-definition.js';

/** The documented facts in the provider's own words: the `facts.json` of a provider's folder. */
interface Facts {
  readonly id: string;
  /** When they were last compared with the provider's documentation: `YYYY-MM-DD`. */
  readonly checkedOn: string;
  readonly oauthVersion: '1.0a' | '2.0' | null;
  readonly authorizeUrl: string | null;
  readonly tokenUrl?: string | null;
  readonly refreshUrl?: string;
  readonly requestTokenUrl?: string;
  readonly accessTokenUrl?: string;
  readonly apiBaseUrl: string | null;
  readonly defaultScopes: readonly string[];
  readonly scopeSeparator: string | null;
  readonly tokenEndpointAuth: string | null;
  readonly pkce: string | null;
  /** Issuer identifiers (OpenID Connect Discovery 1.0 section 3); absent where none is published. */
  readonly issuers?: readonly string[];
  /** Where the keys that sign ID tokens are; absent where the address is not published. */
  readonly jwksUrl?: string;
  readonly idTokenAlgorithms?: readonly string[];
  /** Where the token calls of OAuth 1.0a carry their parameters. */
  readonly tokenParametersIn?: string;
  readonly accessTokenLifetimeSeconds: number | null;
  readonly refreshTokenLifetimeSeconds: number | null;
  readonly refreshRotation: string | null;
  readonly revokeEndpoint: { readonly method: string; readonly url: string } | null;
  readonly docsUrl: string | null;
  readonly uncertain: readonly string[];
  /**
   * Servers of the provider that an app may belong to, with what differs there; the empty one is described by the rest.
   */
  readonly servers?: Readonly<Record<string, Partial<Omit<Facts, 'servers'>>>>;
  /** Separate systems of the provider with the same paths: their host by slug. */
  readonly otherHosts?: Readonly<Record<string, string>>;
}

/** Where a definition says something else than the facts on purpose: by provider and field, the reason. */
const deliberate: Readonly<Record<string, Readonly<Partial<Record<keyof Comparable, string>>>>> = {
  strava: { rotates: 'a refresh may leave both tokens as they are; one that was replaced stops at once' },
};

/** Both sides in the words of a definition. */
interface Comparable {
  readonly oauth: string | null;
  readonly authorizeUrl: string | null | undefined;
  readonly tokenUrl: string | null | undefined;
  readonly refreshUrl: string | undefined;
  readonly requestTokenUrl: string | undefined;
  readonly accessTokenUrl: string | undefined;
  readonly apiBaseUrl: string | undefined;
  readonly defaultScopes: readonly string[];
  readonly issuers: readonly string[];
  readonly jwksUrl: string | undefined;
  readonly idTokenAlgorithms: readonly string[] | undefined;
  readonly tokenParametersIn: string | undefined;
  readonly scopeSeparator: string | undefined;
  readonly clientAuthentication: string | undefined;
  readonly pkce: string | undefined;
  readonly accessTokenLifetimeSeconds: number | undefined;
  readonly rotates: string | undefined;
  readonly revocation: string | undefined;
  readonly docsUrl: string | null;
}

const providers = dirname(fileURLToPath(import.meta.url));
const folders = readdirSync(providers, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const files: readonly Facts[] = folders
  .map((folder) => join(providers, folder, 'facts.json'))
  .filter((path) => existsSync(path))
  .map((path) => readJson<Facts>(path));
const facts = files.flatMap((each) => [each, ...ofOtherHosts(each)]);
/** Each provider at each of its servers; `default` is what applies when none is chosen. */
const servers = facts.flatMap((each) =>
  ['default', ...Object.keys(each.servers ?? {})].map((server) => [each.id, server, each] as const),
);

describe('facts of the providers', () => {
  const definitions = new Map<string, ProviderDefinition>();

  beforeAll(async () => {
    for (const definition of (await Promise.all(folders.map(importDefinitions))).flat()) {
      definitions.set(definition.slug, definition);
    }
  });

  it('are there for each definition', () => {
    expect([...definitions.keys()].filter((slug) => !facts.some(({ id }) => id === slug))).toEqual([]);
  });

  it('are there once for each provider', () => {
    expect(facts.map(({ id }) => id).filter((id, at, all) => all.indexOf(id) !== at)).toEqual([]);
  });

  it('have a definition for each provider', () => {
    expect(facts.map(({ id }) => id).filter((id) => !definitions.has(id))).toEqual([]);
  });

  it('name the servers that the definitions have', () => {
    const ofDefinitions = [...definitions.values()].map((definition) => [
      definition.slug,
      definition.oauth === '2.0' ? Object.keys(definition.servers ?? {}) : [],
    ]);
    const documented = facts.map(({ id, servers: named = {} }) => [id, Object.keys(named)]);
    expect(Object.fromEntries(ofDefinitions)).toEqual(Object.fromEntries(documented));
  });

  it('were compared with the documentation less than a year ago', () => {
    expect(findStale(files, new Date())).toEqual([]);
  });

  it('know each provider and field of the deliberate differences', () => {
    expect(Object.keys(deliberate).filter((slug) => !facts.some(({ id }) => id === slug))).toEqual([]);
  });

  it.each(servers)(
    '%s (server: %s) uses the documented facts of its provider, except for deliberate differences',
    (slug, server, documented) => {
      const definition = definitions.get(slug);
      expect(definition).toBeDefined();
      const used = ofDefinition(definitionInForce(definition as ProviderDefinition, { server }));
      const wanted = ofFacts({ ...documented, ...documented.servers?.[server] });
      const reasons = deliberate[slug] ?? {};
      const same = (field: keyof Comparable): boolean => JSON.stringify(used[field]) === JSON.stringify(wanted[field]);
      const fields = Object.keys(wanted) as (keyof Comparable)[];
      const differing = fields.filter((field) => !same(field) && !(field in reasons) && !isDiscovered(wanted[field]));
      expect(pick(used, differing)).toEqual(pick(wanted, differing));
      expect(fields.filter((field) => field in reasons && same(field))).toEqual([]);
    },
  );

  it.each(facts.map((each) => [each.id, each] as const))(
    '%s lists the same doubts as its facts, and fakes the documented life of a refresh token',
    (slug, documented) => {
      const definition = definitions.get(slug);
      expect(documented.uncertain.length === 0 || (definition?.uncertain.length ?? 0) > 0).toBe(true);
      const { sandbox } = definition as ProviderDefinition;
      const { refreshTokenLifetimeSeconds: life } = documented;
      if (sandbox.oauth === '2.0' && sandbox.refreshTokenLifetimeSeconds !== undefined && life !== null) {
        expect(sandbox.refreshTokenLifetimeSeconds).toBe(life);
      }
    },
  );
});

describe('findStale', () => {
  const ofDay = (id: string, checkedOn: string) => ({ id, checkedOn });

  it('names each provider with facts older than a year, and the date', () => {
    const now = new Date('2027-11-30T12:00:00Z');
    expect(
      findStale([ofDay('old', '2026-11-29'), ofDay('a-year', '2026-11-30'), ofDay('new', '2027-11-30')], now),
    ).toEqual([
      'The facts of old were last checked on 2026-11-29: compare src/providers/old/facts.json with the documentation, then set checkedOn.',
    ]);
  });

  it.each(['', 'November 2026', '2026-13-01', '2026-02-30', '2028-01-01'])('refuses the date "%s"', (checkedOn) => {
    expect(findStale([ofDay('wrong', checkedOn)], new Date('2027-01-01T00:00:00Z'))).toHaveLength(1);
  });
});

/** Finds the facts to check again: those older than a year, without a valid date, or with a date in the future. */
function findStale(all: readonly Pick<Facts, 'id' | 'checkedOn'>[], now: Date): string[] {
  return all
    .filter(({ checkedOn }) => {
      const checked = new Date(`${checkedOn}T00:00:00Z`);
      const isDate = !Number.isNaN(checked.getTime()) && checked.toISOString().startsWith(checkedOn);
      const until = new Date(checked);
      until.setUTCFullYear(until.getUTCFullYear() + 1);
      const endOfDay = new Date(until.getTime() + 86_400_000);
      return !isDate || checked > now || endOfDay <= now;
    })
    .map(
      ({ id, checkedOn }) =>
        `The facts of ${id} were last checked on ${checkedOn}: compare src/providers/${id}/facts.json with the documentation, then set checkedOn.`,
    );
}

function ofDefinition(definition: ProviderDefinition): Comparable {
  const common = {
    oauth: definition.oauth,
    authorizeUrl: definition.authorizeUrl,
    apiBaseUrl: definition.apiBaseUrl,
    issuers: [],
    ...ofIdToken(definition.account),
    tokenParametersIn: undefined,
    defaultScopes: definition.defaultScopes,
    revocation: describeRevocation(definition.revocation),
    docsUrl: definition.docsUrl,
  };
  return definition.oauth === '1.0a'
    ? {
        ...common,
        ...onlyOAuth1,
        requestTokenUrl: definition.requestTokenUrl,
        accessTokenUrl: definition.accessTokenUrl,
        tokenParametersIn: definition.tokenParametersIn,
      }
    : {
        ...common,
        authorizeUrl:
          definition.authorizeUrl + (definition.authorizeRoute === undefined ? '' : `#${definition.authorizeRoute}`),
        tokenUrl: definition.tokenUrl,
        refreshUrl: definition.refreshUrl,
        requestTokenUrl: undefined,
        accessTokenUrl: undefined,
        scopeSeparator: definition.scopeSeparator,
        clientAuthentication: definition.clientAuthentication,
        pkce: definition.pkce,
        issuers: definition.issuers ?? [],
        accessTokenLifetimeSeconds: definition.accessTokenLifetimeSeconds,
        rotates: definition.noRefreshToken ? 'no refresh token' : definition.refresh.rotates,
      };
}

/** The keys and algorithms that verify an ID token. */
function ofIdToken(account: AccountLookup): Pick<Comparable, 'jwksUrl' | 'idTokenAlgorithms'> {
  const { jwksUrl, algorithms } = account.from === 'id-token' ? account : {};
  return { jwksUrl, idTokenAlgorithms: algorithms };
}

/** OAuth 1.0a has none of these. */
const onlyOAuth1 = {
  tokenUrl: undefined,
  refreshUrl: undefined,
  scopeSeparator: undefined,
  clientAuthentication: undefined,
  pkce: undefined,
  accessTokenLifetimeSeconds: undefined,
  rotates: undefined,
} as const;

/** An undocumented fact becomes the strictest value. */
function ofFacts(documented: Facts): Comparable {
  const common = {
    oauth: documented.oauthVersion,
    authorizeUrl: documented.authorizeUrl,
    requestTokenUrl: documented.requestTokenUrl,
    accessTokenUrl: documented.accessTokenUrl,
    apiBaseUrl: documented.apiBaseUrl ?? undefined,
    issuers: documented.issuers ?? [],
    jwksUrl: documented.jwksUrl,
    idTokenAlgorithms: documented.idTokenAlgorithms,
    tokenParametersIn: documented.tokenParametersIn,
    defaultScopes: documented.defaultScopes,
    revocation: documented.revokeEndpoint === null ? undefined : withoutNames(documented.revokeEndpoint),
    docsUrl: documented.docsUrl,
  };
  return documented.oauthVersion === '1.0a'
    ? { ...common, ...onlyOAuth1 }
    : {
        ...common,
        tokenUrl: documented.tokenUrl,
        refreshUrl: documented.refreshUrl,
        scopeSeparator: documented.scopeSeparator ?? ' ',
        clientAuthentication: translate(clientAuthentications, documented.tokenEndpointAuth),
        pkce: translate(pkces, documented.pkce),
        accessTokenLifetimeSeconds: documented.accessTokenLifetimeSeconds ?? undefined,
        rotates: translate(rotations, documented.refreshRotation),
      };
}

const clientAuthentications: Readonly<Record<string, string>> = {
  client_secret_post: 'body',
  client_secret_basic: 'basic',
  none: 'none',
  jwt: 'es256-jwt',
  private_key_jwt: 'private_key_jwt',
};

/** PKCE that nobody documents is not sent: some providers refuse parameters that they do not know. */
const pkces: Readonly<Record<string, string>> = {
  'S256 required': 'required',
  'S256 supported': 'supported',
  unsupported: 'unsupported',
  null: 'unsupported',
};

/** A rotation that nobody documents is assumed: a token is then never sent twice. */
const rotations: Readonly<Record<string, string>> = {
  'rotates, old invalid': 'always',
  static: 'never',
  none: 'no refresh token',
  null: 'always',
};

function translate(words: Readonly<Record<string, string>>, fact: string | null): string {
  const word = words[String(fact)];
  if (word === undefined) {
    const known = Object.keys(words).map((each) => (each === 'null' ? each : `"${each}"`));
    throw new Error(`The facts have the word "${fact}", which this test does not know. It knows ${known.join(', ')}.`);
  }
  return word;
}

function describeRevocation(revocation: Revocation | undefined): string | undefined {
  if (revocation === undefined) {
    return undefined;
  }
  const query = revocation.proof === 'query' ? `?${revocation.parameter}={accessToken}` : '';
  return withoutNames({ method: revocation.method, url: revocation.url + query });
}

/** A part in braces is filled in at run time; its name does not matter. */
function withoutNames({ method, url }: { readonly method: string; readonly url: string }): string {
  return `${method} ${url.replaceAll(/\{[^}]*\}/g, '{}')}`;
}

/** Such as `{discovered: token_endpoint}`: known only at run time, so there is nothing to compare with. */
function isDiscovered(fact: unknown): boolean {
  return typeof fact === 'string' && /^([A-Z]+ )?\{.*\}$/.test(fact);
}

function pick(values: Comparable, fields: readonly (keyof Comparable)[]): Partial<Comparable> {
  return Object.fromEntries(fields.map((field) => [field, values[field]]));
}

/** The definitions that a folder exports. */
async function importDefinitions(folder: string): Promise<ProviderDefinition[]> {
  const path = `./${folder}/${folder}.definition`;
  if (!existsSync(join(providers, `${path}.ts`))) {
    return [];
  }
  const exported: unknown[] = Object.values((await import(`${path}.js`)) as object);
  return exported.filter(
    (value): value is ProviderDefinition => typeof value === 'object' && value !== null && 'slug' in value,
  );
}

function ofOtherHosts(documented: Facts): Facts[] {
  const { otherHosts = {}, ...main } = documented;
  return Object.entries(otherHosts).map(([id, host]) => {
    const moved = JSON.stringify(main).replaceAll(new URL(String(main.apiBaseUrl)).host, host);
    return { ...(JSON.parse(moved) as Facts), id };
  });
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
