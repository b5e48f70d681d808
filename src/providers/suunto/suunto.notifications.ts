import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { eventIdOf, textAt } from '../../provider-kit/notifications/event-fields.js';

/** Suunto's notifications. They tell of data only, and some carry it. */
export const suuntoNotifications: Notifications = {
  channels: [
    {
      sends: [{ kind: 'data', name: 'type WORKOUT_CREATED, ROUTE_CREATED, SUUNTO_247_SLEEP_CREATED and others' }],
      setup: {
        by: 'portal',
        scope: 'app',
        note: 'Set the notification URLs and a notification secret in the OAuth settings of the API zone, and the secret as SUUNTO_HOOK_SECRET.',
      },
      contentType: 'application/json',
      proof: {
        kind: 'hmac',
        header: 'x-hmac-sha256-signature',
        algorithm: 'sha256',
        encoding: 'hex',
        secret: 'hook-secret',
        signed: 'body',
      },
      response: { status: 200, withinSeconds: 2 },
      retries: 'with growing pauses; many failures stop all notifications for a while',
      read: readSuuntoEvents,
      confidence: 'high',
      sources: [
        'https://suunto-api.developer.azure-api.net/webhooks',
        'github:jimmykane/quantified-self@1d68a4b:functions/src/suunto/webhook-signature.ts',
      ],
      uncertain: ['That the field user of the token response is the username of a notification.'],
    },
  ],
};

function readSuuntoEvents(body: unknown): NotifiedEvent[] {
  const dataType = textAt(body, 'type')
    ?.replace(/^SUUNTO_247_/, '')
    .replace(/_CREATED$/, '')
    .toLowerCase();
  const eventId = eventIdOf(textAt(body, 'workout.workoutKey'), textAt(body, 'route.id'));
  return [{ kind: 'data', accountId: textAt(body, 'username'), dataType, eventId }];
}
