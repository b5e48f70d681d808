import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { fatsecretSandbox } from './fatsecret.sandbox.js';

/** FatSecret Platform API, three-legged OAuth 1.0a. Its OAuth 2.0 server gives no access to what belongs to a user. */
export const fatsecretDefinition = defineProvider({
  slug: 'fatsecret',
  displayName: 'FatSecret',
  oauth: '1.0a',
  lifecycle: { status: 'live' },
  requestTokenUrl: 'https://authentication.fatsecret.com/oauth/request_token',
  authorizeUrl: 'https://authentication.fatsecret.com/oauth/authorize',
  accessTokenUrl: 'https://authentication.fatsecret.com/oauth/access_token',
  apiBaseUrl: 'https://platform.fatsecret.com/rest',
  signatureMethod: 'HMAC-SHA1',
  tokenParametersIn: 'form',
  defaultScopes: [],
  account: { from: 'nowhere' },
  revocation: undefined,
  docsUrl: 'https://platform.fatsecret.com/docs/guides/authentication/oauth1/three-legged',
  uncertain: [
    'Whether profile.get tells an id of the user; the token response has none, so none is kept.',
    'Whether the token calls take their parameters in the header: clients that sign there report missing parameters, so the form is used.',
    'Whether data calls take the header; one client uses it, most use the query.',
    'The HTTP method of the access-token call: both GET and POST are seen; POST is used.',
    "The OAuth 2.0 server's discovery document also names authorize, S256 and revocation; whether third parties may use them is not documented.",
  ],
  sandbox: fatsecretSandbox,
});
