import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { Refusal } from '../http/fake-response.js';
import { isForm, Parameters } from '../http/form.js';
import type { IncomingCall } from '../http/incoming-call.js';
import { AssertionCheck } from './assertion-check.js';
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

/** The forms that the client itself sends to one fake. */
export class ClientForms {
  private readonly assertions = new AssertionCheck();

  constructor(
    private readonly definition: OAuth2SandboxDefinition,
    private readonly context: FakeContext,
  ) {}

  /**
   * Reads a form, and checks that the client has sent it.
   *
   * @throws {@link Refusal} as {@link readForm} does, and `invalid_client`
   */
  async read(call: IncomingCall, kind: ClientAuthentication): Promise<Parameters> {
    const form = readForm(call);
    const { authorization } = call.headers;
    if (kind === 'private_key_jwt') {
      await this.acceptAssertion(call, form);
    } else {
      await authenticateClient(kind, authorization, form, this.context, this.definition.idToken?.issuer);
    }
    return form;
  }

  private async acceptAssertion(call: IncomingCall, form: Parameters): Promise<void> {
    const { slug, clientId, baseUrl } = this.context;
    const expected = { slug, clientId, audience: baseUrl + call.path, nowMs: this.context.now() };
    const reason =
      call.headers.authorization === undefined
        ? await this.assertions.accept(form, expected).catch((error: unknown) => error)
        : new Error('an Authorization header beside it');
    if (reason !== undefined) {
      const why = reason instanceof Error ? reason.message : '';
      throw new Refusal(401, 'invalid_client', `the assertion is not accepted: ${why}`);
    }
  }
}
