import { createHmac } from 'node:crypto';
import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** Suunto: HMAC-SHA256 over the body with the notification secret. */
export const suuntoSandboxNotification: SandboxNotify = ({ kind, accountIds: [username], number, hookSecret }) => {
  if (kind !== 'data') {
    return undefined;
  }
  const body = JSON.stringify({ type: 'WORKOUT_CREATED', username, workout: { workoutKey: `w${number}` } });
  const signature = createHmac('sha256', hookSecret).update(body).digest('hex');
  return { headers: { 'content-type': 'application/json', 'x-hmac-sha256-signature': signature }, body };
};
