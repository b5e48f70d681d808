import type { OAuth1Definition, OAuth2Definition } from '../definition/provider-definition.js';
import type { OAuth1Endpoints, OAuth2Endpoints } from '../definition/provider-endpoints.js';
import type { OAuth1Settings, OAuth2Settings } from '../definition/provider-settings.js';
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

/** A provider that does not exist. A test overrides the facts that it is about. */
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

const commonSettings = {
  mode: 'configured',
  clientId: 'client:1 ü',
  clientSecret: new Secret('a:b%+ &ü'),
  redirectUri: 'https://app.example/callback',
  scopes: ['sleep'],
  notifications: noNotificationSettings,
} as const;

/** Settings of {@link exampleOAuth2} that point every endpoint below one server. The secret breaks a wrong encoding. */
export function exampleSettings(baseUrl: string, endpoints: Partial<OAuth2Endpoints> = {}): OAuth2Settings {
  return {
    ...commonSettings,
    signing: undefined,
    issuers: [],
    endpoints: { ...commonEndpoints(baseUrl), tokenUrl: `${baseUrl}/token`, ...endpoints },
  };
}

/** Settings of {@link exampleOAuth1} that point every endpoint below one server. */
export function exampleOAuth1Settings(baseUrl: string, endpoints: Partial<OAuth1Endpoints> = {}): OAuth1Settings {
  return {
    ...commonSettings,
    endpoints: {
      ...commonEndpoints(baseUrl),
      requestTokenUrl: `${baseUrl}/request_token`,
      accessTokenUrl: `${baseUrl}/access_token`,
      ...endpoints,
    },
  };
}

function commonEndpoints(baseUrl: string) {
  return {
    authorizeUrl: `${baseUrl}/authorize`,
    apiBaseUrl: `${baseUrl}/api`,
    accountUrl: `${baseUrl}/api/me`,
    revokeUrl: `${baseUrl}/revoke`,
  };
}
