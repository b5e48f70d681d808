import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { fhirPresets, findFhirPreset } from './fhir-presets.js';
import { readFhirServers } from './fhir-servers.js';

const hospital = {
  SMART_ON_FHIR_SERVERS: 'hospital=https://fhir.hospital.example/R4',
  SMART_ON_FHIR_HOSPITAL_CLIENT_ID: 'client-1',
  SMART_ON_FHIR_HOSPITAL_CLIENT_SECRET: 'secret-1',
};

describe('readFhirServers', () => {
  it('knows one server by default, without credentials', () => {
    const [server, ...others] = readFhirServers({});
    expect(others).toEqual([]);
    expect(server).toMatchObject({
      definition: { slug: 'smart-on-fhir' },
      settings: { mode: 'not-configured' },
      allowedHosts: [],
    });
  });

  it('gives each listed server a name, a base URL, credentials and hosts of its own', () => {
    const servers = readFhirServers({
      ...hospital,
      SMART_ON_FHIR_SERVERS: 'hospital=https://fhir.hospital.example/R4, west-clinic=https://clinic.example/fhir',
      SMART_ON_FHIR_HOSPITAL_ALLOWED_HOSTS: 'Login.hospital.example, sso.example:8443',
      SMART_ON_FHIR_WEST_CLINIC_CLIENT_ID: 'client-2',
      SMART_ON_FHIR_WEST_CLINIC_CLIENT_SECRET: 'secret-2',
      SMART_ON_FHIR_WEST_CLINIC_SCOPES: 'launch/patient openid',
    });
    expect(servers.slice(1)).toMatchObject([
      {
        definition: {
          slug: 'smart-on-fhir-hospital',
          apiBaseUrl: 'https://fhir.hospital.example/R4',
          extraAuthorizeParams: { aud: 'https://fhir.hospital.example/R4' },
        },
        settings: { mode: 'configured', clientId: 'client-1' },
        allowedHosts: ['login.hospital.example', 'sso.example:8443'],
      },
      {
        definition: { slug: 'smart-on-fhir-west-clinic', apiBaseUrl: 'https://clinic.example/fhir' },
        settings: { clientId: 'client-2', scopes: ['launch/patient', 'openid'] },
        allowedHosts: [],
      },
    ]);
    expect(servers[1]?.settings.redirectUri).toMatch('/v1/oauth/smart-on-fhir-hospital/callback');
  });

  it("does not take one server's hosts or endpoints for another's", () => {
    const [first, second] = readFhirServers({ ...hospital, SMART_ON_FHIR_ALLOWED_HOSTS: 'login.first.example' });
    expect(first?.allowedHosts).toEqual(['login.first.example']);
    expect(second?.allowedHosts).toEqual([]);
    expect(JSON.stringify(second?.settings.endpoints)).not.toContain('epic');
  });

  it('names the first server by the URL that the operator gives it', () => {
    const [server] = readFhirServers({
      SMART_ON_FHIR_CLIENT_ID: 'client-1',
      SMART_ON_FHIR_CLIENT_SECRET: 'secret-1',
      SMART_ON_FHIR_API_BASE_URL: 'https://fhir.example/R4',
    });
    expect(server?.definition).toMatchObject({
      apiBaseUrl: 'https://fhir.example/R4',
      extraAuthorizeParams: { aud: 'https://fhir.example/R4' },
    });
  });

  it('stands for the example server in the sandbox, and never replaces a listed one by a fake', () => {
    const [server, listed] = readFhirServers({ ...hospital, SANDBOX_URL: 'http://127.0.0.1:3001' });
    expect(server).toMatchObject({
      definition: { extraAuthorizeParams: { aud: 'https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R4' } },
      settings: {
        mode: 'sandbox',
        endpoints: { apiBaseUrl: 'http://127.0.0.1:3001/smart-on-fhir/interconnect-fhir-oauth/api/FHIR/R4' },
      },
    });
    expect(listed?.settings.mode).toBe('configured');
  });

  it.each([
    ['hospital', /SMART_ON_FHIR_SERVERS must be a list/],
    ['hospital=http://fhir.hospital.example/R4', /SMART_ON_FHIR_SERVERS must be a list/],
    ['hospital=https://user:pass@fhir.hospital.example/R4', /SMART_ON_FHIR_SERVERS must be a list/],
    ['hospital=https://fhir.hospital.example/R4?x=1', /SMART_ON_FHIR_SERVERS must be a list/],
    ['hospital=https://fhir.hospital.example/R4#x', /SMART_ON_FHIR_SERVERS must be a list/],
    ['Hospital=https://fhir.hospital.example/R4', /SMART_ON_FHIR_SERVERS must be a list/],
    ['../x=https://fhir.hospital.example/R4', /SMART_ON_FHIR_SERVERS must be a list/],
    ['hospital=https://[fhir/R4', /must be an https URL/],
    ['clinic=https://clinic.example/R4', /SMART_ON_FHIR_CLINIC_CLIENT_ID and SMART_ON_FHIR_CLINIC_CLIENT_SECRET/],
  ])('refuses the list "%s"', (list, message) => {
    expect(() => readFhirServers({ ...hospital, SMART_ON_FHIR_SERVERS: list })).toThrow(message);
    expect(() =>
      readFhirServers({ ...hospital, SMART_ON_FHIR_SERVERS: list, SANDBOX_URL: 'http://127.0.0.1:1' }),
    ).toThrow(message);
  });

  it.each([
    'SMART_ON_FHIR_AUTH_URL',
    'SMART_ON_FHIR_TOKEN_URL',
    'SMART_ON_FHIR_REVOKE_URL',
    'SMART_ON_FHIR_HOSPITAL_TOKEN_URL',
  ])('refuses %s, which would have no effect', (name) => {
    expect(() => readFhirServers({ ...hospital, [name]: 'https://fhir.example/token' })).toThrow(name);
  });
});

describe('presets', () => {
  const client = { CLIENT_ID: 'client-1', CLIENT_SECRET: 'secret-1' };
  const of = (name: string): Record<string, string> =>
    Object.fromEntries(Object.entries(client).map(([variable, value]) => [`SMART_ON_FHIR_${name}_${variable}`, value]));

  it.each(Object.keys(fhirPresets))('knows the server "%s" by its name alone', (name) => {
    const prefix = name.toUpperCase().replaceAll('-', '_');
    const [, server] = readFhirServers({ SMART_ON_FHIR_SERVERS: name, ...of(prefix) });
    const preset = findFhirPreset(name);
    expect(server).toMatchObject({
      definition: { slug: `smart-on-fhir-${name}`, apiBaseUrl: preset?.fhirBaseUrl, docsUrl: preset?.docsUrl },
      settings: { mode: 'configured', scopes: preset?.scopes },
      allowedHosts: preset?.allowedHosts,
    });
  });

  it('uses the facts and the credentials of a preset for a server at another URL', () => {
    const [, first, second] = readFhirServers({
      SMART_ON_FHIR_SERVERS:
        'north=oracle-health:https://fhir-myrecord.cerner.com/r4/north,south=oracle-health:https://fhir-myrecord.cerner.com/r4/south',
      ...of('ORACLE_HEALTH'),
      SMART_ON_FHIR_SOUTH_CLIENT_ID: 'client-2',
      SMART_ON_FHIR_SOUTH_CLIENT_SECRET: 'secret-2',
      SMART_ON_FHIR_SOUTH_ALLOWED_HOSTS: 'login.south.example',
    });
    expect(first).toMatchObject({
      definition: { slug: 'smart-on-fhir-north', apiBaseUrl: 'https://fhir-myrecord.cerner.com/r4/north' },
      settings: { clientId: 'client-1' },
      allowedHosts: ['authorization.cerner.com'],
    });
    expect(second).toMatchObject({
      settings: { clientId: 'client-2' },
      allowedHosts: ['authorization.cerner.com', 'login.south.example'],
    });
  });

  describe('with a key in place of a secret', () => {
    const pem = (): string =>
      generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const twoHospitals = {
      SMART_ON_FHIR_SERVERS: 'north=epic:https://north.example/R4,south=epic:https://south.example/R4',
      SMART_ON_FHIR_EPIC_CLIENT_ID: 'client-1',
      SMART_ON_FHIR_NORTH_KEY_ID: 'north-1',
      SMART_ON_FHIR_SOUTH_KEY_ID: 'south-1',
    };

    it('shares the client id of the preset, and gives each server a key of its own (AR-21)', () => {
      const [, north, south] = readFhirServers({
        ...twoHospitals,
        SMART_ON_FHIR_NORTH_CLIENT_SECRET: pem(),
        SMART_ON_FHIR_SOUTH_CLIENT_SECRET: pem(),
      });
      const settings = { clientId: 'client-1', clientAuthentication: 'private_key_jwt' };
      expect(north).toMatchObject({
        definition: { clientAuthentication: 'private_key_jwt' },
        settings: { ...settings, signing: { keyId: 'north-1' } },
      });
      expect(south).toMatchObject({ settings: { ...settings, signing: { keyId: 'south-1' } } });
    });

    it('refuses two servers with the same key, which could use the assertions of each other (AR-21)', () => {
      const key = pem();
      expect(() =>
        readFhirServers({
          ...twoHospitals,
          SMART_ON_FHIR_NORTH_CLIENT_SECRET: key,
          SMART_ON_FHIR_SOUTH_CLIENT_SECRET: key,
        }),
      ).toThrow('SMART_ON_FHIR_NORTH_CLIENT_SECRET and SMART_ON_FHIR_SOUTH_CLIENT_SECRET are the same private key');
    });

    it('sends no key to servers whose preset takes none', () => {
      expect(() =>
        readFhirServers({
          SMART_ON_FHIR_SERVERS: 'va',
          SMART_ON_FHIR_VA_CLIENT_ID: 'client-1',
          SMART_ON_FHIR_VA_CLIENT_SECRET: pem(),
          SMART_ON_FHIR_VA_KEY_ID: 'key-1',
        }),
      ).toThrow('SMART_ON_FHIR_VA_CLIENT_SECRET holds a private key');
    });
  });

  it('reads a file with one entry a line, and comments', () => {
    const directory = mkdtempSync(join(tmpdir(), 'cufflink-fhir-'));
    try {
      const file = join(directory, 'servers');
      writeFileSync(file, '# two servers\nepic\n\neast=epic:https://fhir.east.example/R4 # the east\n');
      const servers = readFhirServers({ SMART_ON_FHIR_SERVERS_FILE: file, ...of('EPIC') });
      expect(servers.map(({ definition }) => definition.slug)).toEqual([
        'smart-on-fhir',
        'smart-on-fhir-epic',
        'smart-on-fhir-east',
      ]);
      expect(() => readFhirServers({ SMART_ON_FHIR_SERVERS_FILE: file, SMART_ON_FHIR_SERVERS: 'va' })).toThrow(
        'not both',
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it.each([
    ['nobody', /"nobody" is none of these. The presets are epic,/],
    ['x=nobody:https://fhir.example/R4', /is none of these/],
    ['toString', /is none of these/],
    ['epic,epic=epic:https://fhir.example/R4', /two servers with the name "epic"/],
  ])('refuses the list "%s"', (list, message) => {
    expect(() => readFhirServers({ SMART_ON_FHIR_SERVERS: list, ...of('EPIC') })).toThrow(message);
  });
});
