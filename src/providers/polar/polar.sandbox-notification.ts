import { createHmac } from 'node:crypto';
import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** Polar: HMAC-SHA256 over the body with the secret of the webhook. */
export const polarSandboxNotification: SandboxNotify = ({
  kind,
  accountIds: [accountId],
  occurredAt,
  number,
  hookSecret,
}) => {
  if (kind !== 'data') {
    return undefined;
  }
  const body = JSON.stringify({
    event: 'EXERCISE',
    user_id: Number(accountId),
    entity_id: `e${number}`,
    timestamp: occurredAt.toISOString(),
    url: `https://www.polaraccesslink.com/v3/exercises/e${number}`,
  });
  const signature = createHmac('sha256', hookSecret).update(body).digest('hex');
  return { headers: { 'content-type': 'application/json', 'polar-webhook-signature': signature }, body };
};
