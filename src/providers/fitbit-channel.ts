import type { NotificationChannel, NotifiedEvent } from '../provider-kit/definition/notifications.js';
import { listAt, textAt } from '../provider-kit/notifications/event-fields.js';

/**
 * Notifications of both versions of the Fitbit Web API. The service has shut down; the facts remain for late ones.
 */
export const fitbitChannel: Omit<NotificationChannel, 'proof' | 'confidence'> = {
  sends: [
    { kind: 'deauthorized', name: 'collectionType userRevokedAccess' },
    { kind: 'data', name: 'collectionType activities, body, foods, sleep' },
  ],
  setup: {
    by: 'portal',
    scope: 'user',
    note: 'Set a subscriber URL in the portal. No subscriptions are created: the service has shut down.',
  },
  contentType: 'application/json',
  handshakes: [{ method: 'GET', code: 'verify', status: 204, wrongStatus: 404 }],
  response: { status: 204, withinSeconds: 5 },
  refusedStatus: 404,
  retries: 'not known',
  read: (body) => listAt(body).map(toEvent),
  sources: ['https://dev.fitbit.com/build/reference/web-api/subscription/delete-subscription'],
  uncertain: ['That a wrong signature gets 404 is from memory.'],
};

/** A withdrawal has a date and no time, so that it cannot be told from one before the last link. */
function toEvent(item: unknown): NotifiedEvent {
  const accountId = textAt(item, 'ownerId');
  const collection = textAt(item, 'collectionType');
  return collection === 'userRevokedAccess'
    ? { kind: 'deauthorized', accountId }
    : { kind: 'data', accountId, dataType: collection, eventId: textAt(item, 'date') };
}
