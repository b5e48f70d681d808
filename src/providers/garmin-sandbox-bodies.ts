import type { SandboxEvent } from '../provider-kit/definition/sandbox-notification.js';

/**
 * The body that Garmin sends for an event, in ping mode; `undefined` when it sends none.
 *
 * @param items - one for each account, with what every event of it has
 */
export function garminSandboxBody(
  { kind, occurredAt, number }: Pick<SandboxEvent, 'kind' | 'occurredAt' | 'number'>,
  items: readonly Readonly<Record<string, string>>[],
): string | undefined {
  const seconds = Math.floor(occurredAt.getTime() / 1_000);
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
  return body && JSON.stringify(body);
}
