import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { eventIdOf, instantAt, textAt } from '../../provider-kit/notifications/event-fields.js';

/** Polar's webhook, one for each app. It tells of data only. */
export const polarNotifications: Notifications = {
  channels: [
    {
      sends: [{ kind: 'data', name: 'event EXERCISE, SLEEP and others' }],
      setup: {
        by: 'api',
        scope: 'app',
        note: 'Create the webhook with POST /v3/webhooks and your client id and secret. The response has signature_secret_key once: set it as POLAR_HOOK_SECRET. Polar switches a webhook off after 7 days without a success.',
      },
      contentType: 'application/json',
      handshakes: [{ method: 'POST', field: 'event', value: 'PING', status: 200 }],
      proof: {
        kind: 'hmac',
        header: 'polar-webhook-signature',
        algorithm: 'sha256',
        encoding: 'hex',
        secret: 'hook-secret',
        signed: 'body',
      },
      response: { status: 200 },
      retries: 'not published',
      read: readPolarEvents,
      confidence: 'high',
      sources: [
        'https://www.polar.com/accesslink-api/#webhooks',
        'github:the-momentum/open-wearables@44a268b:backend/app/services/providers/polar/webhook_service.py',
      ],
    },
  ],
};

function readPolarEvents(body: unknown): NotifiedEvent[] {
  return [
    {
      kind: 'data',
      accountId: textAt(body, 'user_id'),
      dataType: textAt(body, 'event')?.toLowerCase(),
      occurredAt: instantAt(body, 'timestamp', 'RFC 3339'),
      eventId: eventIdOf(textAt(body, 'entity_id')),
    },
  ];
}
