import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';
import { garminSandboxBody } from '../garmin-sandbox-bodies.js';

/** Garmin in ping mode; nothing is signed. */
export const garminSandboxNotification: SandboxNotify = (event) => {
  const body = garminSandboxBody(
    event,
    event.accountIds.map((userId) => ({ userId })),
  );
  return body === undefined
    ? undefined
    : { headers: { 'content-type': 'application/json', 'garmin-client-id': event.clientId }, body };
};
