import type { OAuth2SandboxMaker } from '../../provider-kit/sandbox-maker.js';

/**
 * iHealth Open API V2 as https://developer.ihealthlabs.com/dev_documentation_Authentication.htm describes it: one URL for consent,
 * exchange and refresh. Errors have the shape of https://developer.ihealthlabs.com/dev_documentation_ResponseFormatAndErrors.htm.
 *
 * Data calls carry the token in the query (https://developer.ihealthlabs.com/dev_documentation_RequestfordataofBloodPressure.htm).
 *
 * Documented and not imitated: `sc`, `sv`, client id and client secret on data calls.
 *
 * Assumed: POST for exchange and refresh, no field but the four that are documented, rotation without further consequences while the
 * old access token lives on, the HTTP statuses of errors and all their names but that of a wrong client secret, the code's lifetime, that PKCE parameters are not looked at, and the API names
 * after the first two, which follow their pattern.
 */
export const ihealthSandbox: OAuth2SandboxMaker = {
  oauth: '2.0',
  authorizePath: '/OpenApiV2/OAuthv2/userauthorization/',
  tokenPath: '/OpenApiV2/OAuthv2/userauthorization/',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeParameter: 'APIName',
  scopeSeparator: ' ',
  scopes: ['OpenApiBP', 'OpenApiWeight', 'OpenApiActivity', 'OpenApiSleep', 'OpenApiBG', 'OpenApiSpO2'],
  scopeInTokenAnswer: false,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 172_800,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenAnswer: (standard, accountId) => ({
    AccessToken: standard['access_token'],
    RefreshToken: standard['refresh_token'],
    Expires: standard['expires_in'],
    UserID: accountId,
  }),
  errorAnswer: (error, description) => ({
    Error: error === 'invalid_client' ? 'client_secret_mismatch' : error,
    ErrorCode: error === 'invalid_client' ? 1002 : 5000,
    ErrorDescription: description,
  }),
  apiBasePath: '/openapiv2',
  apiPath: '/openapiv2/user',
  apiTokenParameter: 'access_token',
};
