import { createHmac } from 'node:crypto';
import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** Ride with GPS: HMAC-SHA256 over the body. */
export const rideWithGpsSandboxNotification: SandboxNotify = ({ kind, accountIds, number, clientSecret }) => {
  if (kind !== 'data') {
    return undefined;
  }
  const notifications = accountIds.map((accountId) => ({
    user_id: Number(accountId),
    item_type: 'trip',
    item_id: number,
    item_user_id: Number(accountId),
    action: 'created',
    collection: null,
  }));
  const body = JSON.stringify({ notifications });
  const signature = createHmac('sha256', clientSecret).update(body).digest('hex');
  return { headers: { 'content-type': 'application/json', 'x-rwgps-signature': signature }, body };
};
