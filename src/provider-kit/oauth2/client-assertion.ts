import { createPrivateKey, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { findAlgorithm } from '../definition/assertion-key.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import type { OAuth2Settings } from '../definition/provider-settings.js';

/** Lifetime of an assertion. A request takes seconds; the rest is for clocks that differ. */
const lifetimeSeconds = 120;

/**
 * Signs a client assertion for one request: the form fields of `private_key_jwt`.
 *
 * Each has a `jti` of its own, so that a server can refuse the second use. `iat` and `nbf` are left out: both are
 * optional, and a server whose clock is behind would refuse an assertion from its future.
 *
 * @param url - the endpoint that the request goes to
 * @param now - the current instant
 * @throws Error when the definition or the settings are incomplete; the settings are checked at the start
 * @see RFC 7523 sections 2.2 and 3, https://www.rfc-editor.org/rfc/rfc7523#section-2.2
 * @see https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html
 */
export async function clientAssertion(
  definition: OAuth2Definition,
  settings: OAuth2Settings,
  url: string,
  now: Date,
): Promise<Readonly<Record<'client_assertion_type' | 'client_assertion', string>>> {
  const { clientId, clientSecret, signing } = settings;
  const { algorithms = [] } = definition.clientAssertion ?? {};
  const algorithm = findAlgorithm(clientSecret.reveal(), algorithms);
  if (signing === undefined || algorithm === undefined) {
    throw new Error(`Provider "${definition.slug}" lacks the settings that its client assertion is made from.`);
  }
  const assertion = await new SignJWT()
    .setProtectedHeader({ alg: algorithm, kid: signing.keyId, typ: 'JWT' })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audienceOf(definition, settings, url))
    .setJti(randomUUID())
    .setExpirationTime(Math.floor(now.getTime() / 1_000) + lifetimeSeconds)
    .sign(createPrivateKey(clientSecret.reveal()));
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  };
}

/**
 * The one audience: the issuer, or the endpoint that the request goes to. It is never the token endpoint for a request
 * to another endpoint. So a server with false endpoints gets no assertion that another server accepts.
 */
function audienceOf({ clientAssertion: rules }: OAuth2Definition, settings: OAuth2Settings, url: string): string {
  return rules?.audience === 'endpoint' ? url : (settings.issuers?.[0] ?? url);
}
