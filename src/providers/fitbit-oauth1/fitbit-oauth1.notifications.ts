import type { Notifications } from '../../provider-kit/definition/notifications.js';
import { fitbitChannel } from '../fitbit-channel.js';

/** Subscriptions of the Fitbit Web API with OAuth 1.0a. */
export const fitbitOauth1Notifications: Notifications = {
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
      confidence: 'low',
    },
  ],
};
