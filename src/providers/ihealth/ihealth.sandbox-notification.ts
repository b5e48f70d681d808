import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** iHealth: a list, not signed. */
export const ihealthSandboxNotification: SandboxNotify = ({ kind, accountIds, number }) =>
  kind === 'data'
    ? {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(
          accountIds.map((UserID) => ({
            CollectionType: 'bp',
            MDate: `2026-11-30 06:15:${number % 60}`,
            UserID,
            SubscriptionId: 'sub-1',
          })),
        ),
      }
    : undefined;
