import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { eventIdOf, instantAt, textAt } from '../../provider-kit/notifications/event-fields.js';

/** Server-to-server notifications of Sign in with Apple. */
export const appleHealthNotifications: Notifications = {
  channels: [
    {
      sends: [
        { kind: 'deauthorized', name: 'consent-revoked' },
        { kind: 'account_deleted', name: 'account-deleted, account-delete' },
      ],
      setup: {
        by: 'portal',
        scope: 'app',
        note: 'Set the server-to-server notification endpoint of the primary App ID and its group.',
      },
      contentType: 'application/json',
      proof: {
        kind: 'jws',
        in: { field: 'payload' },
        keysUrl: 'https://appleid.apple.com/auth/keys',
        issuers: ['https://appleid.apple.com'],
        algorithms: ['RS256', 'ES256'],
      },
      response: { status: 200 },
      retries: 'not published',
      read: readAppleEvents,
      confidence: 'high',
      sources: [
        'https://developer.apple.com/documentation/signinwithapple/processing-changes-for-sign-in-with-apple-accounts',
        'https://developer.apple.com/forums/thread/655485',
      ],
      uncertain: ['The algorithm of the JWS is the one that its header names; RS256 is expected.'],
    },
  ],
};

/** The claim `events` is JSON inside a text. */
function readAppleEvents(claims: unknown): NotifiedEvent[] {
  const event = parse(textAt(claims, 'events'));
  const kinds = {
    'consent-revoked': 'deauthorized',
    'account-deleted': 'account_deleted',
    'account-delete': 'account_deleted',
  } as const;
  const type = textAt(event, 'type') ?? '';
  const kind = Object.hasOwn(kinds, type) ? kinds[type as keyof typeof kinds] : undefined;
  return kind === undefined
    ? []
    : [
        {
          kind,
          accountId: textAt(event, 'sub'),
          occurredAt: instantAt(event, 'event_time', 'milliseconds'),
          eventId: eventIdOf(textAt(claims, 'jti')),
        },
      ];
}

function parse(text = ''): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
