import { defineProvider, type OAuth2Definition } from '../../provider-kit/definition/provider-definition.js';
import type { FhirPreset } from './fhir-presets.js';
import { smartOnFhirSandbox } from './smart-on-fhir.sandbox.js';

/**
 * SMART App Launch, with Epic's sandbox as the example server. A server's endpoints are discovered, so those named here
 * are never called: two are Epic's, the last one is not published.
 */
export const smartOnFhirDefinition = defineProvider({
  slug: 'smart-on-fhir',
  displayName: 'SMART on FHIR',
  oauth: '2.0',
  lifecycle: { status: 'live' },
  authorizeUrl: 'https://fhir.epic.com/interconnect-fhir-oauth/oauth2/authorize',
  tokenUrl: 'https://fhir.epic.com/interconnect-fhir-oauth/oauth2/token',
  /** The FHIR base URL, by which a server is known. */
  apiBaseUrl: 'https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R4',
  defaultScopes: ['launch/patient', 'openid', 'fhirUser', 'offline_access', 'patient/*.rs'],
  scopeSeparator: ' ',
  clientAuthentication: 'basic',
  // The token URL is the audience by the specification. Allowed hosts and a key for each server keep it from others.
  clientAssertion: { algorithms: ['ES384', 'RS384'], audience: 'endpoint' },
  pkce: 'required',
  extraAuthorizeParams: { aud: 'https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R4' },
  grantedScopesIn: 'token-response',
  accessTokenLifetimeSeconds: undefined,
  account: { from: 'token-response', field: 'patient' },
  refresh: {
    rotates: 'always',
    reuse: 'family-revoked',
    grace: 'none',
    oldAccessTokenDiesOnRefresh: true,
    // Discovery may come before the call.
    timeoutMs: 15_000,
  },
  revocation: { proof: 'client', method: 'POST', url: 'https://discovered.invalid/revocation_endpoint' },
  docsUrl: 'https://hl7.org/fhir/smart-app-launch/app-launch.html',
  uncertain: [
    'The life of refresh tokens differs from server to server and is not known here.',
    'The fate of a refresh token used twice, and of the previous access token, depends on the server; the strictest is assumed.',
    'need_patient_banner and smart_style_url of the token response are not confirmed; they are not used.',
  ],
  sandbox: smartOnFhirSandbox,
});

/**
 * Returns the definition of one server that an operator listed.
 *
 * @param preset - what is known about servers of its kind
 */
export function fhirServerDefinition(name: string, fhirBaseUrl: string, preset?: FhirPreset): OAuth2Definition {
  const { clientAssertion, ...facts } = smartOnFhirDefinition;
  return defineProvider({
    ...facts,
    ...(preset?.takesKeys === false ? {} : { clientAssertion }),
    slug: `${smartOnFhirDefinition.slug}-${name}`,
    displayName: `${preset?.displayName ?? smartOnFhirDefinition.displayName} (${name})`,
    authorizeUrl: 'https://discovered.invalid/authorization_endpoint',
    tokenUrl: 'https://discovered.invalid/token_endpoint',
    apiBaseUrl: fhirBaseUrl,
    ...(preset === undefined
      ? {}
      : {
          defaultScopes: preset.scopes,
          docsUrl: preset.docsUrl,
          uncertain: [...smartOnFhirDefinition.uncertain, ...preset.uncertain],
        }),
  });
}
