import type { OAuth2Definition } from '../../provider-kit/definition/provider-definition.js';
import {
  environmentPrefix,
  readProviderSettings,
  type ProviderSettings,
} from '../../provider-kit/definition/provider-settings.js';
import { fhirServerDefinition, smartOnFhirDefinition } from './smart-on-fhir.definition.js';

/** One FHIR server that the operator allows. Nothing that a user sends ever becomes the URL of one. */
export interface FhirServer {
  /** Its `apiBaseUrl` is the FHIR base URL, by which the server knows itself. */
  readonly definition: OAuth2Definition;
  readonly settings: ProviderSettings;
  /** Hosts that its OAuth endpoints may be on beside the FHIR server's own; with the port, where it is not the usual one. */
  readonly allowedHosts: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the FHIR servers of this deployment: `smart-on-fhir` itself, and one provider `smart-on-fhir-<name>` for each `name=URL` in
 * `SMART_ON_FHIR_SERVERS`. Each has the variables of any provider, and `_ALLOWED_HOSTS`.
 *
 * @param environment - usually `process.env`
 * @throws Error naming the variable that is malformed or missing
 */
export function readFhirServers(environment: Environment): FhirServer[] {
  const listed = splitList(environment['SMART_ON_FHIR_SERVERS']).map((entry) => {
    const [, name, url] = /^([a-z0-9]+(?:-[a-z0-9]+)*)=(https:\/\/[^\s?#@]+)$/.exec(entry) ?? [];
    if (name === undefined || url === undefined) {
      throw new Error('SMART_ON_FHIR_SERVERS must be a list like "name=https://fhir.example/R4,other=https://…".');
    }
    return fhirServerDefinition(name, url);
  });
  // No sandbox stands for a server that was listed by name.
  const others = listed.map((definition) => toServer(definition, { ...environment, SANDBOX_URL: undefined }));
  for (const { definition, settings } of others) {
    if (settings.mode === 'not-configured') {
      const prefix = environmentPrefix(definition.slug);
      throw new Error(
        `${prefix}_CLIENT_ID and ${prefix}_CLIENT_SECRET are missing: SMART_ON_FHIR_SERVERS names the server.`,
      );
    }
  }
  return [toServer(smartOnFhirDefinition, environment), ...others];
}

function toServer(definition: OAuth2Definition, environment: Environment): FhirServer {
  const prefix = environmentPrefix(definition.slug);
  for (const name of ['AUTH_URL', 'TOKEN_URL', 'REVOKE_URL'].map((each) => `${prefix}_${each}`)) {
    if (environment[name]) {
      throw new Error(`${name} must not be set: the FHIR server tells its endpoints. Set ${prefix}_API_BASE_URL.`);
    }
  }
  const settings = readProviderSettings(definition, environment);
  // The fake goes by the name of the server that it stands for.
  const fhirBaseUrl = settings.mode === 'sandbox' ? definition.apiBaseUrl : settings.endpoints.apiBaseUrl;
  return {
    definition: { ...definition, apiBaseUrl: fhirBaseUrl, extraAuthorizeParams: { aud: fhirBaseUrl ?? '' } },
    settings,
    allowedHosts: splitList(environment[`${prefix}_ALLOWED_HOSTS`]).map((host) => host.toLowerCase()),
  };
}

function splitList(text: string | undefined): string[] {
  return (text ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
}
