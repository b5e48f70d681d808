import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';

const fhirPath = '/interconnect-fhir-oauth/api/FHIR/R4';

/**
 * A FHIR server as https://hl7.org/fhir/smart-app-launch/app-launch.html describes it, at the paths of Epic's sandbox.
 * Endpoints are discovered. S256 is required. `aud` must be the FHIR base URL. A confidential client uses Basic. The
 * token response has the patient and the granted scopes.
 *
 * Assumed:
 * - No refresh token comes without `offline_access`.
 * - A refresh brings a new refresh token, which is optional. The old one is then refused without further consequences.
 * - An earlier access token stays valid after a refresh.
 * - All lifetimes.
 * - The issuer. No callback names it.
 * - Path and status of the revocation.
 */
export const smartOnFhirSandbox: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/interconnect-fhir-oauth/oauth2/authorize',
  tokenPath: '/interconnect-fhir-oauth/oauth2/token',
  clientAuthentication: 'basic',
  pkce: 'required',
  scopeSeparator: ' ',
  scopes: ['launch/patient', 'openid', 'fhirUser', 'offline_access', 'online_access', 'patient/*.rs'],
  authorizeParams: { aud: 'https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R4' },
  issuers: ['{baseUrl}/interconnect-fhir-oauth/oauth2'],
  refreshTokenNeedsScope: 'offline_access',
  scopeInTokenResponse: true,
  codeLifetimeSeconds: 300,
  accessTokenLifetimeSeconds: 3_600,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  tokenType: 'Bearer',
  tokenResponseExtras: (accountId) => ({ patient: accountId, need_patient_banner: true }),
  apiBasePath: fhirPath,
  apiPath: `${fhirPath}/Patient`,
  revoke: { proof: 'client', method: 'POST', path: '/interconnect-fhir-oauth/oauth2/revoke', status: 200 },
  endpoints: [
    {
      method: 'GET',
      path: `${fhirPath}/.well-known/smart-configuration`,
      respond: ({ baseUrl }) => ({
        status: 200,
        json: {
          issuer: `${baseUrl}/interconnect-fhir-oauth/oauth2`,
          authorization_endpoint: `${baseUrl}/interconnect-fhir-oauth/oauth2/authorize`,
          token_endpoint: `${baseUrl}/interconnect-fhir-oauth/oauth2/token`,
          revocation_endpoint: `${baseUrl}/interconnect-fhir-oauth/oauth2/revoke`,
          capabilities: [
            'launch-standalone',
            'client-confidential-symmetric',
            'permission-patient',
            'permission-offline',
          ],
          code_challenge_methods_supported: ['S256'],
        },
      }),
    },
  ],
};
