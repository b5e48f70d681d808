import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { definitionInForce, defineProvider, type OAuth2Definition } from './provider-definition.js';
import { environmentPrefix, readProviderSettings } from './provider-settings.js';
import { exampleOAuth1, exampleOAuth2 } from '../testing/example-definition.js';

const credentials = { EXAMPLE_CLIENT_ID: 'id', EXAMPLE_CLIENT_SECRET: 'not-a-real-secret' };
const definition: OAuth2Definition = {
  ...exampleOAuth2,
  issuers: ['https://provider.example'],
  servers: {
    main: {},
    other: {
      authorizeUrl: 'https://other.example/authorize',
      tokenUrl: 'https://other.example/token',
      apiBaseUrl: 'https://api.other.example',
      issuers: ['https://other.example', 'https://former.other.example'],
      defaultScopes: ['other:sleep'],
      pkce: 'supported',
      account: { from: 'api', url: 'https://api.other.example/me', field: 'id' },
      revocation: { proof: 'bearer', method: 'DELETE', url: 'https://api.other.example/access' },
    },
  },
  account: { from: 'api', url: 'https://api.provider.example/me', field: 'id' },
};

describe('readProviderSettings', () => {
  it('leaves a provider without credentials off', () => {
    expect(readProviderSettings(definition, {})).toMatchObject({ mode: 'not-configured' });
    expect(readProviderSettings(definition, { EXAMPLE_CLIENT_ID: ' ' })).toMatchObject({ mode: 'not-configured' });
  });

  it('points a provider without credentials at its fake, but never in production', () => {
    const sandbox = { SANDBOX_URL: 'http://127.0.0.1:3001' };
    expect(readProviderSettings(definition, sandbox)).toMatchObject({
      mode: 'sandbox',
      clientId: 'sandbox-example-client',
      endpoints: {
        authorizeUrl: 'http://127.0.0.1:3001/example/authorize',
        tokenUrl: 'http://127.0.0.1:3001/example/token',
        apiBaseUrl: 'http://127.0.0.1:3001/example',
        accountUrl: 'http://127.0.0.1:3001/example/me',
      },
    });
    expect(readProviderSettings(definition, { ...sandbox, ...credentials })).toMatchObject({ mode: 'configured' });
    expect(readProviderSettings(definition, { ...sandbox, NODE_ENV: 'production' })).toMatchObject({
      mode: 'not-configured',
    });
  });

  it.each([
    [{ EXAMPLE_CLIENT_ID: 'id' }, 'EXAMPLE_CLIENT_SECRET is missing'],
    [{ EXAMPLE_CLIENT_SECRET: 'not-a-real-secret' }, 'EXAMPLE_CLIENT_ID is missing'],
    [{ ...credentials, EXAMPLE_TOKEN_URL: 'http://token.example' }, 'EXAMPLE_TOKEN_URL must be an https URL'],
    [{ ...credentials, EXAMPLE_REVOKE_URL: 'nonsense' }, 'EXAMPLE_REVOKE_URL must be an https URL'],
    [{ ...credentials, EXAMPLE_AUTH_URL: 'https://user@auth.example' }, 'EXAMPLE_AUTH_URL must be an https URL'],
    [{ ...credentials, EXAMPLE_AUTH_URL: 'https://:word@auth.example' }, 'EXAMPLE_AUTH_URL must be an https URL'],
    [
      { ...credentials, EXAMPLE_TOKEN_URL: 'http://127.0.0.1:1', NODE_ENV: 'production' },
      'EXAMPLE_TOKEN_URL must be an https URL',
    ],
    [
      { ...credentials, EXAMPLE_SERVER: 'third' },
      'EXAMPLE_SERVER does not name a server of Example: use one of main, other.',
    ],
    [{ ...credentials, EXAMPLE_PKCE: 'yes' }, 'EXAMPLE_PKCE must be on or off.'],
    [{ EXAMPLE_PKCE: 'off' }, 'EXAMPLE_PKCE cannot be off: Example requires PKCE.'],
    [{ ...credentials, EXAMPLE_ISSUER: 'nonsense' }, 'EXAMPLE_ISSUER must be an https URL'],
  ])('names the variable that is wrong in %j', (environment, message) => {
    expect(() => readProviderSettings(definition, environment)).toThrow(message);
  });

  it('reads the client secret from a file that _CLIENT_SECRET_FILE names', () => {
    const directory = mkdtempSync(join(tmpdir(), 'cufflink-settings-'));
    try {
      const file = join(directory, 'secret');
      writeFileSync(file, 'not-a-real-secret\n');
      const prefix = environmentPrefix(exampleOAuth2.slug);
      const environment = { [`${prefix}_CLIENT_ID`]: 'client', [`${prefix}_CLIENT_SECRET_FILE`]: file };
      const settings = readProviderSettings(exampleOAuth2, environment);
      expect(settings).toMatchObject({ mode: 'configured', clientId: 'client' });
      expect(settings.clientSecret.reveal()).toBe('not-a-real-secret');
      const both = { ...environment, [`${prefix}_CLIENT_SECRET`]: 'other' };
      expect(() => readProviderSettings(exampleOAuth2, both)).toThrow(`${prefix}_CLIENT_SECRET_FILE, not both`);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('never shows a value that it refuses', () => {
    const environment = { ...credentials, EXAMPLE_TOKEN_URL: 'http://token.example/?key=canary' };
    expect(() => readProviderSettings(definition, environment)).not.toThrow(/canary/);
  });

  it('takes another server, single URLs, scopes and redirect URI from the environment', () => {
    const environment = {
      ...credentials,
      EXAMPLE_SERVER: 'other',
      EXAMPLE_TOKEN_URL: 'https://third.example/token',
      EXAMPLE_SCOPES: 'a,b c, ',
      EXAMPLE_REDIRECT_URL: 'https://app.example/back',
    };
    expect(readProviderSettings(definition, environment)).toMatchObject({
      redirectUri: 'https://app.example/back',
      scopes: ['a', 'b', 'c'],
      endpoints: { authorizeUrl: 'https://other.example/authorize', tokenUrl: 'https://third.example/token' },
    });
  });

  it('takes every fact of another server, and no fact of the default', () => {
    const settings = readProviderSettings(definition, { ...credentials, EXAMPLE_SERVER: 'other' });
    expect(settings).toMatchObject({
      server: 'other',
      scopes: ['other:sleep'],
      issuers: ['https://other.example', 'https://former.other.example'],
      endpoints: {
        authorizeUrl: 'https://other.example/authorize',
        tokenUrl: 'https://other.example/token',
        apiBaseUrl: 'https://api.other.example',
        accountUrl: 'https://api.other.example/me',
        revokeUrl: 'https://api.other.example/access',
      },
    });
    expect(definitionInForce(definition, settings)).toMatchObject({
      pkce: 'supported',
      revocation: { proof: 'bearer' },
    });
  });

  it('uses the default where no server is chosen, and where its own name is', () => {
    const unchosen = readProviderSettings(definition, credentials);
    const chosen = readProviderSettings(definition, { ...credentials, EXAMPLE_SERVER: 'main' });
    expect(chosen.server).toBe('main');
    expect(JSON.stringify({ ...chosen, server: undefined })).toBe(JSON.stringify(unchosen));
    expect(chosen).toMatchObject({ scopes: ['sleep'], issuers: ['https://provider.example'] });
  });

  it('takes another server at the fake too', () => {
    const sandbox = { SANDBOX_URL: 'http://127.0.0.1:3001', EXAMPLE_SERVER: 'other' };
    expect(readProviderSettings(definition, sandbox)).toMatchObject({
      scopes: ['other:sleep'],
      endpoints: { revokeUrl: 'http://127.0.0.1:3001/example/access' },
    });
  });

  it.each([
    ['unsupported', undefined, 'unsupported'],
    ['unsupported', 'on', 'supported'],
    ['supported', 'off', 'unsupported'],
    ['supported', 'on', 'supported'],
    ['required', 'on', 'required'],
  ] as const)('makes PKCE that is %s with EXAMPLE_PKCE=%s %s (AR-07)', (pkce, EXAMPLE_PKCE, inForce) => {
    const declared: OAuth2Definition = { ...exampleOAuth2, pkce };
    const settings = readProviderSettings(declared, { ...credentials, EXAMPLE_PKCE });
    expect(definitionInForce(declared, settings).pkce).toBe(inForce);
  });

  it('lets PKCE be switched off at a server that only supports it (AR-07)', () => {
    const environment = { ...credentials, EXAMPLE_SERVER: 'other', EXAMPLE_PKCE: 'off' };
    expect(definitionInForce(definition, readProviderSettings(definition, environment)).pkce).toBe('unsupported');
  });

  it('knows no PKCE for OAuth 1.0a (AR-07)', () => {
    expect(() => readProviderSettings(exampleOAuth1, { ...credentials, EXAMPLE_PKCE: 'on' })).toThrow(
      'EXAMPLE_PKCE cannot be on: Example speaks OAuth 1.0a',
    );
  });

  it('takes an issuer from the environment, also where none is declared (AR-08)', () => {
    const environment = { ...credentials, EXAMPLE_ISSUER: 'https://staging.example' };
    expect(readProviderSettings(definition, environment).issuers).toEqual(['https://staging.example']);
    expect(readProviderSettings(exampleOAuth2, environment).issuers).toEqual(['https://staging.example']);
    expect(readProviderSettings(exampleOAuth2, credentials).issuers).toEqual([]);
  });

  it('takes the address of signing keys from the environment', () => {
    const withKeys: OAuth2Definition = {
      ...exampleOAuth2,
      account: { from: 'id-token', jwksUrl: 'https://provider.example/keys' },
    };
    const environment = { ...credentials, EXAMPLE_JWKS_URL: 'https://staging.example/keys' };
    expect(readProviderSettings(withKeys, environment).endpoints.jwksUrl).toBe('https://staging.example/keys');
    expect(readProviderSettings(withKeys, credentials).endpoints.jwksUrl).toBe('https://provider.example/keys');
  });

  it.each(['', '/', '//'])("moves URLs below the API's base with it, and no other, with %j behind", (end) => {
    const environment = { ...credentials, EXAMPLE_API_BASE_URL: `https://staging.example/v1${end}` };
    expect(readProviderSettings(definition, environment).endpoints).toMatchObject({
      apiBaseUrl: 'https://staging.example/v1',
      accountUrl: 'https://staging.example/v1/me',
      revokeUrl: 'https://provider.example/revoke',
    });
  });

  it('builds the redirect URI from PUBLIC_URL, or from the port of this machine (AR-11)', () => {
    const uri = (environment: Record<string, string>): string =>
      readProviderSettings(definition, environment).redirectUri;
    expect(uri({ PUBLIC_URL: 'https://link.example/' })).toBe('https://link.example/v1/oauth/example/callback');
    expect(uri({ PORT: '4000' })).toBe('http://localhost:4000/v1/oauth/example/callback');
    expect(uri({})).toBe('http://localhost:3000/v1/oauth/example/callback');
  });

  it('reads the endpoints of OAuth 1.0a', () => {
    const environment = { ...credentials, EXAMPLE_REQUEST_TOKEN_URL: 'https://other.example/request' };
    expect(readProviderSettings(exampleOAuth1, environment).endpoints).toMatchObject({
      requestTokenUrl: 'https://other.example/request',
      accessTokenUrl: exampleOAuth1.accessTokenUrl,
    });
  });

  describe('of a provider that wants signed client secrets', () => {
    const signing: OAuth2Definition = { ...definition, clientAuthentication: 'es256-jwt' };
    const pem = (namedCurve: string): string =>
      generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const complete = { EXAMPLE_CLIENT_ID: 'id', EXAMPLE_TEAM_ID: 'team', EXAMPLE_KEY_ID: 'key' };

    it('takes the key with its line ends written out', () => {
      const key = pem('P-256');
      const settings = readProviderSettings(signing, {
        ...complete,
        EXAMPLE_CLIENT_SECRET: key.replaceAll('\n', '\\n'),
      });
      expect(settings.clientSecret.reveal().trim()).toBe(key.trim());
      expect(settings.signing).toEqual({ teamId: 'team', keyId: 'key' });
    });

    it('refuses text that is no such key, and does not show it', () => {
      for (const wrong of ['canary', pem('P-384')]) {
        let message = '';
        try {
          readProviderSettings(signing, { ...complete, EXAMPLE_CLIENT_SECRET: wrong });
        } catch (error) {
          message = String(error);
        }
        expect(message).toContain('EXAMPLE_CLIENT_SECRET must hold the private key');
        expect(message).not.toContain(wrong.slice(40, 80) || wrong);
      }
    });

    it('names the missing fields', () => {
      expect(() =>
        readProviderSettings(signing, { EXAMPLE_CLIENT_ID: 'id', EXAMPLE_CLIENT_SECRET: pem('P-256') }),
      ).toThrow('EXAMPLE_TEAM_ID, EXAMPLE_KEY_ID is missing');
    });
  });

  describe('of a provider that takes a key in place of a secret', () => {
    const keyed: OAuth2Definition = {
      ...definition,
      clientAssertion: { algorithms: ['ES384', 'RS384'], audience: 'endpoint' },
    };
    const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
    const right = pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey);
    const withKey = (secret: string): Record<string, string> => ({
      EXAMPLE_CLIENT_ID: 'id',
      EXAMPLE_CLIENT_SECRET: secret,
      EXAMPLE_KEY_ID: 'key',
    });

    it('uses the key once the operator names it, and the secret otherwise', () => {
      const settings = readProviderSettings(keyed, withKey(right));
      expect(settings).toMatchObject({ clientAuthentication: 'private_key_jwt', signing: { keyId: 'key' } });
      expect(definitionInForce(keyed, settings).clientAuthentication).toBe('private_key_jwt');
      const plain = readProviderSettings(keyed, credentials);
      expect(definitionInForce(keyed, plain).clientAuthentication).toBe(definition.clientAuthentication);
      expect(readProviderSettings(definition, withKey('secret')).signing).toBeUndefined();
    });

    it.each([
      ['no key', 'canary-of-the-test'],
      ['a key of another curve', pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)],
      ['a short key of RSA', pem(generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey)],
    ])('refuses %s, and does not show it', (_what, wrong) => {
      const read = (): unknown => readProviderSettings(keyed, withKey(wrong));
      expect(read).toThrow('EXAMPLE_CLIENT_SECRET must hold the private key for ES384 or RS384');
      expect(read).not.toThrow(wrong.slice(40, 80) || wrong);
    });

    it.each([
      ['a provider that takes keys', keyed, 'Set EXAMPLE_KEY_ID as well.'],
      ['one that takes none', definition, 'Put the client secret there.'],
    ])('never uses a private key as the client secret of %s', (_what, which, remedy) => {
      const environment = { EXAMPLE_CLIENT_ID: 'id', EXAMPLE_CLIENT_SECRET: right };
      expect(() => readProviderSettings(which, environment)).toThrow(remedy);
    });
  });

  it('needs no secret of a public client', () => {
    const publicClient: OAuth2Definition = { ...definition, clientAuthentication: 'none' };
    expect(readProviderSettings(publicClient, { EXAMPLE_CLIENT_ID: 'id' })).toMatchObject({ mode: 'configured' });
  });
});

describe('defineProvider', () => {
  it.each([
    ['no default server', { one: { pkce: 'supported' } }],
    ['two default servers', { one: {}, two: {} }],
  ] as const)('refuses %s', (_what, servers) => {
    expect(() => defineProvider({ ...exampleOAuth2, servers })).toThrow('exactly one server, the default,');
  });

  it('refuses a URL of a server that is not https', () => {
    const servers = { one: {}, two: { apiBaseUrl: 'http://api.example' } };
    expect(() => defineProvider({ ...exampleOAuth2, servers })).toThrow('http://api.example must be an https URL');
  });
});

describe('headers of the account call', () => {
  const account = { from: 'api', url: 'https://api.provider.example/me', field: 'id', headers: ['x-api-key'] } as const;
  const withHeader: OAuth2Definition = { ...exampleOAuth2, account };

  it('have a variable each, without which the provider is half configured', () => {
    expect(() => readProviderSettings(withHeader, credentials)).toThrow('EXAMPLE_X_API_KEY is missing');
    const settings = readProviderSettings(withHeader, { ...credentials, EXAMPLE_X_API_KEY: 'not-a-real-key' });
    expect(settings.accountHeaders?.['x-api-key']?.reveal()).toBe('not-a-real-key');
    expect(JSON.stringify(settings)).not.toContain('not-a-real-key');
  });

  it('may be in a file, as every secret', () => {
    const directory = mkdtempSync(join(tmpdir(), 'cufflink-settings-'));
    try {
      const file = join(directory, 'key');
      writeFileSync(file, 'not-a-real-key\n');
      const settings = readProviderSettings(withHeader, { ...credentials, EXAMPLE_X_API_KEY_FILE: file });
      expect(settings.accountHeaders?.['x-api-key']?.reveal()).toBe('not-a-real-key');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
