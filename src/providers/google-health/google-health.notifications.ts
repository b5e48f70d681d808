import type { Notifications, NotifiedEvent } from '../../provider-kit/definition/notifications.js';
import { listAt, textAt } from '../../provider-kit/notifications/event-fields.js';

/** Notifications of the Google Health API. */
export const googleHealthNotifications: Notifications = {
  channels: [
    {
      sends: [
        { kind: 'data', name: 'operation UPSERT' },
        { kind: 'deauthorized', name: 'operation DELETE; also sent when data is deleted, so it only starts a check' },
      ],
      setup: {
        by: 'portal',
        scope: 'app',
        note: 'Create a subscriber of the Google Cloud project with this URL, and with GOOGLE_HEALTH_HOOK_SECRET as endpointAuthorization.secret. The call needs a service account of yours.',
      },
      contentType: 'application/json',
      handshakes: [{ method: 'POST', field: 'type', value: 'verification', status: 200, unauthorizedStatus: 401 }],
      proof: {
        kind: 'ecdsa',
        headers: ['x-healthapi-signature', 'google-health-api-signature'],
        keysUrl: 'https://www.gstatic.com/googlehealthapi/webhooks/webhooks_public_keyset.json',
      },
      response: { status: 204 },
      retries: 'with growing pauses for 7 days',
      read: (body) => listAt(body).flatMap(toEvents),
      confidence: 'medium',
      sources: [
        'https://developers.google.com/health/webhooks',
        'github:the-momentum/open-wearables@44a268b:backend/app/services/providers/google/health_api/webhook_service.py',
      ],
      uncertain: [
        'Which of two names the header of the signature has; both are read.',
        'Whether notifications repeat endpointAuthorization.secret; only the check of the URL is compared with it.',
      ],
    },
  ],
};

function toEvents(item: unknown): NotifiedEvent[] {
  const accountId = textAt(item, 'data.healthUserId');
  const data: NotifiedEvent = { kind: 'data', accountId, dataType: textAt(item, 'data.dataType') };
  return textAt(item, 'data.operation') === 'DELETE'
    ? [data, { kind: 'deauthorized', accountId, isHint: true }]
    : [data];
}
