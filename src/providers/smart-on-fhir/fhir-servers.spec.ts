import { describe, expect, it } from '@jest/globals';
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
