import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { garminOauth1Notifications } from './garmin-oauth1.notifications.js';
import { garminOauth1Sandbox } from './garmin-oauth1.sandbox.js';

/** Garmin Connect, OAuth 1.0a; Garmin ends it on the last day of 2026. */
export const garminOauth1Definition = defineProvider({
  slug: 'garmin-oauth1',
  displayName: 'Garmin Connect (OAuth 1.0a)',
  brandColor: '#000000',
  oauth: '1.0a',
  lifecycle: { status: 'retiring', sunsetAt: '2026-12-31', replacedBy: 'garmin' },
  requestTokenUrl: 'https://connectapi.garmin.com/oauth-service/oauth/request_token',
  authorizeUrl: 'https://connect.garmin.com/oauthConfirm',
  accessTokenUrl: 'https://connectapi.garmin.com/oauth-service/oauth/access_token',
  exchangeUrl: 'https://apis.garmin.com/partner-gateway/rest/user/token-exchange',
  apiBaseUrl: 'https://apis.garmin.com/wellness-api/rest',
  signatureMethod: 'HMAC-SHA1',
  tokenParametersIn: 'header',
  defaultScopes: [],
  account: { from: 'api', url: 'https://apis.garmin.com/wellness-api/rest/user/id', field: 'userId' },
  revocation: {
    proof: 'signature',
    method: 'DELETE',
    url: 'https://apis.garmin.com/wellness-api/rest/user/registration',
  },
  notifications: garminOauth1Notifications,
  docsUrl: 'https://developer.garmin.com/gc-developer-program/',
  uncertain: [
    'The fate of tokens that were not exchanged on 1 January 2027; a new consent is assumed.',
    'Whether the exchange for OAuth 2.0 tokens wants a code_challenge: one code base sends one and says that it is guessing, another none; none is sent.',
    'That a token stays valid for about 30 days after its exchange comes from two third parties.',
    'The effect of a second exchange of the same token is not documented; none is made unless the operator asks for it.',
  ],
  sandbox: garminOauth1Sandbox,
});
