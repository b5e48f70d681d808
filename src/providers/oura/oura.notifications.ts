import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { eventIdOf, instantAt, textAt } from '../../provider-kit/notifications/event-fields.js';

/** Oura's webhook subscriptions. They tell of data only. */
export const ouraNotifications: Notifications = {
  channels: [
    {
      sends: [{ kind: 'data', name: 'event_type create, update, delete with a data_type' }],
      setup: {
        by: 'api',
        scope: 'app',
        note: 'Choose a verification token and set it as OURA_HOOK_VERIFY_TOKEN. Then create a subscription for each kind of event and data with POST /v2/webhook/subscription. Renew each before its expiration_time.',
      },
      contentType: 'application/json',
      handshakes: [
        {
          method: 'GET',
          challenge: 'challenge',
          token: 'verification_token',
          responseField: 'challenge',
          wrongStatus: 401,
        },
      ],
      proof: {
        kind: 'hmac',
        header: 'x-oura-signature',
        algorithm: 'sha256',
        encoding: 'hex',
        secret: 'client-secret',
        signed: 'timestamp+body',
        timestamp: { header: 'x-oura-timestamp', unit: 'seconds', toleranceSeconds: 7_200 },
      },
      response: { status: 200, withinSeconds: 10 },
      retries: 'about 10 times within about an hour; 410 cancels the subscription',
      read: readOuraEvents,
      confidence: 'high',
      sources: [
        'github:api-evangelist/oura@c990b7e:openapi/_original/oura-oura-ring-api-openapi.yml',
        'github:the-momentum/open-wearables@44a268b:backend/app/services/providers/oura/webhook_service.py',
      ],
      uncertain: ['Oura names no tolerance for the timestamp; two hours cover its retries.'],
    },
  ],
};

function readOuraEvents(body: unknown): NotifiedEvent[] {
  return [
    {
      kind: 'data',
      accountId: textAt(body, 'user_id'),
      dataType: textAt(body, 'data_type'),
      occurredAt: instantAt(body, 'event_time', 'RFC 3339'),
      eventId: eventIdOf(textAt(body, 'event_type'), textAt(body, 'object_id')),
    },
  ];
}
