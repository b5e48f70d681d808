import { sandboxHookSecret } from '../../provider-kit/definition/notification-settings.js';
import type {
  OAuth2SandboxDefinition,
  SandboxCallback,
  SandboxCallbackResponse,
  SandboxEndpoint,
  SandboxEndpointResponse,
} from '../../provider-kit/definition/sandbox-definition.js';
import type { AccessCheck } from './access-check.js';
import type { FakeResponse } from '../http/fake-response.js';
import { BoundedMap } from '../grants/bounded-map.js';
import { isForm, Parameters } from '../http/form.js';
import type { IncomingCall } from '../http/incoming-call.js';
import type { CallNote, FakeContext } from '../protocol.js';
import { matchPath, type Route } from '../http/routing.js';

/** The endpoints that only one provider has, and the facts that they remember. */
export class OwnEndpoints {
  readonly #kept = new BoundedMap<Readonly<Record<string, unknown>>>();

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
    return this.context.facts.get(fact) === true;
  }

  async #respond(endpoint: SandboxEndpoint, call: IncomingCall, note: CallNote): Promise<FakeResponse> {
    const form = new Parameters(isForm(call.headers['content-type']) ? call.body : '');
    form.refuseRepeated();
    const query = new Parameters(call.query);
    query.refuseRepeated();
    const bearer = this.access.find(call);
    if (bearer !== undefined) {
      bearer.used = true;
      note.familyId = bearer.grant.familyId;
    }
    const { slug, baseUrl, clientId, clientSecret, facts, grants, now } = this.context;
    const response = await endpoint.respond({
      baseUrl,
      clientId,
      clientSecret,
      nowMs: now(),
      form: form.all,
      json: parseJsonObject(call),
      query: query.all,
      headers: call.headers,
      parameters: matchPath(endpoint.path, call.path) ?? {},
      hookSecret: sandboxHookSecret(slug),
      bearerAccountId: bearer?.grant.accountId,
      endGrants: (accountId) => grants.endAll(accountId),
      remember: (fact) => facts.set(fact, true),
      has: (fact) => this.isRemembered(fact),
      forget: (fact) => void facts.delete(fact),
      kept: this.#kept,
      callBack,
    });
    return render(response);
  }
}

function render({ status, json }: SandboxEndpointResponse): FakeResponse {
  if (json === undefined) {
    return { status };
  }
  // A list has no fields that a misbehavior could change.
  return Array.isArray(json)
    ? { status, content: { text: JSON.stringify(json), type: 'application/json' } }
    : { status, content: { json: json as Readonly<Record<string, unknown>> } };
}

/** Calls a URL on this machine only, because a fake runs on the machine of a developer. */
async function callBack(
  url: string,
  { method, json, withinSeconds }: SandboxCallback,
): Promise<SandboxCallbackResponse | undefined> {
  if (!URL.canParse(url) || !/^(localhost|127\.\d+\.\d+\.\d+)$/.test(new URL(url).hostname)) {
    return undefined;
  }
  try {
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(withinSeconds * 1_000),
      ...(json === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) }),
    });
    return { status: response.status, text: await response.text() };
  } catch {
    return undefined;
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
