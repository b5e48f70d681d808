import { describe, expect, it } from '@jest/globals';
import { readAppConfig } from './app.config.js';

const production = { NODE_ENV: 'production', PUBLIC_URL: 'https://link.example.com' };

describe('readAppConfig', () => {
  it('listens on this machine only and logs readable lines, where nothing is set', () => {
    expect(readAppConfig({})).toEqual({
      production: false,
      port: 3000,
      host: '127.0.0.1',
      drainMs: 0,
      logLevel: 'info',
      logFormat: 'readable',
      trustedProxies: [],
      corsOrigins: [],
      apiDocs: true,
    });
  });

  it('listens everywhere and logs JSON in production', () => {
    expect(readAppConfig({ ...production, PORT: '8080', LOG_LEVEL: 'warn' })).toEqual({
      production: true,
      port: 8080,
      // Of a machine without IPv6 the former.
      host: expect.stringMatching(/^(0\.0\.0\.0|::)$/),
      drainMs: 5_000,
      logLevel: 'warn',
      logFormat: 'json',
      trustedProxies: [],
      corsOrigins: [],
      apiDocs: false,
    });
  });

  it.each(['127.0.0.1', '::1', '::', 'localhost'])('listens on HOST=%s', (HOST) => {
    expect(readAppConfig({ ...production, HOST }).host).toBe(HOST);
  });

  it.each([
    ['HOST', { HOST: 'cufflink.example.com' }],
    ['DRAIN_SECONDS', { DRAIN_SECONDS: '-1' }],
    ['DRAIN_SECONDS', { DRAIN_SECONDS: 'long' }],
  ])('rejects a wrong %s: %j', (name, environment) => {
    expect(() => readAppConfig(environment)).toThrow(name);
  });

  it.each([
    ['on', production, true],
    ['off', {}, false],
  ])('has the API description %s when API_DOCS says so', (value, environment, apiDocs) => {
    expect(readAppConfig({ ...environment, API_DOCS: value })).toMatchObject({ apiDocs });
    expect(() => readAppConfig({ ...environment, API_DOCS: 'yes' })).toThrow('API_DOCS');
  });

  it.each([
    ['json', {}],
    ['readable', production],
  ])('logs in the format %s when LOG_FORMAT says so', (format, environment) => {
    expect(readAppConfig({ ...environment, LOG_FORMAT: format })).toMatchObject({ logFormat: format });
  });

  it('treats an empty variable as not set', () => {
    expect(readAppConfig({ PORT: '', LOG_LEVEL: '', LOG_FORMAT: '', PUBLIC_URL: '', NODE_ENV: '' })).toEqual(
      readAppConfig({}),
    );
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '30.5'],
    ['PORT', 'http'],
    ['LOG_LEVEL', 'loud'],
    ['LOG_FORMAT', 'xml'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'app.example.com'],
    ['CORS_ORIGINS', 'https://app.example.com/'],
    ['CORS_ORIGINS', 'null'],
    ['TRUSTED_PROXIES', 'proxy.internal'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', '10.0.0.1,true'],
    ['NODE_ENV', 'prod'],
    ['PUBLIC_URL', 'link.example.com'],
    ['PUBLIC_URL', 'javascript:alert(1)'],
    ['PUBLIC_URL', 'https://user@link.example.com'],
    ['PUBLIC_URL', 'https://:password@link.example.com'],
    ['PUBLIC_URL', 'https://link.example.com/?'],
    ['PUBLIC_URL', 'https://link.example.com/p?q'],
    ['PUBLIC_URL', 'https://link.example.com/#f'],
  ])('refuses %s=%s and names it', (name, value) => {
    expect(() => readAppConfig({ [name]: value })).toThrow(new RegExp(`^Invalid settings\\. ${name}: `));
  });

  it("refuses an http origin in production beyond this machine, as an http page is anybody's", () => {
    const read = (origins: string, environment: object = production): unknown =>
      readAppConfig({ ...environment, CORS_ORIGINS: origins });
    expect(() => read('https://app.example.com,http://evil.example')).toThrow('CORS_ORIGINS must be https');
    expect(() => read('http://localhost.evil.example')).toThrow('CORS_ORIGINS must be https');
    expect(read('https://app.example.com,http://localhost:5173,http://127.0.0.1')).toBeDefined();
    expect(read('http://app.example.com', {})).toBeDefined();
  });

  it('trusts the proxies that TRUSTED_PROXIES lists', () => {
    const trustedProxies = ['10.0.0.0/8', '::1', '192.0.2.7'];
    expect(readAppConfig({ TRUSTED_PROXIES: trustedProxies.join(', ') })).toMatchObject({ trustedProxies });
  });

  it.each([undefined, '', 'http://link.example.com'])('refuses PUBLIC_URL=%s in production', (url) => {
    expect(() => readAppConfig({ NODE_ENV: 'production', PUBLIC_URL: url })).toThrow(
      'PUBLIC_URL must be set to an https',
    );
  });

  it.each([{}, production])('refuses NODE_TLS_REJECT_UNAUTHORIZED=0 (TE-05)', (environment) => {
    expect(() => readAppConfig({ ...environment, NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toThrow(
      'NODE_TLS_REJECT_UNAUTHORIZED=0',
    );
    expect(() => readAppConfig({ ...environment, NODE_TLS_REJECT_UNAUTHORIZED: '1' })).not.toThrow();
  });
});
