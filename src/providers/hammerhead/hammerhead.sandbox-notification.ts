import { createHmac } from 'node:crypto';
import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** Hammerhead: HMAC-SHA256 over the body with the webhook secret. */
export const hammerheadSandboxNotification: SandboxNotify = ({ kind, accountIds: [userId], number, hookSecret }) => {
  if (kind !== 'data') {
    return undefined;
  }
  const body = JSON.stringify({ activityId: `${userId}.activity.${number}`, userId });
  const signature = createHmac('sha256', hookSecret).update(body).digest('hex');
  return { headers: { 'content-type': 'application/json', 'x-hmac-signature': signature }, body };
};
