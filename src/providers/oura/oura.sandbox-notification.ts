import { createHmac } from 'node:crypto';
import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** Oura: HMAC-SHA256 over timestamp and body, in upper-case hex. */
export const ouraSandboxNotification: SandboxNotify = ({
  kind,
  accountIds: [accountId],
  occurredAt,
  sentAt,
  number,
  clientSecret,
}) => {
  if (kind !== 'data') {
    return undefined;
  }
  const body = JSON.stringify({
    event_type: 'update',
    data_type: 'daily_sleep',
    object_id: `obj-${number}`,
    event_time: occurredAt.toISOString(),
    user_id: accountId,
  });
  const timestamp = String(Math.floor(sentAt.getTime() / 1_000));
  const signature = createHmac('sha256', clientSecret)
    .update(timestamp + body)
    .digest('hex')
    .toUpperCase();
  return {
    headers: { 'content-type': 'application/json', 'x-oura-signature': signature, 'x-oura-timestamp': timestamp },
    body,
  };
};
