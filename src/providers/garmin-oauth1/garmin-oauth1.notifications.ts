import type { Notifications } from '../../provider-kit/definition/notifications.js';
import { garminChannel, garminLargeBodies } from '../garmin-channel.js';

/** Garmin sends the access token of OAuth 1.0a with each event, which proves it. */
export const garminOauth1Notifications: Notifications = {
  channels: [
    {
      ...garminChannel,
      proof: { kind: 'access-token' },
      uncertain: ['Whether a change of permissions repeats the access token.', garminLargeBodies],
    },
  ],
};
