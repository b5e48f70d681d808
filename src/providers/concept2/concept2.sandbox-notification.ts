import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** Concept2: not signed. */
export const concept2SandboxNotification: SandboxNotify = ({ kind, accountIds: [accountId], number }) =>
  kind === 'data'
    ? {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          type: 'result-added',
          result: { id: number, user_id: Number(accountId), distance: 2000 },
        }),
      }
    : undefined;
