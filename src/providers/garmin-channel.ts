import {
  largestNotificationBytes,
  type NotificationChannel,
  type NotifiedEvent,
} from '../provider-kit/definition/notifications.js';
import { eventIdOf, instantAt, listAt, textAt } from '../provider-kit/notifications/event-fields.js';

/** Garmin's notifications in ping or push mode, in both versions of OAuth. */
export const garminChannel: Omit<NotificationChannel, 'proof' | 'uncertain'> = {
  sends: [
    { kind: 'deauthorized', name: 'deregistrations' },
    { kind: 'permissions_changed', name: 'userPermissionsChange' },
    { kind: 'data', name: 'dailies, sleeps, activities and others' },
  ],
  setup: {
    by: 'portal',
    scope: 'app',
    note: 'Set one URL for each type at https://apis.garmin.com/tools/endpoints. A production key requires the deregistration and the permission URL.',
  },
  contentType: 'application/json',
  maxBodyBytes: largestNotificationBytes,
  response: { status: 200, withinSeconds: 30 },
  retries: 'with growing pauses for 7 days; a URL that fails for 30 days is switched off',
  read: readGarminEvents,
  confidence: 'high',
  sources: [
    'github:RADAR-base/RADAR-Rest-Source-Auth@c4187d0:authorizer-app-backend/src/main/java/org/radarbase/authorizer/resources/SourceClientResource.kt',
    'github:jimmykane/quantified-self@1d68a4b:functions/src/garmin/auth/wrapper.ts',
    'https://github.com/the-momentum/open-wearables/pull/942',
  ],
};

/** A body that nobody can take. */
export const garminLargeBodies = 'Details of activities may have up to 100 MB in push mode; use ping mode for them.';

function readGarminEvents(body: unknown): NotifiedEvent[] {
  return Object.keys(typeof body === 'object' && body !== null ? body : {}).flatMap((type) =>
    listAt(body, type).map((item) => toEvent(type, item)),
  );
}

/** OAuth 1.0a: each event repeats the access token. */
function toEvent(type: string, item: unknown): NotifiedEvent {
  const user = { accountId: textAt(item, 'userId'), accessToken: textAt(item, 'userAccessToken') };
  switch (type) {
    case 'deregistrations':
      return { kind: 'deauthorized', ...user };
    case 'userPermissionsChange':
      return { kind: 'permissions_changed', ...user, occurredAt: instantAt(item, 'changeTimeInSeconds', 'seconds') };
    default: {
      const times = [textAt(item, 'uploadStartTimeInSeconds'), textAt(item, 'uploadEndTimeInSeconds')];
      return { kind: 'data', ...user, dataType: type, eventId: eventIdOf(textAt(item, 'summaryId'), ...times) };
    }
  }
}
