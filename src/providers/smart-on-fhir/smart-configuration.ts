import { z } from 'zod';
import { ProviderMisconfiguredError } from '../../errors/provider.errors.js';
import type { FhirServer } from './fhir-servers.js';

const configurationSchema = z.object({
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  revocation_endpoint: z.string().nullish(),
  issuer: z.string().nullish(),
  authorization_response_iss_parameter_supported: z.boolean().nullish(),
  token_endpoint_auth_methods_supported: z.array(z.string()).nullish(),
  code_challenge_methods_supported: z.array(z.string()).refine((methods) => methods.includes('S256')),
});

/** The used fields of the document in which a FHIR server describes its authorization, with their own names. */
export type SmartConfiguration = Readonly<z.infer<typeof configurationSchema>>;

/**
 * Reads such a document strictly (AR-19). The server must offer S256. Every endpoint and the issuer must be https at
 * the FHIR server's own host, or at one that the operator allowed. Plain http is accepted only if the FHIR server
 * itself has it, at the very same origin. A server that could name another one's issuer would pass for that one
 * (RFC 9207 section 2.4, RFC 8414 section 3.3). If a server lists its client authentications without
 * `private_key_jwt`, it is not sent an assertion.
 *
 * @param document - parsed JSON, from outside
 * @throws {@link ProviderMisconfiguredError} naming the first field that is wrong
 * @see https://hl7.org/fhir/smart-app-launch/conformance.html
 */
export function parseSmartConfiguration(document: unknown, server: FhirServer): SmartConfiguration {
  const parsed = configurationSchema.safeParse(document);
  if (!parsed.success) {
    throw refused(server, String(parsed.error.issues[0]?.path[0] ?? 'the whole document'));
  }
  for (const field of ['authorization_endpoint', 'token_endpoint', 'revocation_endpoint', 'issuer'] as const) {
    const url = parsed.data[field] ?? undefined;
    if (url !== undefined && !isAllowed(url, server)) {
      throw refused(server, field);
    }
  }
  const methods = parsed.data.token_endpoint_auth_methods_supported;
  const { clientAuthentication } = server.definition;
  if (clientAuthentication === 'private_key_jwt' && methods?.includes(clientAuthentication) === false) {
    throw refused(server, 'token_endpoint_auth_methods_supported');
  }
  return parsed.data;
}

function isAllowed(text: string, { settings, allowedHosts }: FhirServer): boolean {
  if (!URL.canParse(text)) {
    return false;
  }
  const url = new URL(text);
  const fhir = new URL(settings.endpoints.apiBaseUrl ?? '');
  const isKnown = url.protocol === 'https:' && [fhir.host, ...allowedHosts].includes(url.host);
  return (isKnown || url.origin === fhir.origin) && url.username === '' && url.password === '' && url.hash === '';
}

function refused({ definition }: FhirServer, field: string): ProviderMisconfiguredError {
  return new ProviderMisconfiguredError(
    `The SMART configuration of ${definition.displayName} cannot be used: ${field}. The operator must check the server's URL and its allowed hosts.`,
  );
}
