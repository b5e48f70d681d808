import { createPublicKey } from 'node:crypto';
import { definitionInForce, type OAuth2Definition } from '../../provider-kit/definition/provider-definition.js';
import {
  environmentPrefix,
  readProviderSettings,
  type OAuth2Settings,
} from '../../provider-kit/definition/provider-settings.js';
import { readFhirServerList } from './fhir-server-list.js';
import { fhirServerDefinition, smartOnFhirDefinition } from './smart-on-fhir.definition.js';

/** One FHIR server that the operator allows. Nothing that a user sends ever becomes the URL of one. */
export interface FhirServer {
  /** Its `apiBaseUrl` is the FHIR base URL, by which the server knows itself. */
  readonly definition: OAuth2Definition;
  readonly settings: OAuth2Settings;
  /**
   * Hosts that its OAuth endpoints may be on beside the FHIR server's own; with the port, where it is not the usual
   * one.
   */
  readonly allowedHosts: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the FHIR servers of this deployment: `smart-on-fhir` itself, and one provider `smart-on-fhir-<name>` for each
 * entry of `SMART_ON_FHIR_SERVERS`. Each has the variables of any provider, and `_ALLOWED_HOSTS`.
 *
 * @param environment - usually `process.env`
 * @throws Error naming the variable that is malformed or missing, and the servers that have the same private key
 */
export function readFhirServers(environment: Environment): FhirServer[] {
  const others = readFhirServerList(environment).map((listed) => {
    const definition = fhirServerDefinition(listed.name, listed.fhirBaseUrl, listed.preset?.facts);
    const variables = withPresetCredentials(environment, definition.slug, listed.preset?.name);
    // The sandbox has no fake of a server that was listed by name.
    const server = toServer(definition, { ...variables, SANDBOX_URL: undefined });
    return { ...server, allowedHosts: [...(listed.preset?.facts.allowedHosts ?? []), ...server.allowedHosts] };
  });
  for (const { definition, settings } of others) {
    if (settings.mode === 'not-configured') {
      const prefix = environmentPrefix(definition.slug);
      throw new Error(
        `${prefix}_CLIENT_ID and ${prefix}_CLIENT_SECRET are missing: SMART_ON_FHIR_SERVERS names the server.`,
      );
    }
  }
  const servers = [toServer(smartOnFhirDefinition, environment), ...others];
  refuseSharedKeys(servers);
  return servers;
}

/** A server that sees an assertion of ours must not be able to use it at another one (AR-21). */
function refuseSharedKeys(servers: readonly FhirServer[]): void {
  const owners = new Map<string, string>();
  for (const { definition, settings } of servers) {
    if (settings.signing === undefined) {
      continue;
    }
    const key = createPublicKey(settings.clientSecret.reveal()).export({ type: 'spki', format: 'pem' }).toString();
    const owner = owners.get(key);
    if (owner !== undefined) {
      throw new Error(
        `${environmentPrefix(owner)}_CLIENT_SECRET and ${environmentPrefix(definition.slug)}_CLIENT_SECRET are the same private key. Make one for each server.`,
      );
    }
    owners.set(key, definition.slug);
  }
}

/**
 * Many hospitals of one vendor take the same client: a server without credentials of its own uses those of its preset,
 * such as `SMART_ON_FHIR_EPIC_CLIENT_ID`. A server with a key of its own takes the client id alone.
 */
function withPresetCredentials(environment: Environment, slug: string, preset: string | undefined): Environment {
  const own = environmentPrefix(slug);
  if (preset === undefined || environment[`${own}_CLIENT_ID`]) {
    return environment;
  }
  const shared = environmentPrefix(`${smartOnFhirDefinition.slug}-${preset}`);
  const names = environment[`${own}_KEY_ID`] ? ['CLIENT_ID'] : ['CLIENT_ID', 'CLIENT_SECRET', 'CLIENT_SECRET_FILE'];
  const credentials = names.map((name) => [`${own}_${name}`, environment[`${shared}_${name}`]]);
  return { ...environment, ...(Object.fromEntries(credentials) as Environment) };
}

function toServer(definition: OAuth2Definition, environment: Environment): FhirServer {
  const prefix = environmentPrefix(definition.slug);
  for (const name of ['AUTH_URL', 'TOKEN_URL', 'REVOKE_URL'].map((each) => `${prefix}_${each}`)) {
    if (environment[name]) {
      throw new Error(`${name} must not be set: the FHIR server tells its endpoints. Set ${prefix}_API_BASE_URL.`);
    }
  }
  const settings = readProviderSettings(definition, environment);
  // The fake has the name of the server that it replaces.
  const fhirBaseUrl = settings.mode === 'sandbox' ? definition.apiBaseUrl : settings.endpoints.apiBaseUrl;
  return {
    definition: {
      ...definitionInForce(definition, settings),
      apiBaseUrl: fhirBaseUrl,
      extraAuthorizeParams: { aud: fhirBaseUrl ?? '' },
    },
    settings,
    allowedHosts: splitList(environment[`${prefix}_ALLOWED_HOSTS`]).map((host) => host.toLowerCase()),
  };
}

function splitList(text: string | undefined): string[] {
  return (text ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
}
