import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { Refusal } from '../fake-response.js';
import { isForm, Parameters } from '../form.js';
import type { IncomingCall } from '../incoming-call.js';
import { authenticateClient, type ClientAuthentication } from './oauth2-client-authentication.js';
import type { FakeContext } from '../protocol.js';

/**
 * Reads a form that is sent directly, not through the browser.
 *
 * @throws {@link Refusal} `invalid_request` when it is no form, a parameter is repeated, or the query has any
 */
export function readForm(call: IncomingCall): Parameters {
  if (!isForm(call.headers['content-type'])) {
    throw new Refusal(400, 'invalid_request', 'Content-Type must be application/x-www-form-urlencoded');
  }
  if (call.query !== '') {
    throw new Refusal(400, 'invalid_request', 'parameters belong into the body');
  }
  const form = new Parameters(call.body);
  form.refuseRepeated();
  return form;
}

/**
 * Reads a form sent by the client itself, and checks that it is the client.
 *
 * @throws {@link Refusal} as {@link readForm} does, and `invalid_client`
 */
export async function readClientForm(
  call: IncomingCall,
  definition: OAuth2SandboxDefinition,
  context: FakeContext,
  kind: ClientAuthentication,
): Promise<Parameters> {
  const form = readForm(call);
  await authenticateClient(kind, call.headers.authorization, form, context, definition.idToken?.issuer);
  return form;
}
