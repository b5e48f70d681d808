import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { eventIdOf, textAt } from '../../provider-kit/notifications/event-fields.js';

/** WHOOP's webhooks, model version v2. They tell of data only. */
export const whoopNotifications: Notifications = {
  channels: [
    {
      sends: [{ kind: 'data', name: 'type workout, sleep, recovery with .updated or .deleted' }],
      setup: {
        by: 'portal',
        scope: 'app',
        note: 'Set one webhook URL with model version v2 in the developer dashboard.',
      },
      contentType: 'application/json',
      proof: {
        kind: 'hmac',
        header: 'x-whoop-signature',
        algorithm: 'sha256',
        encoding: 'base64',
        secret: 'client-secret',
        signed: 'timestamp+body',
        timestamp: { header: 'x-whoop-signature-timestamp', unit: 'milliseconds', toleranceSeconds: 7_200 },
      },
      response: { status: 200, withinSeconds: 1 },
      retries: '5 times within about an hour',
      read: readWhoopEvents,
      confidence: 'high',
      sources: [
        'https://developer.whoop.com/docs/developing/webhooks',
        'github:the-momentum/open-wearables@44a268b:backend/app/services/providers/whoop/webhook_handler.py',
      ],
      uncertain: [
        'WHOOP names no tolerance for the timestamp, and not whether a repeated notification is signed again; two hours cover its repetitions.',
      ],
    },
  ],
};

function readWhoopEvents(body: unknown): NotifiedEvent[] {
  const type = textAt(body, 'type');
  const eventId = eventIdOf(type, textAt(body, 'id'), textAt(body, 'trace_id'));
  return [{ kind: 'data', accountId: textAt(body, 'user_id'), dataType: type?.split('.')[0], eventId }];
}
