import { randomUUID } from 'node:crypto';
import type { SandboxEndpoint, SandboxEndpointCall } from '../../provider-kit/definition/sandbox-definition.js';

const path = '/v2/webhook/subscription';
const lifeMs = 30 * 86_400_000;

/**
 * Oura's webhook subscriptions: one for each kind of event and data, created while the URL is checked. Client id and
 * secret are in headers.
 *
 * Assumed: that a subscription lives for 30 days, and the statuses of refusals other than 409.
 */
export const ouraSandboxSubscriptions: readonly SandboxEndpoint[] = [
  {
    method: 'GET',
    path,
    respond: (call) => (isClient(call) ? { status: 200, json: [...call.kept.values()] } : { status: 401 }),
  },
  {
    method: 'POST',
    path,
    respond: async (call) => {
      const { callback_url: url, verification_token: token, event_type: event, data_type: data } = call.json;
      if (!isClient(call)) {
        return { status: 401 };
      }
      if (
        typeof url !== 'string' ||
        typeof token !== 'string' ||
        !['create', 'update', 'delete'].includes(String(event))
      ) {
        return { status: 422, json: { detail: 'a field is missing' } };
      }
      if ([...call.kept.values()].some((each) => each['event_type'] === event && each['data_type'] === data)) {
        return { status: 409, json: { detail: 'exists' } };
      }
      const challenge = randomUUID();
      const query = new URLSearchParams({ verification_token: token, challenge });
      const response = await call.callBack(`${url}?${query.toString()}`, { method: 'GET', withinSeconds: 10 });
      if (response?.status !== 200 || response.text !== JSON.stringify({ challenge })) {
        return { status: 400, json: { detail: 'the callback was not verified' } };
      }
      const id = randomUUID();
      const made = { id, callback_url: url, event_type: event, data_type: data, expiration_time: inOneLife(call) };
      call.kept.set(id, made);
      return { status: 201, json: made };
    },
  },
  {
    method: 'PUT',
    path: `${path}/renew/{id}`,
    respond: (call) => {
      const known = call.kept.get(call.parameters['id'] ?? '');
      if (!isClient(call) || known === undefined) {
        return { status: isClient(call) ? 404 : 401 };
      }
      const renewed = { ...known, expiration_time: inOneLife(call) };
      call.kept.set(String(known['id']), renewed);
      return { status: 200, json: renewed };
    },
  },
  {
    method: 'DELETE',
    path: `${path}/{id}`,
    respond: (call) => {
      if (!isClient(call)) {
        return { status: 401 };
      }
      return { status: call.kept.delete(call.parameters['id'] ?? '') ? 204 : 404 };
    },
  },
];

function isClient({ headers, clientId, clientSecret }: SandboxEndpointCall): boolean {
  return headers['x-client-id'] === clientId && headers['x-client-secret'] === clientSecret;
}

function inOneLife({ nowMs }: SandboxEndpointCall): string {
  return new Date(nowMs + lifeMs).toISOString();
}
