import type {
  SandboxEndpoint,
  SandboxEndpointCall,
  SandboxEndpointResponse,
} from '../../provider-kit/definition/sandbox-definition.js';

const path = '/notify';
const longestUrl = 255;

/**
 * Withings' notifications: one subscription for each user and category, created after a HEAD of the URL. Every response
 * is HTTP 200 with a status in its body.
 *
 * Assumed: the statuses of refusals, and that the list takes GET too. Milder than Withings: the URL may be http on this
 * machine, on any port.
 */
export const withingsSandboxSubscriptions: readonly SandboxEndpoint[] = [
  {
    method: 'GET',
    path,
    respond: (call) => (call.query['action'] === 'list' ? list(call) : { status: 200, json: { status: 2554 } }),
  },
  {
    method: 'POST',
    path,
    respond: (call) => {
      switch (call.form['action'] ?? '') {
        case 'subscribe':
          return subscribe(call);
        case 'list':
          return list(call);
        case 'revoke':
          return revoke(call);
        default:
          return { status: 200, json: { status: 2554 } };
      }
    },
  },
];

async function subscribe(call: SandboxEndpointCall): Promise<SandboxEndpointResponse> {
  const { callbackurl: url = '', appli = '' } = call.form;
  const account = call.bearerAccountId;
  if (account === undefined) {
    return { status: 200, json: { status: 401 } };
  }
  const checked =
    url.length <= longestUrl && /^\d{1,3}$/.test(appli)
      ? await call.callBack(url, { method: 'HEAD', withinSeconds: 2 })
      : undefined;
  if (checked === undefined || checked.status >= 300) {
    return { status: 200, json: { status: 293 } };
  }
  call.kept.set(idOf(call, account), { account, appli: Number(appli), callbackurl: url });
  return { status: 200, json: { status: 0, body: {} } };
}

function list({ bearerAccountId: account, kept }: SandboxEndpointCall): SandboxEndpointResponse {
  if (account === undefined) {
    return { status: 200, json: { status: 401 } };
  }
  const profiles = [...kept.values()]
    .filter((each) => each['account'] === account)
    .map(({ appli, callbackurl }) => ({ appli, callbackurl }));
  return { status: 200, json: { status: 0, body: { profiles } } };
}

function revoke(call: SandboxEndpointCall): SandboxEndpointResponse {
  const account = call.bearerAccountId;
  if (account === undefined) {
    return { status: 200, json: { status: 401 } };
  }
  const isGone = call.kept.delete(idOf(call, account));
  return { status: 200, json: isGone ? { status: 0, body: {} } : { status: 294 } };
}

function idOf({ form }: SandboxEndpointCall, account: string): string {
  return `${account} ${form['appli']} ${form['callbackurl']}`;
}
