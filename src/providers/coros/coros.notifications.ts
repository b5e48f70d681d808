import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { eventIdOf, listAt, textAt } from '../../provider-kit/notifications/event-fields.js';

const accepted = { message: 'ok', result: '0000' };

/** COROS' workout push. Every request repeats the client secret in a header. */
export const corosNotifications: Notifications = {
  channels: [
    {
      sends: [{ kind: 'data', name: 'sportDataList' }],
      setup: { by: 'contact', scope: 'app', note: 'Give COROS the URL when you apply for the API.' },
      contentType: 'application/json',
      handshakes: [{ method: 'GET', status: 200, body: accepted }],
      proof: {
        kind: 'token',
        tokens: [
          { header: 'client', equals: 'client-id' },
          { header: 'secret', equals: 'client-secret' },
        ],
      },
      response: { status: 200, body: accepted },
      retries: 'after another result or 5xx; the schedule is not published',
      read: readCorosEvents,
      confidence: 'medium',
      sources: [
        'github:jimmykane/quantified-self@1d68a4b:functions/src/coros/queue.ts',
        'github:jimmykane/quantified-self@1d68a4b:docs/coros-integration.md',
      ],
    },
  ],
};

function readCorosEvents(body: unknown): NotifiedEvent[] {
  return listAt(body, 'sportDataList').map((item) => ({
    kind: 'data',
    accountId: textAt(item, 'openId'),
    dataType: 'sport',
    eventId: eventIdOf(textAt(item, 'labelId')),
  }));
}
