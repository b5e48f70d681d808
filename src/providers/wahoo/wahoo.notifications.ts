import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { eventIdOf, instantAt, textAt } from '../../provider-kit/notifications/event-fields.js';

/** Wahoo's webhook. Every request repeats a token in its body. */
export const wahooNotifications: Notifications = {
  channels: [
    {
      sends: [{ kind: 'data', name: 'event_type workout_summary' }],
      setup: {
        by: 'portal',
        scope: 'app',
        note: 'Set the URL and a webhook token in the developer portal, and the token as WAHOO_HOOK_SECRET. Users must grant offline_data.',
      },
      contentType: 'application/json',
      proof: { kind: 'token', tokens: [{ field: 'webhook_token', equals: 'hook-secret' }] },
      response: { status: 200 },
      retries: 'after 30 minutes, 4 hours, 24 hours and 72 hours',
      read: readWahooEvents,
      confidence: 'high',
      sources: [
        'https://cloud-api.wahooligan.com/#webhooks',
        'github:jimmykane/quantified-self@1d68a4b:functions/src/wahoo/webhook.ts',
      ],
    },
  ],
};

function readWahooEvents(body: unknown): NotifiedEvent[] {
  return [
    {
      kind: 'data',
      accountId: textAt(body, 'user.id'),
      dataType: textAt(body, 'event_type'),
      occurredAt: instantAt(body, 'workout_summary.updated_at', 'RFC 3339'),
      eventId: eventIdOf(textAt(body, 'workout_summary.id')),
    },
  ];
}
