import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { eventIdOf, listAt, textAt } from '../../provider-kit/notifications/event-fields.js';

/** iHealth's subscriptions. They are not signed. */
export const ihealthNotifications: Notifications = {
  channels: [
    {
      sends: [{ kind: 'data', name: 'CollectionType bp, glucose, weight and others' }],
      setup: { by: 'portal', scope: 'app', note: 'Set the webhook URL on the application page, and enable it.' },
      contentType: 'application/json',
      proof: { kind: 'none' },
      response: { status: 200 },
      retries: 'two more times',
      read: readIhealthEvents,
      confidence: 'high',
      sources: ['https://developer.ihealthlabs.com/dev_documentation_iHealthSubscriptionsAPI.htm'],
    },
  ],
};

function readIhealthEvents(body: unknown): NotifiedEvent[] {
  return listAt(body).map((item) => ({
    kind: 'data',
    accountId: textAt(item, 'UserID'),
    dataType: textAt(item, 'CollectionType'),
    eventId: eventIdOf(textAt(item, 'MDate')),
  }));
}
