import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { medicareBlueButtonSandbox } from './medicare-blue-button.sandbox.js';

/** Medicare Blue Button 2.0, OAuth 2.0: the claims of people with Medicare. */
export const medicareBlueButtonDefinition = defineProvider({
  slug: 'medicare-blue-button',
  displayName: 'Medicare Blue Button',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  // The slash at the end of each path matters.
  authorizeUrl: 'https://api.bluebutton.cms.gov/v2/o/authorize/',
  tokenUrl: 'https://api.bluebutton.cms.gov/v2/o/token/',
  servers: {
    live: {},
    sandbox: {
      authorizeUrl: 'https://sandbox.bluebutton.cms.gov/v2/o/authorize/',
      tokenUrl: 'https://sandbox.bluebutton.cms.gov/v2/o/token/',
      apiBaseUrl: 'https://sandbox.bluebutton.cms.gov/v2/fhir',
      revocation: { proof: 'client', method: 'POST', url: 'https://sandbox.bluebutton.cms.gov/v2/o/revoke_token/' },
    },
  },
  apiBaseUrl: 'https://api.bluebutton.cms.gov/v2/fhir',
  defaultScopes: [
    'openid',
    'profile',
    'launch/patient',
    'patient/Patient.read',
    'patient/Coverage.read',
    'patient/ExplanationOfBenefit.read',
  ],
  scopeSeparator: ' ',
  clientAuthentication: 'basic',
  pkce: 'required',
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: 3600,
  account: { from: 'token-response', field: 'patient' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    timeoutMs: 10_000,
  },
  revocation: { proof: 'client', method: 'POST', url: 'https://api.bluebutton.cms.gov/v2/o/revoke_token/' },
  docsUrl: 'https://bluebutton.cms.gov/api-documentation/authorization/',
  uncertain: [
    'Whether the path of a revocation is revoke_token, as one catalog has it, or revoke, as clients of v3 have it.',
    'Whether the client credentials go into the header or the form: clients use both; the header is used.',
    'Whether an authorization request needs aud, the FHIR base URL; it is not sent.',
    'The effect of a second use of a refresh token, beyond that it is invalid, and whether a refresh ends the old access token; the strictest is assumed.',
    'The id of the patient may be absent from the token response; the account is then unknown.',
  ],
  sandbox: medicareBlueButtonSandbox,
});
