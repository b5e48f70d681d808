import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { textAt } from '../../provider-kit/notifications/event-fields.js';

/** Hammerhead's webhook: it tells of new activities only. */
export const hammerheadNotifications: Notifications = {
  channels: [
    {
      sends: [{ kind: 'data', name: 'activityId and userId' }],
      setup: {
        by: 'portal',
        scope: 'app',
        note: 'Set the webhook URL in the developer account. Set its webhook secret as HAMMERHEAD_HOOK_SECRET.',
      },
      contentType: 'application/json',
      proof: {
        kind: 'hmac',
        header: 'x-hmac-signature',
        algorithm: 'sha256',
        encoding: 'hex-or-base64',
        secret: 'hook-secret',
        signed: 'body',
      },
      response: { status: 200 },
      retries: 'none known; Hammerhead does not promise that a notification arrives',
      read: readHammerheadEvents,
      confidence: 'medium',
      sources: ['https://api.hammerhead.io/v1/docs/openapi.yml'],
      uncertain: [
        'Whether the signature is in hex or base64; both are read.',
        'Where the URL is set, and which status Hammerhead expects.',
      ],
    },
  ],
};

function readHammerheadEvents(body: unknown): NotifiedEvent[] {
  return [
    { kind: 'data', accountId: textAt(body, 'userId'), dataType: 'activity', eventId: textAt(body, 'activityId') },
  ];
}
