import { createHash } from 'node:crypto';
import type { SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { Refusal, type FakeResponse } from '../http/fake-response.js';
import type { IncomingCall } from '../http/incoming-call.js';
import { isBelow } from '../http/routing.js';

/** Headers about the caller and the connection, not about the call. */
const unremarkable = ['authorization', 'connection', 'content-length', 'host', 'transfer-encoding'];

/** Returns whether a call is for the provider's API, if no other endpoint takes it. */
export function isDataCall({ apiBasePath, apiPath }: SandboxDefinition, { path }: IncomingCall): boolean {
  return isBelow(path, apiPath) || (apiBasePath !== undefined && path.startsWith(`${apiBasePath}/`));
}

/**
 * Responds to a call of the API with a valid token. The fake has no measurements: it returns the received request.
 *
 * @throws {@link Refusal} 401 when a header is missing that the provider requires beside the token
 */
export function dataResponse(definition: SandboxDefinition, call: IncomingCall, accountId: string): FakeResponse {
  const { apiHeaders = [] } = definition;
  const missing = apiHeaders.find((name) => !call.headers[name.toLowerCase()]);
  if (missing !== undefined) {
    throw new Refusal(401, 'invalid_request', `the header ${missing} is missing`);
  }
  const hidden = new Set([...unremarkable, ...apiHeaders.map((name) => name.toLowerCase())]);
  const headers = Object.fromEntries(Object.entries(call.headers).filter(([name]) => !hidden.has(name)));
  const { method, path, bytes } = call;
  const tokenParameter = definition.oauth === '2.0' ? definition.apiTokenParameter : undefined;
  const query = call.query.split('&').filter((pair) => pair.split('=', 1)[0] !== tokenParameter);
  const body = { body_bytes: bytes.length, body_sha256: createHash('sha256').update(bytes).digest('hex') };
  const json = {
    ok: true,
    account_id: accountId,
    note: 'This is the sandbox, not the provider: it has no data, and tells what it received.',
    received: { method, path, query: query.join('&'), headers, ...body },
  };
  return { status: 200, content: { json } };
}
