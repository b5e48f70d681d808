import { defineProvider } from '../../provider-kit/provider-definition.js';
import { garminOauth1Sandbox } from './garmin-oauth1.sandbox.js';

/** Garmin Connect, OAuth 1.0a; Garmin ends it on the last day of 2026. */
export const garminOauth1Definition = defineProvider({
  slug: 'garmin-oauth1',
  displayName: 'Garmin Connect (OAuth 1.0a)',
  oauth: '1.0a',
  lifecycle: { status: 'retiring', sunsetAt: '2026-12-31', replacedBy: 'garmin' },
  requestTokenUrl: 'https://connectapi.garmin.com/oauth-service/oauth/request_token',
  authorizeUrl: 'https://connect.garmin.com/oauthConfirm',
  accessTokenUrl: 'https://connectapi.garmin.com/oauth-service/oauth/access_token',
  apiBaseUrl: 'https://apis.garmin.com/wellness-api/rest',
  signatureMethod: 'HMAC-SHA1',
  defaultScopes: [],
  account: { from: 'api', url: 'https://apis.garmin.com/wellness-api/rest/user/id', field: 'userId' },
  revocation: {
    proof: 'signature',
    method: 'DELETE',
    url: 'https://apis.garmin.com/wellness-api/rest/user/registration',
  },
  docsUrl: 'https://developer.garmin.com/gc-developer-program/',
  uncertain: ['What happens on 1 January 2027 to tokens that were not exchanged; a new consent is assumed.'],
  sandbox: garminOauth1Sandbox,
});
