import { beforeAll, describe, expect, it } from '@jest/globals';
import { environmentPrefix, requiredVariables } from '../provider-kit/definition/provider-settings.js';
import type { ProviderDefinition } from '../provider-kit/definition/provider-definition.js';
import { readCatalogue, readDefinitions } from './provider-catalogue.js';

const sandbox = { SANDBOX_URL: 'http://127.0.0.1:3001' };
let definitions: ProviderDefinition[] = [];
let half: ProviderDefinition;
let whole: ProviderDefinition;

beforeAll(async () => {
  definitions = await readDefinitions();
  const [first, second] = definitions.filter((definition) => requiredVariables(definition).length === 2);
  half = first as ProviderDefinition;
  whole = second as ProviderDefinition;
});

describe('readDefinitions', () => {
  it('returns every provider once, sorted by slug', () => {
    const slugs = definitions.map(({ slug }) => slug);
    expect(slugs.length).toBeGreaterThan(5);
    expect(slugs).toEqual([...new Set(slugs)].sort());
  });
});

describe('readCatalogue', () => {
  it('reads the environment that it is given, and leaves that of the process as it was', async () => {
    const name = `${environmentPrefix(whole.slug)}_CLIENT_ID`;
    const before = { ...process.env };
    process.env[name] = 'of the process';
    try {
      const modes = (await readCatalogue(sandbox)).map(({ settings, problem }) => problem ?? settings.mode);
      expect(new Set(modes)).toEqual(new Set(['sandbox']));
      expect(process.env[name]).toBe('of the process');
    } finally {
      delete process.env[name];
    }
    expect({ ...process.env }).toEqual(before);
  });

  it('has no sandbox in production', async () => {
    const entries = await readCatalogue({ ...sandbox, NODE_ENV: 'production' });
    expect(new Set(entries.map(({ settings }) => settings.mode))).toEqual(new Set(['not-configured']));
  });

  it('reports the problem of one provider, and reads the others', async () => {
    const entries = await readCatalogue({
      ...sandbox,
      PUBLIC_URL: 'https://link.example.com',
      [`${environmentPrefix(half.slug)}_CLIENT_ID`]: 'id',
      [`${environmentPrefix(whole.slug)}_CLIENT_ID`]: 'id',
      [`${environmentPrefix(whole.slug)}_CLIENT_SECRET`]: 'secret',
    });
    expect(entries.map(({ definition }) => definition.slug)).toEqual(definitions.map(({ slug }) => slug));
    expect(entries.find(({ definition }) => definition.slug === half.slug)).toMatchObject({
      problem: expect.stringContaining(`${environmentPrefix(half.slug)}_CLIENT_SECRET is missing`),
      settings: { redirectUri: `https://link.example.com/v1/oauth/${half.slug}/callback` },
    });
    expect(entries.find(({ definition }) => definition.slug === whole.slug)?.settings.mode).toBe('configured');
    expect(entries.filter(({ problem }) => problem !== undefined)).toHaveLength(1);
  });

  it('distinguishes the providers of one module', async () => {
    const entries = await readCatalogue({ ...sandbox, DEXCOM_EU_CLIENT_ID: 'id' });
    expect(entries.filter(({ problem }) => problem !== undefined).map(({ definition }) => definition.slug)).toEqual([
      'dexcom-eu',
    ]);
    expect(entries.find(({ definition }) => definition.slug === 'dexcom')?.settings.mode).toBe('sandbox');
  });

  it('reports a wrong variable of a single provider', async () => {
    const entries = await readCatalogue({ ...sandbox, SMART_ON_FHIR_SERVERS: 'no list of servers' });
    const [wrong, ...others] = entries.filter(({ problem }) => problem !== undefined);
    expect(wrong).toMatchObject({ problem: expect.stringContaining('SMART_ON_FHIR_SERVERS') });
    expect(others).toEqual([]);
  });
});
