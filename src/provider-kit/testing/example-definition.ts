import type { OAuth1Definition, OAuth2Definition } from '../definition/provider-definition.js';
import type { ProviderEndpoints, ProviderSettings } from '../definition/provider-settings.js';
import { noNotificationSettings } from '../definition/notification-settings.js';
import { Secret } from '../definition/secret.js';

const common = {
  slug: 'example',
  displayName: 'Example',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://provider.example/authorize',
  apiBaseUrl: 'https://api.provider.example',
  defaultScopes: ['sleep'],
  docsUrl: 'https://provider.example/docs',
  uncertain: [],
} as const;

/** A provider that does not exist; override what a test is about. */
export const exampleOAuth2: OAuth2Definition = {
  ...common,
  oauth: '2.0',
  tokenUrl: 'https://provider.example/token',
  clientAuthentication: 'basic',
  pkce: 'required',
  scopeSeparator: ' ',
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: undefined,
  account: { from: 'token-response', field: 'user_id' },
  revocation: { proof: 'client', method: 'POST', url: 'https://provider.example/revoke' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: false,
    timeoutMs: 10_000,
  },
  sandbox: {
    oauth: '2.0',
    authorizePath: '/authorize',
    apiPath: '/me',
    tokenPath: '/token',
    clientAuthentication: 'basic',
    pkce: 'required',
    scopeSeparator: ' ',
    scopes: ['sleep'],
    scopeInTokenResponse: true,
    codeLifetimeSeconds: 60,
    accessTokenLifetimeSeconds: 3600,
    rotation: 'always',
    reuse: 'family-revoked',
    oldAccessTokenDiesOnRefresh: false,
  },
};

/** Its OAuth 1.0a counterpart. */
export const exampleOAuth1: OAuth1Definition = {
  ...common,
  oauth: '1.0a',
  requestTokenUrl: 'https://provider.example/request_token',
  accessTokenUrl: 'https://provider.example/access_token',
  signatureMethod: 'HMAC-SHA1',
  tokenParametersIn: 'header',
  account: { from: 'token-response', field: 'encoded_user_id' },
  revocation: { proof: 'signature', method: 'DELETE', url: 'https://api.provider.example/registration' },
  sandbox: {
    oauth: '1.0a',
    authorizePath: '/authorize',
    apiPath: '/me',
    requestTokenPath: '/request_token',
    accessTokenPath: '/access_token',
    signatureMethod: 'HMAC-SHA1',
  },
};

/** Settings that point every endpoint below one server. The secret has what a wrong encoding breaks on. */
export function exampleSettings(baseUrl: string, endpoints: Partial<ProviderEndpoints> = {}): ProviderSettings {
  return {
    mode: 'configured',
    clientId: 'client:1 ü',
    clientSecret: new Secret('a:b%+ &ü'),
    signing: undefined,
    redirectUri: 'https://app.example/callback',
    scopes: ['sleep'],
    notifications: noNotificationSettings,
    endpoints: {
      authorizeUrl: `${baseUrl}/authorize`,
      tokenUrl: `${baseUrl}/token`,
      refreshUrl: undefined,
      jwksUrl: undefined,
      requestTokenUrl: `${baseUrl}/request_token`,
      accessTokenUrl: `${baseUrl}/access_token`,
      apiBaseUrl: `${baseUrl}/api`,
      accountUrl: `${baseUrl}/api/me`,
      revokeUrl: `${baseUrl}/revoke`,
      ...endpoints,
    },
  };
}
