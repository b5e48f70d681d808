import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { eventIdOf, instantAt, textAt } from '../../provider-kit/notifications/event-fields.js';

const dataTypes = [
  'tag',
  'enhanced_tag',
  'workout',
  'session',
  'sleep',
  'daily_sleep',
  'daily_readiness',
  'daily_activity',
  'daily_spo2',
  'sleep_time',
  'rest_mode_period',
  'ring_configuration',
  'daily_stress',
  'daily_cardiovascular_age',
  'daily_resilience',
  'vo2_max',
  'meal',
];

/** Oura's webhook subscriptions. They tell of data only. */
export const ouraNotifications: Notifications = {
  subscriptions: {
    scope: 'app',
    url: 'https://api.ouraring.com/v2/webhook/subscription',
    proof: { by: 'client', in: 'headers', id: 'x-client-id', secret: 'x-client-secret' },
    topics: ['create', 'update', 'delete'].flatMap((event_type) =>
      dataTypes.map((data_type) => ({ fields: { event_type, data_type } })),
    ),
    list: { method: 'GET', in: 'query' },
    create: {
      method: 'POST',
      in: 'json',
      fields: { callback_url: '{callbackUrl}', verification_token: '{verifyToken}' },
      sendsTopic: true,
    },
    remove: { method: 'DELETE', path: '/{id}', in: 'query' },
    renew: { method: 'PUT', path: '/renew/{id}', in: 'query' },
    response: { id: 'id', callbackUrl: 'callback_url', expiresAt: 'expiration_time' },
  },
  channels: [
    {
      sends: [{ kind: 'data', name: 'event_type create, update, delete with a data_type' }],
      setup: {
        by: 'api',
        scope: 'app',
        note: 'Choose a verification token and set it as OURA_HOOK_VERIFY_TOKEN. There is one subscription for each kind of event and data.',
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
      uncertain: [
        'Oura names no tolerance for the timestamp; two hours cover its retries.',
        'How long a subscription lives; the field expiration_time counts.',
        'The 17 kinds of data: one more or less is refused by Oura and reported.',
      ],
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
