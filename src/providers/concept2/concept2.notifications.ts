import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { eventIdOf, textAt } from '../../provider-kit/notifications/event-fields.js';

/** The Concept2 Logbook's webhook. It is not signed. */
export const concept2Notifications: Notifications = {
  channels: [
    {
      sends: [{ kind: 'data', name: 'type result-added, result-updated' }],
      setup: { by: 'portal', scope: 'app', note: 'Set the webhook URL on the developer page.' },
      contentType: 'application/json',
      proof: { kind: 'none' },
      response: { status: 200 },
      retries: 'not known',
      read: readConcept2Events,
      confidence: 'medium',
      sources: ['https://log.concept2.com/developers/documentation/'],
      uncertain: [
        'Whether the body is wrapped in data; both shapes are read.',
        'Whether the URL is checked with GET; one implementation expects that.',
        'result-deleted names no user, so it is not passed on.',
      ],
    },
  ],
};

function readConcept2Events(body: unknown): NotifiedEvent[] {
  const accountId = textAt(body, 'result.user_id|data.result.user_id');
  const eventId = eventIdOf(textAt(body, 'type|data.type'), textAt(body, 'result.id|data.result.id'));
  return [{ kind: 'data', accountId, dataType: 'result', eventId }];
}
