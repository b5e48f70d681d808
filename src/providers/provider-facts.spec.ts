import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ProviderDefinition, Revocation } from '../provider-kit/provider-definition.js';

/** What a maker documents, in its own words. Of makers that came later the facts are in their folder, `fixtures/facts.json`. */
interface Facts {
  readonly id: string;
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
  readonly accessTokenLifetimeSeconds: number | null;
  readonly refreshTokenLifetimeSeconds: number | null;
  readonly refreshRotation: string | null;
  readonly revokeEndpoint: { readonly method: string; readonly url: string } | null;
  readonly docsUrl: string | null;
  readonly uncertain: readonly string[];
  /** Separate systems of the maker with the same paths: their host by slug. */
  readonly otherHosts?: Readonly<Record<string, string>>;
}

/** Makers with facts and without a definition, and why. `docs/providers.md` tells it to users. */
const notOffered: Readonly<Record<string, string>> = {
  'samsung-health': 'no cloud API: the data stays on the phone',
  'zepp-amazfit': 'OAuth for corporate partners only; no endpoint is published',
  peloton: 'no programme for developers: only its own callback is registered',
  'eight-sleep': 'no OAuth for third parties',
  komoot: 'client ids for partners only',
};

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
const facts: readonly Facts[] = [
  ...readJson<Facts[]>(join(providers, 'provider-facts.fixture.json')),
  ...folders
    .map((folder) => join(providers, folder, 'fixtures/facts.json'))
    .filter((path) => existsSync(path))
    .map((path) => readJson<Facts>(path)),
].flatMap((each) => [each, ...ofOtherHosts(each)]);
const offered = facts.filter(({ id }) => !(id in notOffered));

describe('facts of the providers', () => {
  const definitions = new Map<string, ProviderDefinition>();

  beforeAll(async () => {
    for (const definition of (await Promise.all(folders.map(importDefinitions))).flat()) {
      definitions.set(definition.slug, definition);
    }
  });

  it('are there for each definition', () => {
    expect([...definitions.keys()].filter((slug) => !offered.some(({ id }) => id === slug))).toEqual([]);
  });

  it('are there once for each maker', () => {
    expect(facts.map(({ id }) => id).filter((id, at, all) => all.indexOf(id) !== at)).toEqual([]);
  });

  it('have a definition for each maker that is offered', () => {
    expect(offered.map(({ id }) => id).filter((id) => !definitions.has(id))).toEqual([]);
  });

  it('name no maker as not offered without facts, or with a definition', () => {
    const wrong = Object.keys(notOffered).filter((id) => definitions.has(id) || !facts.some((each) => each.id === id));
    expect(wrong).toEqual([]);
  });

  it('know each provider and field of the deliberate differences', () => {
    expect(Object.keys(deliberate).filter((slug) => !offered.some(({ id }) => id === slug))).toEqual([]);
  });

  it.each(offered.map((each) => [each.id, each] as const))(
    '%s uses what its maker documents, but for what differs on purpose',
    (slug, documented) => {
      const definition = definitions.get(slug);
      expect(definition).toBeDefined();
      const used = ofDefinition(definition as ProviderDefinition);
      const wanted = ofFacts(documented);
      const reasons = deliberate[slug] ?? {};
      const same = (field: keyof Comparable): boolean => JSON.stringify(used[field]) === JSON.stringify(wanted[field]);
      const fields = Object.keys(wanted) as (keyof Comparable)[];
      const differing = fields.filter((field) => !same(field) && !(field in reasons) && !isDiscovered(wanted[field]));
      expect(pick(used, differing)).toEqual(pick(wanted, differing));
      expect(fields.filter((field) => field in reasons && same(field))).toEqual([]);
    },
  );

  it.each(offered.map((each) => [each.id, each] as const))(
    '%s tells what could not be confirmed where its facts do, and fakes the documented life of a refresh token',
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

function ofDefinition(definition: ProviderDefinition): Comparable {
  const common = {
    oauth: definition.oauth,
    authorizeUrl: definition.authorizeUrl,
    apiBaseUrl: definition.apiBaseUrl,
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
      }
    : {
        ...common,
        tokenUrl: definition.tokenUrl,
        refreshUrl: definition.refreshUrl,
        requestTokenUrl: undefined,
        accessTokenUrl: undefined,
        scopeSeparator: definition.scopeSeparator,
        clientAuthentication: definition.clientAuthentication,
        pkce: definition.pkce,
        accessTokenLifetimeSeconds: definition.accessTokenLifetimeSeconds,
        rotates: definition.noRefreshToken ? 'no refresh token' : definition.refresh.rotates,
      };
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

/** What is not documented becomes the strictest value. */
function ofFacts(documented: Facts): Comparable {
  const common = {
    oauth: documented.oauthVersion,
    authorizeUrl: documented.authorizeUrl,
    requestTokenUrl: documented.requestTokenUrl,
    accessTokenUrl: documented.accessTokenUrl,
    apiBaseUrl: documented.apiBaseUrl ?? undefined,
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
};

/** PKCE that nobody documents is not sent: some makers refuse parameters that they do not know. */
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

/** What stands in braces is filled in at run time; its name does not matter. */
function withoutNames({ method, url }: { readonly method: string; readonly url: string }): string {
  return `${method} ${url.replaceAll(/\{[^}]*\}/g, '{}')}`;
}

/** Such as `{discovered: token_endpoint}`: found out at run time, so there is nothing to compare with. */
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
