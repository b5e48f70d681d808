import { randomUUID } from 'node:crypto';
import type {
  SandboxEndpoint,
  SandboxEndpointCall,
  SandboxEndpointResponse,
} from '../../provider-kit/definition/sandbox-definition.js';

const path = '/api/v3/push_subscriptions';
const longestUrl = 255;

/**
 * Strava's push subscriptions: one for each app, created while the URL is checked. Client id and secret are in the form
 * or in the query.
 *
 * Assumed: 201 and 204, and that every refusal is 400. Milder than Strava: the URL may be http on this machine.
 */
export const stravaSandboxSubscriptions: readonly SandboxEndpoint[] = [
  {
    method: 'GET',
    path,
    respond: (call) =>
      isClient(call, call.query) ? { status: 200, json: [...call.kept.values()] } : refusal('client'),
  },
  {
    method: 'POST',
    path,
    respond: async (call) => {
      const { callback_url: url = '', verify_token: token = '' } = call.form;
      if (!isClient(call, call.form)) {
        return refusal('client');
      }
      if ([...call.kept.values()].length > 0) {
        return refusal('already exists');
      }
      if (url === '' || url.length > longestUrl || token === '' || !(await isConfirmed(call, url, token))) {
        return refusal('callback url');
      }
      const id = 99_001;
      call.kept.set(String(id), { id, callback_url: url, application_id: 1, resource_state: 2 });
      return { status: 201, json: { id } };
    },
  },
  {
    method: 'DELETE',
    path: `${path}/{id}`,
    respond: (call) => {
      if (!isClient(call, call.query)) {
        return refusal('client');
      }
      return { status: call.kept.delete(call.parameters['id'] ?? '') ? 204 : 404 };
    },
  },
];

async function isConfirmed(call: SandboxEndpointCall, url: string, token: string): Promise<boolean> {
  const challenge = randomUUID();
  const query = new URLSearchParams({
    'hub.mode': 'subscribe',
    'hub.challenge': challenge,
    'hub.verify_token': token,
  });
  const response = await call.callBack(`${url}?${query.toString()}`, { method: 'GET', withinSeconds: 2 });
  return response?.status === 200 && response.text === JSON.stringify({ 'hub.challenge': challenge });
}

function isClient(call: SandboxEndpointCall, fields: Readonly<Record<string, string>>): boolean {
  return fields['client_id'] === call.clientId && fields['client_secret'] === call.clientSecret;
}

function refusal(field: string): SandboxEndpointResponse {
  const errors = [{ resource: 'PushSubscription', field, code: 'invalid' }];
  return { status: 400, json: { message: 'Bad Request', errors } };
}
