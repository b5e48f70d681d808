import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { eventIdOf, instantAt, textAt } from '../../provider-kit/notifications/event-fields.js';

/** Polar's webhook, one for each app. It tells of data only. */
export const polarNotifications: Notifications = {
  subscriptions: {
    scope: 'app',
    url: 'https://www.polaraccesslink.com/v3/webhooks',
    proof: { by: 'client-basic' },
    topics: [
      {
        fields: {
          events: [
            'EXERCISE',
            'SLEEP',
            'CONTINUOUS_HEART_RATE',
            'SLEEP_WISE_CIRCADIAN_BEDTIME',
            'SLEEP_WISE_ALERTNESS',
            'ACTIVITY_SUMMARY',
            'PHYSICAL_INFORMATION',
          ],
        },
      },
    ],
    isOnlyOne: true,
    list: { method: 'GET', in: 'query' },
    create: { method: 'POST', in: 'json', fields: { url: '{callbackUrl}' }, sendsTopic: true },
    remove: { method: 'DELETE', path: '/{id}', in: 'query' },
    activate: { method: 'POST', path: '/activate', in: 'query' },
    response: {
      items: 'data',
      id: 'id',
      callbackUrl: 'url',
      active: 'active',
      secret: 'data.signature_secret_key',
    },
  },
  channels: [
    {
      sends: [{ kind: 'data', name: 'event EXERCISE, SLEEP and others' }],
      setup: {
        by: 'api',
        scope: 'app',
        note: 'Polar allows one webhook for each app and tells its secret once; Cufflink keeps it sealed. Set POLAR_HOOK_SECRET only if you have created the webhook yourself.',
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
      uncertain: [
        'The response of the list of webhooks before there is one; 404 is read as an empty list.',
        'Whether the call that activates a webhook is POST, as its documentation says, or GET, as generated clients have it.',
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
