import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { ihealthSandboxNotification } from './ihealth.sandbox-notification.js';

/**
 * iHealth Open API V2 as https://developer.ihealthlabs.com/dev_documentation_Authentication.htm describes it: one URL
 * for consent, exchange and refresh. Errors have the shape of
 * https://developer.ihealthlabs.com/dev_documentation_ResponseFormatAndErrors.htm.
 *
 * Data calls carry the token in the query
 * (https://developer.ihealthlabs.com/dev_documentation_RequestfordataofBloodPressure.htm).
 *
 * Documented and not imitated: `sc`, `sv`, client id and client secret on data calls.
 *
 * Assumed:
 * - Exchange and refresh are POST, with no field but the four that are documented.
 * - Every refresh replaces the refresh token. A used one is refused without further consequences.
 * - The old access token stays valid after a refresh.
 * - The HTTP statuses of errors.
 * - A dead code or refresh token is the "unauthorized_token" of the list of errors.
 * - All other names of errors, except that of a wrong client secret.
 * - The code's lifetime.
 * - PKCE parameters are ignored.
 * - The API names after the first two, which follow their pattern.
 */
export const ihealthSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/OpenApiV2/OAuthv2/userauthorization/',
  tokenPath: '/OpenApiV2/OAuthv2/userauthorization/',
  clientAuthentication: 'body',
  pkce: 'ignored',
  scopeParameter: 'APIName',
  scopeSeparator: ' ',
  scopes: ['OpenApiBP', 'OpenApiWeight', 'OpenApiActivity', 'OpenApiSleep', 'OpenApiBG', 'OpenApiSpO2'],
  scopeInTokenResponse: false,
  codeLifetimeSeconds: 600,
  accessTokenLifetimeSeconds: 172_800,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenResponse: (standard, accountId) => ({
    AccessToken: standard['access_token'],
    RefreshToken: standard['refresh_token'],
    Expires: standard['expires_in'],
    UserID: accountId,
  }),
  errorResponse: (error, description) => ({
    ...nameOf(error),
    ErrorDescription: description,
  }),
  apiBasePath: '/openapiv2',
  apiPath: '/openapiv2/user',
  apiTokenParameter: 'access_token',
  notify: ihealthSandboxNotification,
};

function nameOf(error: string): { readonly Error: string; readonly ErrorCode: number } {
  switch (error) {
    case 'invalid_client':
      return { Error: 'client_secret_mismatch', ErrorCode: 1002 };
    case 'invalid_grant':
      return { Error: 'unauthorized_token', ErrorCode: 2002 };
    default:
      return { Error: error, ErrorCode: 5000 };
  }
}
