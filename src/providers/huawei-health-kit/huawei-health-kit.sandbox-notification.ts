import { createHmac } from 'node:crypto';
import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** Huawei: HMAC-SHA256 over three fields, with a secret in base64. */
export const huaweiHealthKitSandboxNotification: SandboxNotify = ({
  kind,
  accountIds: [openId = ''],
  occurredAt,
  hookSecret,
}) => {
  const eventType = {
    deauthorized: 'USER_EVENT$REVOKE_ALL',
    account_deleted: 'USER_EVENT$DELETE_USER',
    data: 'ACTIVITY_RECORD_EVENT$UPDATE',
    permissions_changed: undefined,
  }[kind];
  if (eventType === undefined) {
    return undefined;
  }
  const eventTime = occurredAt.getTime();
  const signature = createHmac('sha256', Buffer.from(hookSecret, 'base64'))
    .update(`${openId}_${eventType}_${eventTime}`)
    .digest('base64');
  return {
    headers: { 'content-type': 'application/json', 'x-notification-signature': signature },
    body: JSON.stringify({ openId, eventType, eventTime }),
  };
};
