import { createHmac } from 'node:crypto';
import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** WHOOP: HMAC-SHA256 over timestamp and body. */
export const whoopSandboxNotification: SandboxNotify = ({
  kind,
  accountIds: [accountId],
  sentAt,
  number,
  clientSecret,
}) => {
  if (kind !== 'data') {
    return undefined;
  }
  const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  const body = JSON.stringify({ user_id: Number(accountId), id, type: 'sleep.updated', trace_id: id });
  const timestamp = String(sentAt.getTime());
  const signature = createHmac('sha256', clientSecret)
    .update(timestamp + body)
    .digest('base64');
  return {
    headers: {
      'content-type': 'application/json',
      'x-whoop-signature': signature,
      'x-whoop-signature-timestamp': timestamp,
    },
    body,
  };
};
