import type { SandboxEndpoint, SandboxEndpointCall } from '../../provider-kit/definition/sandbox-definition.js';

const path = '/v3/webhooks';

/**
 * Polar's webhook: one for each app, created after a PING. The response has the secret of its signatures, once.
 *
 * Assumed: the statuses, the encoding of client id and secret in the header, and that the list is empty without a
 * webhook. Milder than Polar: nothing switches a webhook off but a call.
 */
export const polarSandboxSubscriptions: readonly SandboxEndpoint[] = [
  {
    method: 'GET',
    path,
    respond: (call) =>
      isClient(call) ? { status: 200, json: { data: [...call.kept.values()] } } : { status: 401, json: {} },
  },
  {
    method: 'POST',
    path,
    respond: async (call) => {
      const { url, events } = call.json;
      if (!isClient(call)) {
        return { status: 401, json: {} };
      }
      if (typeof url !== 'string' || !Array.isArray(events) || events.length === 0) {
        return { status: 400, json: { error: 'url or events is missing' } };
      }
      if ([...call.kept.values()].length > 0) {
        return { status: 409, json: { error: 'a webhook exists' } };
      }
      const response = await call.callBack(url, { method: 'POST', json: { event: 'PING' }, withinSeconds: 10 });
      if (response?.status !== 200) {
        return { status: 400, json: { error: 'the ping was not answered with 200' } };
      }
      const id = 'wh7001';
      call.kept.set(id, { id, url, events: events as unknown[], active: true });
      return { status: 201, json: { data: { id, url, events, signature_secret_key: call.hookSecret } } };
    },
  },
  {
    method: 'POST',
    path: `${path}/activate`,
    respond: (call) => switchTo(call, true),
  },
  {
    method: 'POST',
    path: `${path}/deactivate`,
    respond: (call) => switchTo(call, false),
  },
  {
    method: 'DELETE',
    path: `${path}/{id}`,
    respond: (call) => {
      if (!isClient(call)) {
        return { status: 401, json: {} };
      }
      return { status: call.kept.delete(call.parameters['id'] ?? '') ? 204 : 404 };
    },
  },
];

function switchTo(call: SandboxEndpointCall, active: boolean): { readonly status: number } {
  if (!isClient(call)) {
    return { status: 401 };
  }
  for (const each of [...call.kept.values()]) {
    call.kept.set(String(each['id']), { ...each, active });
  }
  return { status: 200 };
}

function isClient({ headers, clientId, clientSecret }: SandboxEndpointCall): boolean {
  const encode = (part: string): string => new URLSearchParams({ part }).toString().slice('part='.length);
  const pair = Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64');
  return headers['authorization'] === `Basic ${pair}`;
}
