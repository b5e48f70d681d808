import { createHmac } from 'node:crypto';
import type { SandboxNotify } from '../provider-kit/definition/sandbox-notification.js';

/** Fitbit: HMAC-SHA1 with the client secret and "&". */
export const fitbitSandboxNotification: SandboxNotify = ({ kind, accountIds, occurredAt, clientSecret }) => {
  if (kind !== 'deauthorized' && kind !== 'data') {
    return undefined;
  }
  const collectionType = kind === 'data' ? 'sleep' : 'userRevokedAccess';
  const date = occurredAt.toISOString().slice(0, 10);
  const body = JSON.stringify(
    accountIds.map((ownerId) => ({
      collectionType,
      date,
      ownerId,
      ownerType: 'user',
      subscriptionId: `cf-${ownerId}`,
    })),
  );
  const signature = createHmac('sha1', `${clientSecret}&`).update(body).digest('base64');
  return { headers: { 'content-type': 'application/json', 'x-fitbit-signature': signature }, body };
};
