import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** COROS: client id and secret in headers. */
export const corosSandboxNotification: SandboxNotify = ({ kind, accountIds, number, clientId, clientSecret }) => {
  if (kind !== 'data') {
    return undefined;
  }
  const sportDataList = accountIds.map((openId, index) => ({
    openId,
    labelId: `47${number}${index}`,
    mode: 8,
    subMode: 1,
  }));
  return {
    headers: { 'content-type': 'application/json', client: clientId, secret: clientSecret },
    body: JSON.stringify({ sportDataList }),
  };
};
