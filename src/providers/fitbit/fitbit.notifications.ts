import type { Notifications } from '../../provider-kit/definition/notifications.js';
import { fitbitChannel } from '../fitbit-channel.js';

/** Subscriptions of the Fitbit Web API with OAuth 2.0. */
export const fitbitNotifications: Notifications = {
  channels: [
    {
      ...fitbitChannel,
      proof: {
        kind: 'hmac',
        header: 'x-fitbit-signature',
        algorithm: 'sha1',
        encoding: 'base64',
        secret: 'client-secret',
        secretSuffix: '&',
        signed: 'body',
      },
      confidence: 'medium',
    },
  ],
};
