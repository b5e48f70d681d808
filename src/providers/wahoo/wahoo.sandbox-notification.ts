import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** Wahoo: the webhook token in the body. */
export const wahooSandboxNotification: SandboxNotify = ({
  kind,
  accountIds: [accountId],
  occurredAt,
  number,
  hookSecret,
}) => {
  if (kind !== 'data') {
    return undefined;
  }
  const body = {
    event_type: 'workout_summary',
    webhook_token: hookSecret,
    user: { id: Number(accountId) },
    workout_summary: { id: number, updated_at: occurredAt.toISOString() },
  };
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
};
