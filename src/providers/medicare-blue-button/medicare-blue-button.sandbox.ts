import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

/**
 * Blue Button as https://bluebutton.cms.gov/api-documentation/authorization/ describes it.
 *
 * Milder than Blue Button: every app gets refresh tokens, and a consent has no end after 13 months.
 *
 * Assumed:
 * - The code's lifetime.
 * - A used refresh token is refused without further consequences. The old access token stays valid.
 * - The token response always has `patient`.
 * - The 200 of a revocation.
 */
export const medicareBlueButtonSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/v2/o/authorize/',
  tokenPath: '/v2/o/token/',
  clientAuthentication: 'basic',
  pkce: 'required',
  scopeSeparator: ' ',
  scopes: [
    'openid',
    'profile',
    'launch/patient',
    'patient/Patient.read',
    'patient/Coverage.read',
    'patient/ExplanationOfBenefit.read',
  ],
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 3600,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenType: 'Bearer',
  tokenResponseExtras: (accountId) => ({ patient: accountId }),
  apiBasePath: '/v2/fhir',
  apiPath: '/v2/fhir/ExplanationOfBenefit/',
  revoke: { proof: 'client', method: 'POST', path: '/v2/o/revoke_token/', status: 200 },
};
