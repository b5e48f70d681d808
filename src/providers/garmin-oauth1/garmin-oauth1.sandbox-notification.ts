import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';
import { garminSandboxBody } from '../garmin-sandbox-bodies.js';

/** Garmin in ping mode; each event repeats the access token. */
export const garminOauth1SandboxNotification: SandboxNotify = (event) => {
  const body = garminSandboxBody(
    event,
    event.accountIds.map((userId) => ({ userId, userAccessToken: event.accessTokenOf(userId) })),
  );
  return body === undefined ? undefined : { headers: { 'content-type': 'application/json' }, body };
};
