import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** Strava: not signed, because the key of its signature is not published. */
export const stravaSandboxNotification: SandboxNotify = (occurred) => {
  const {
    kind,
    accountIds: [accountId],
    occurredAt,
    number,
  } = occurred;
  const owner = {
    owner_id: Number(accountId),
    event_time: Math.floor(occurredAt.getTime() / 1_000),
    subscription_id: occurred.isOfOtherApp ? 99_002 : 99_001,
  };
  const events = {
    deauthorized: {
      ...owner,
      aspect_type: 'update',
      object_id: Number(accountId),
      object_type: 'athlete',
      updates: { authorized: 'false' },
    },
    data: { ...owner, aspect_type: 'create', object_id: 88_000 + number, object_type: 'activity', updates: {} },
    account_deleted: undefined,
    permissions_changed: undefined,
  };
  const event = events[kind];
  return event && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) };
};
