import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { instantAt, textAt } from '../../provider-kit/notifications/event-fields.js';

/** Huawei Health Kit's notifications. The signature covers three fields, and nothing else of the body is read. */
export const huaweiHealthKitNotifications: Notifications = {
  channels: [
    {
      sends: [
        { kind: 'deauthorized', name: 'USER_EVENT$REVOKE_ALL' },
        { kind: 'account_deleted', name: 'USER_EVENT$DELETE_USER' },
        { kind: 'deauthorized', name: 'USER_EVENT$REFRESH_TOKEN_INVALID; no withdrawal, so it only starts a check' },
        { kind: 'data', name: 'ACTIVITY_RECORD_EVENT$UPDATE and others' },
      ],
      setup: {
        by: 'portal',
        scope: 'user',
        note: 'Register as a subscriber on the Health Service Kit card, and set its secret as HUAWEI_HEALTH_KIT_HOOK_SECRET. The fields of a subscription were not read, so none is created.',
      },
      contentType: 'application/json',
      proof: {
        kind: 'hmac',
        header: 'x-notification-signature',
        algorithm: 'sha256',
        encoding: 'base64',
        secret: 'hook-secret',
        secretIsBase64: true,
        signed: { fields: ['openId', 'eventType', 'eventTime'], separator: '_' },
      },
      response: { status: 204 },
      retries: 'not known',
      read: readHuaweiEvents,
      confidence: 'high',
      sources: [
        'https://developer.huawei.com/consumer/cn/doc/HMSCore-Guides/subscription-0000001078496860',
        'https://developer.huawei.com/consumer/cn/doc/HMSCore-References/subscriber-event-0000001076878214',
      ],
      uncertain: ['The request of the connectivity test of the portal; it must get 204.'],
    },
  ],
};

function readHuaweiEvents(body: unknown): NotifiedEvent[] {
  const type = textAt(body, 'eventType') ?? '';
  const event = { accountId: textAt(body, 'openId'), occurredAt: instantAt(body, 'eventTime', 'milliseconds') };
  switch (type) {
    case 'USER_EVENT$REVOKE_ALL':
      return [{ ...event, kind: 'deauthorized' }];
    case 'USER_EVENT$DELETE_USER':
      return [{ ...event, kind: 'account_deleted' }];
    case 'USER_EVENT$REFRESH_TOKEN_INVALID':
      return [{ ...event, kind: 'deauthorized', isHint: true }];
    default:
      return [
        {
          ...event,
          kind: 'data',
          dataType: type
            ?.split('$')[0]
            ?.replace(/_EVENT$/, '')
            .toLowerCase(),
        },
      ];
  }
}
