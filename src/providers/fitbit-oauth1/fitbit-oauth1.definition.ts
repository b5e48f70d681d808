import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { fitbitOauth1Notifications } from './fitbit-oauth1.notifications.js';
import { fitbitOauth1Sandbox } from './fitbit-oauth1.sandbox.js';

/** Fitbit, OAuth 1.0a; ended in 2016 and kept as a second OAuth 1.0a provider for the sandbox and for old rows. */
export const fitbitOauth1Definition = defineProvider({
  slug: 'fitbit-oauth1',
  displayName: 'Fitbit (OAuth 1.0a)',
  brandColor: '#00b0b9',
  oauth: '1.0a',
  lifecycle: { status: 'retired', sunsetAt: '2016-04-12', replacedBy: 'google-health' },
  requestTokenUrl: 'https://api.fitbit.com/oauth/request_token',
  authorizeUrl: 'https://www.fitbit.com/oauth/authorize',
  accessTokenUrl: 'https://api.fitbit.com/oauth/access_token',
  apiBaseUrl: 'https://api.fitbit.com/1',
  signatureMethod: 'HMAC-SHA1',
  tokenParametersIn: 'header',
  defaultScopes: [],
  account: { from: 'token-response', field: 'encoded_user_id' },
  revocation: undefined,
  notifications: fitbitOauth1Notifications,
  docsUrl: 'https://community.fitbit.com/t5/Web-API/OAuth-2-0-is-official-OAuth-1-0a-is-deprecated/m-p/983800',
  uncertain: [
    'The exact day of the final switch-off in 2016; the announced one is given.',
    'The field name encoded_user_id is from old client libraries.',
  ],
  sandbox: fitbitOauth1Sandbox,
});
