import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { eventIdOf, instantAt, textAt } from '../../provider-kit/notifications/event-fields.js';

/** Strava's push subscription, one for each app. Its notifications are not signed with a published key. */
export const stravaNotifications: Notifications = {
  checkUrl: 'https://www.strava.com/api/v3/athlete',
  subscriptions: {
    scope: 'app',
    url: 'https://www.strava.com/api/v3/push_subscriptions',
    proof: { by: 'client', in: 'fields', id: 'client_id', secret: 'client_secret' },
    topics: [{ fields: {} }],
    isOnlyOne: true,
    list: { method: 'GET', in: 'query' },
    create: {
      method: 'POST',
      in: 'form',
      fields: { callback_url: '{callbackUrl}', verify_token: '{verifyToken}' },
    },
    // The secret has to travel in the URL; the documented call knows no other way.
    remove: { method: 'DELETE', path: '/{id}', in: 'query' },
    response: { id: 'id', callbackUrl: 'callback_url' },
    maxUrlLength: 255,
  },
  channels: [
    {
      sends: [
        { kind: 'deauthorized', name: 'object_type athlete with updates.authorized "false"' },
        { kind: 'data', name: 'object_type activity, aspect_type create, update, delete' },
      ],
      setup: {
        by: 'api',
        scope: 'app',
        note: 'Choose a verify token and set it as STRAVA_HOOK_VERIFY_TOKEN. Strava allows one subscription for each app.',
      },
      contentType: 'application/json',
      handshakes: [
        {
          method: 'GET',
          challenge: 'hub.challenge',
          token: 'hub.verify_token',
          responseField: 'hub.challenge',
          wrongStatus: 403,
        },
      ],
      proof: { kind: 'none', names: { field: 'subscription_id', equals: 'subscription-id' } },
      response: { status: 200, withinSeconds: 2 },
      retries: 'three attempts in all',
      read: readStravaEvents,
      confidence: 'high',
      sources: [
        'https://developers.strava.com/docs/webhooks/',
        'https://github.com/the-momentum/open-wearables/pull/1393',
      ],
      uncertain: [
        'A header X-Strava-Signature is seen, but its key is not published and no known secret matches; it is not read.',
      ],
    },
  ],
};

function readStravaEvents(body: unknown): NotifiedEvent[] {
  const accountId = textAt(body, 'owner_id');
  const occurredAt = instantAt(body, 'event_time', 'seconds');
  const type = textAt(body, 'object_type');
  if (type === 'athlete') {
    return textAt(body, 'updates.authorized') === 'false' ? [{ kind: 'deauthorized', accountId, occurredAt }] : [];
  }
  const eventId = eventIdOf(textAt(body, 'aspect_type'), textAt(body, 'object_id'));
  return [{ kind: 'data', accountId, dataType: type, occurredAt, eventId }];
}
