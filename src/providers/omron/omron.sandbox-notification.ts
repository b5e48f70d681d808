import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** OMRON: not signed. */
export const omronSandboxNotification: SandboxNotify = ({ kind, accountIds: [id], occurredAt, number }) =>
  kind === 'data'
    ? {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ id, timestamp: occurredAt.getTime() + number, type: 'bloodpressure' }),
      }
    : undefined;
