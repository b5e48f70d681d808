import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { eventIdOf, textAt } from '../../provider-kit/notifications/event-fields.js';

/** The category of events about the user. */
const userCategory = '46';

/** Names for the categories of Withings' data (`appli`). */
const dataTypes: Readonly<Record<string, string>> = {
  1: 'weight',
  2: 'temperature',
  4: 'blood_pressure',
  16: 'activity',
  44: 'sleep',
  50: 'bed_in',
  51: 'bed_out',
  52: 'bed_inflate',
  54: 'ecg',
  55: 'ecg',
  58: 'glucose',
  62: 'hrv',
};

/** The categories of each user's subscriptions, by the scope that they need. */
const categories: Readonly<Record<string, readonly string[]>> = {
  'user.info': [userCategory],
  'user.metrics': ['1', '2', '4', '54', '58', '62'],
  'user.activity': ['16', '44'],
  'user.sleepevents': ['50', '51', '52'],
};

/** Withings' notifications, one subscription for each user and category. They are not signed. */
export const withingsNotifications: Notifications = {
  checkUrl: 'https://wbsapi.withings.net/notify?action=list',
  subscriptions: {
    scope: 'user',
    url: 'https://wbsapi.withings.net/notify',
    proof: { by: 'user' },
    topics: Object.entries(categories).flatMap(([scope, numbers]) =>
      numbers.map((appli) => ({ fields: { appli }, scope })),
    ),
    list: { method: 'POST', in: 'form', fields: { action: 'list' } },
    create: {
      method: 'POST',
      in: 'form',
      fields: { action: 'subscribe', callbackurl: '{callbackUrl}' },
      sendsTopic: true,
    },
    remove: {
      method: 'POST',
      in: 'form',
      fields: { action: 'revoke', callbackurl: '{callbackUrl}' },
      sendsTopic: true,
    },
    response: { items: 'body.profiles', callbackUrl: 'callbackurl' },
    maxUrlLength: 255,
  },
  channels: [
    {
      sends: [
        { kind: 'deauthorized', name: 'appli 46, action unlink' },
        { kind: 'account_deleted', name: 'appli 46, action delete' },
        { kind: 'data', name: 'other values of appli' },
      ],
      setup: {
        by: 'api',
        scope: 'user',
        note: 'Each user is subscribed to each category that the scopes allow. The URL must be https on port 443 with a domain name.',
      },
      contentType: 'application/x-www-form-urlencoded',
      handshakes: [{ method: 'HEAD', status: 200 }],
      proof: { kind: 'none' },
      response: { status: 200, withinSeconds: 2 },
      retries: '5 rounds of 2 tries, within about 5 hours',
      read: readWithingsEvents,
      confidence: 'high',
      sources: [
        'https://developer.withings.com/developer-guide/v3/integration-guide/bulkship-sdk/data-api/notifications/notification-subscribe',
        'https://developer.withings.com/developer-guide/v3/integration-guide/bulkship-sdk/data-api/notifications/notification-content',
      ],
      uncertain: [
        'After how many failures a subscription is canceled: 20 days of failures, or 4 in a row by an older page.',
        'One project no longer trusts appli 46.',
        'Whether the list of subscriptions, which is the check, also takes GET.',
        'Whether the list has all categories when none is named, as the documentation says.',
        'Which scope each category needs, beyond user.info for appli 46.',
      ],
    },
  ],
};

function readWithingsEvents(body: unknown): NotifiedEvent[] {
  const accountId = textAt(body, 'userid');
  const category = textAt(body, 'appli');
  if (category === userCategory) {
    switch (textAt(body, 'action') ?? '') {
      case 'unlink':
        return [{ kind: 'deauthorized', accountId }];
      case 'delete':
        return [{ kind: 'account_deleted', accountId }];
      default:
        return [{ kind: 'data', accountId, dataType: 'user' }];
    }
  }
  const eventId = eventIdOf(textAt(body, 'startdate'), textAt(body, 'enddate'), textAt(body, 'date'));
  return [{ kind: 'data', accountId, dataType: dataTypes[category ?? ''] ?? category, eventId }];
}
