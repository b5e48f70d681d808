import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** Garmin in ping mode; nothing is signed. */
export const garminSandboxNotification: SandboxNotify = ({ kind, accountIds, occurredAt, number, clientId }) => {
  const seconds = Math.floor(occurredAt.getTime() / 1_000);
  const items = accountIds.map((userId) => ({ userId }));
  const bodies = {
    deauthorized: { deregistrations: items },
    permissions_changed: {
      userPermissionsChange: items.map((item) => ({
        ...item,
        permissions: ['HEALTH_EXPORT'],
        changeTimeInSeconds: seconds,
      })),
    },
    data: {
      dailies: items.map((item) => ({
        ...item,
        uploadStartTimeInSeconds: seconds,
        uploadEndTimeInSeconds: seconds + number,
      })),
    },
    account_deleted: undefined,
  };
  const body = bodies[kind];
  return (
    body && {
      headers: { 'content-type': 'application/json', 'garmin-client-id': clientId },
      body: JSON.stringify(body),
    }
  );
};
