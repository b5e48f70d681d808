import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { instantAt, textAt } from '../../provider-kit/notifications/event-fields.js';

/** OMRON's notification. It is not signed. */
export const omronNotifications: Notifications = {
  channels: [
    {
      sends: [{ kind: 'data', name: 'type bloodpressure, activity, weight' }],
      setup: { by: 'contact', scope: 'app', note: 'Give OMRON the URL when you register.' },
      contentType: 'application/json',
      proof: { kind: 'none' },
      response: { status: 200 },
      retries: 'not known',
      read: readOmronEvents,
      confidence: 'low',
      sources: ['https://omronhealthcare-ohi.atlassian.net'],
      uncertain: ['The current page describes scheduled pulls only: the notification may no longer exist.'],
    },
  ],
};

function readOmronEvents(body: unknown): NotifiedEvent[] {
  const occurredAt = instantAt(body, 'timestamp', 'milliseconds');
  return [{ kind: 'data', accountId: textAt(body, 'id'), dataType: textAt(body, 'type'), occurredAt }];
}
