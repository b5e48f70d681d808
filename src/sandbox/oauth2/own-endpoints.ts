import type { OAuth2SandboxDefinition, SandboxEndpoint } from '../../provider-kit/definition/sandbox-definition.js';
import type { AccessCheck } from './access-check.js';
import type { FakeResponse } from '../fake-response.js';
import { BoundedMap } from '../bounded-map.js';
import { isForm, Parameters } from '../form.js';
import type { IncomingCall } from '../incoming-call.js';
import type { CallNote, FakeContext } from '../protocol.js';
import type { Route } from '../routing.js';

/** The endpoints that only one provider has, and the facts that they remember. */
export class OwnEndpoints {
  readonly #facts = new BoundedMap<true>();

  constructor(
    private readonly definition: OAuth2SandboxDefinition,
    private readonly context: FakeContext,
    private readonly access: AccessCheck,
  ) {}

  get routes(): Route[] {
    return (this.definition.endpoints ?? []).map((endpoint) => ({
      kind: 'endpoint',
      method: endpoint.method,
      path: endpoint.path,
      respond: (call, note) => this.#respond(endpoint, call, note),
    }));
  }

  isRemembered(fact: string): boolean {
    return this.#facts.get(fact) === true;
  }

  #respond(endpoint: SandboxEndpoint, call: IncomingCall, note: CallNote): FakeResponse {
    const form = new Parameters(isForm(call.headers['content-type']) ? call.body : '');
    form.refuseRepeated();
    const query = new Parameters(call.query);
    query.refuseRepeated();
    const bearer = this.access.find(call);
    if (bearer !== undefined) {
      bearer.used = true;
      note.familyId = bearer.grant.familyId;
    }
    const { baseUrl, clientId, clientSecret, grants, now } = this.context;
    const { status, json } = endpoint.respond({
      baseUrl,
      clientId,
      clientSecret,
      nowMs: now(),
      form: form.all,
      json: parseJsonObject(call),
      query: query.all,
      bearerAccountId: bearer?.grant.accountId,
      endGrants: (accountId) => grants.endAll(accountId),
      remember: (fact) => this.#facts.set(fact, true),
      has: (fact) => this.isRemembered(fact),
      forget: (fact) => void this.#facts.delete(fact),
    });
    return { status, content: { json } };
  }
}

function parseJsonObject(call: IncomingCall): Readonly<Record<string, unknown>> {
  if (!/^application\/json\b/i.test(call.headers['content-type'] ?? '')) {
    return {};
  }
  try {
    const value: unknown = JSON.parse(call.body);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}
