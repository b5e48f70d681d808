import type { Notifications } from '../../provider-kit/definition/notifications.js';
import { garminChannel, garminLargeBodies } from '../garmin-channel.js';

/** Garmin's notifications. The header `garmin-client-id` is public and proves nothing. */
export const garminNotifications: Notifications = {
  channels: [
    {
      ...garminChannel,
      proof: { kind: 'none', names: { header: 'garmin-client-id', equals: 'client-id' } },
      // An access token in an event would be none of ours.
      read: (body) => garminChannel.read(body).map((event) => ({ ...event, accessToken: undefined })),
      uncertain: [garminLargeBodies],
    },
  ],
};
