import { describe, expect, it } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import type { FakeProvider } from '../../sandbox/fake-provider.js';
import type { PublicJsonClient } from '../client/public-json-client.js';
import type { NotificationSettings } from '../definition/notification-settings.js';
import type { NotificationKind, Notifications } from '../definition/notifications.js';
import type { SandboxNotification } from '../definition/sandbox-notification.js';
import type { HealthProvider } from '../health-provider.js';
import { textAt } from '../notifications/event-fields.js';
import { NotificationKeys } from '../notifications/notification-keys.js';
import { openNotification, type OpenedNotification } from '../notifications/open-notification.js';

/** The part of the contract's bench that the cases about notifications need. */
export interface NotificationBench {
  readonly fake: FakeProvider;
  readonly client: PublicJsonClient;
  provider(): HealthProvider;
  link(options: { readonly account: string }): Promise<unknown>;
}

const kinds: readonly NotificationKind[] = ['deauthorized', 'account_deleted', 'permissions_changed', 'data'];
const account = '70017001';

/**
 * The contract of notifications: the fake signs one as documented, and the definition verifies and reads it.
 */
export function describeNotifications({ channels }: Notifications, bench: NotificationBench): void {
  const [channel] = channels;
  if (channel === undefined) {
    throw new Error('Notifications need a channel.');
  }
  const { proof } = channel;
  // The stored token of the connection decides, which the provider itself does not know.
  const isByStoredToken = proof.kind === 'access-token';

  describe('notifications', () => {
    it('are read as the fake sends them, with their proof', async () => {
      await bench.link({ account });
      let sent = 0;
      for (const kind of kinds) {
        for (const notification of await prepare(kind)) {
          const opened = await open(notification);
          const proves = await bench.fake.notifier.proves(kind, account);
          expect(opened).toMatchObject({ isRefused: false, isProven: proves && !isByStoredToken });
          const events = opened.isRefused ? [] : opened.events;
          const tokens = isByStoredToken ? [expect.any(String)] : [undefined];
          expect([...new Set(events.map(({ accessToken }) => accessToken))]).toEqual(tokens);
          expect(events.map((event) => event.kind)).toContain(kind);
          expect(new Set(events.map(({ accountId }) => accountId))).toEqual(new Set([account]));
          sent += 1;
        }
      }
      expect(sent).toBeGreaterThan(0);
    });

    it('are never proven with another secret, another account, or without headers', async () => {
      for (const kind of kinds) {
        const proves = !isByStoredToken && (await bench.fake.notifier.proves(kind, account));
        for (const notification of [...(await prepare(kind)), ...(await prepare(kind, true))]) {
          const altered = notification.body.replaceAll(account, '70017002');
          const wrong: readonly SandboxNotification[] = [
            // Repeated secrets prove nothing about the rest of the request.
            ...(altered === notification.body || proof.kind === 'token' ? [] : [{ ...notification, body: altered }]),
            ...(proof.kind === 'jws' || (proof.kind === 'token' && proof.tokens.some((token) => 'field' in token))
              ? []
              : [{ ...notification, headers: {} }]),
          ];
          for (const each of wrong) {
            expect(await open(each)).toMatchObject(proves ? { isRefused: true, why: 'forged' } : { isProven: false });
          }
        }
        for (const forged of await prepare(kind, true)) {
          expect(await open(forged)).toMatchObject(proves ? { isRefused: true, why: 'forged' } : { isProven: false });
        }
      }
    });

    it('are refused where they name another app, and taken where they name this one', async () => {
      const named = proof.kind === 'none' ? proof.names : undefined;
      for (const kind of kinds) {
        const [ours] = await prepare(kind);
        const [other] = await bench.fake.notifier.prepare({ kind, accountIds: [account], isOfOtherApp: true });
        if (ours === undefined || other === undefined || !(await bench.fake.notifier.namesApp(kind, account))) {
          continue;
        }
        const subscriptionId = named?.equals === 'subscription-id' ? textAt(JSON.parse(ours.body), named.field) : '';
        expect(await open(ours, { subscriptionId })).toMatchObject({ isRefused: false });
        const why = proof.kind === 'none' ? 'misrouted' : 'forged';
        expect(await open(other, { subscriptionId })).toEqual({ isRefused: true, why });
        if (named?.equals === 'subscription-id') {
          const nameless = { ...ours, body: ours.body.replace(`"${named.field}"`, '"another_field"') };
          expect(await open(nameless, { subscriptionId })).toEqual({ isRefused: true, why });
          // There is nothing to compare with where the operator has made the subscription.
          expect(await open(other)).toMatchObject({ isRefused: false, isProven: false });
        }
      }
    });
  });

  function prepare(kind: NotificationKind, isForged = false): Promise<SandboxNotification[]> {
    return bench.fake.notifier.prepare({ kind, accountIds: [account], isForged });
  }

  function open(
    { headers, body }: SandboxNotification,
    own: Partial<NotificationSettings> = {},
  ): Promise<OpenedNotification> {
    const { definition, settings } = bench.provider();
    const provider = { definition, settings: { ...settings, notifications: { ...settings.notifications, ...own } } };
    const ours = definition.notifications?.channels[0];
    if (ours === undefined) {
      throw new Error('The provider declares no notifications.');
    }
    const received = { headers, body: Buffer.from(body), receivedAt: new Clock().now() };
    return openNotification(provider, ours, received, new NotificationKeys(bench.client));
  }
}
