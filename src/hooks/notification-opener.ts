import { Injectable } from '@nestjs/common';
import type { NotificationSettings } from '../provider-kit/definition/notification-settings.js';
import type { NotificationChannel } from '../provider-kit/definition/notifications.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import { NotificationKeys } from '../provider-kit/notifications/notification-keys.js';
import {
  openNotification,
  type OpenedNotification,
  type ReceivedNotification,
} from '../provider-kit/notifications/open-notification.js';
import { SubscriptionIds } from '../subscriptions/subscription-ids.js';
import { SubscriptionSecrets } from '../subscriptions/subscription-secrets.js';

/** Verifies notifications with the operator's settings and the secrets that providers chose for our subscriptions. */
@Injectable()
export class NotificationOpener {
  constructor(
    private readonly keys: NotificationKeys,
    private readonly secrets: SubscriptionSecrets,
    private readonly ids: SubscriptionIds,
  ) {}

  /**
   * Verifies the proof of a notification, and reads its events.
   *
   * @param provider - the provider that the URL names
   * @param channel - one of its channels
   * @param received - the request
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError} or a provider error when it cannot be
   *   verified now; the provider sends it again
   */
  async open(
    provider: HealthProvider,
    channel: NotificationChannel,
    received: ReceivedNotification,
  ): Promise<OpenedNotification> {
    const { definition, settings } = provider;
    const { slug } = definition;
    const openWith = (own: Partial<NotificationSettings>): Promise<OpenedNotification> => {
      const notifications = { ...settings.notifications, ...own };
      return openNotification({ definition, settings: { ...settings, notifications } }, channel, received, this.keys);
    };
    if (channel.proof.kind === 'none' && channel.proof.names?.equals === 'subscription-id') {
      const opened = await openWith({ subscriptionId: await this.ids.find(slug) });
      return isRefusedAs(opened, 'misrouted') ? openWith({ subscriptionId: await this.ids.findAgain(slug) }) : opened;
    }
    const isChosen = definition.notifications?.subscriptions?.response.secret !== undefined;
    const secret = isChosen ? await this.secrets.find(slug) : undefined;
    if (secret !== undefined) {
      const opened = await openWith({ secret });
      if (!isRefusedAs(opened, 'forged') || settings.notifications.secret === undefined) {
        return opened;
      }
    }
    return openWith({});
  }
}

function isRefusedAs(opened: OpenedNotification, why: 'misrouted' | 'forged'): boolean {
  return opened.isRefused && opened.why === why;
}
