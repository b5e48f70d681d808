import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { eventIdOf, listAt, textAt } from '../../provider-kit/notifications/event-fields.js';

/** Ride with GPS' webhook, at most 100 notifications in a request. */
export const rideWithGpsNotifications: Notifications = {
  channels: [
    {
      sends: [{ kind: 'data', name: 'item_type route, trip with action created, updated, deleted, added, removed' }],
      setup: {
        by: 'portal',
        scope: 'app',
        note: 'Set webhook_url and the types on the page of the API client. A missed notification is lost.',
      },
      contentType: 'application/json',
      proof: {
        kind: 'hmac',
        header: 'x-rwgps-signature',
        algorithm: 'sha256',
        encoding: 'hex',
        secret: 'client-secret',
        signed: 'body',
      },
      response: { status: 200, withinSeconds: 1 },
      retries: 'none',
      read: readRideWithGpsEvents,
      confidence: 'high',
      sources: ['github:ridewithgps/developers@d1bc48c:webhooks.md'],
      uncertain: ['That the secret is the client secret: an older text says OAuth secret.'],
    },
  ],
};

function readRideWithGpsEvents(body: unknown): NotifiedEvent[] {
  return listAt(body, 'notifications').map((item) => ({
    kind: 'data',
    accountId: textAt(item, 'user_id'),
    dataType: textAt(item, 'item_type'),
    eventId: eventIdOf(textAt(item, 'action'), textAt(item, 'item_id')),
  }));
}
