import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** Garmin in ping mode; each event repeats the access token. */
export const garminOauth1SandboxNotification: SandboxNotify = ({
  kind,
  accountIds,
  occurredAt,
  number,
  accessTokenOf,
}) => {
  const seconds = Math.floor(occurredAt.getTime() / 1_000);
  const items = accountIds.map((userId) => ({ userId, userAccessToken: accessTokenOf(userId) }));
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
  return body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
};
