import type { NotificationKind } from '../../provider-kit/definition/notifications.js';
import { sandboxHookSecret } from '../../provider-kit/definition/notification-settings.js';
import type { SandboxNotification, SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';
import type { FakeContext, Protocol } from '../protocol.js';

export const notificationKinds = [
  'deauthorized',
  'account_deleted',
  'permissions_changed',
  'data',
] as const satisfies readonly NotificationKind[];

/** An order to send notifications. */
export interface NotificationOrder {
  readonly kind: NotificationKind;
  readonly accountIds: readonly string[];
  /** Time since the event, in milliseconds. */
  readonly lateByMs?: number;
  /** All accounts in one request; otherwise one request for each. */
  readonly isBatch?: boolean;
  /** Signs with a wrong secret. */
  readonly isForged?: boolean;
  /** Sends a notification for another app at the provider. */
  readonly isOfOtherApp?: boolean;
  /** How often each request is sent; once if absent. */
  readonly times?: number;
}

/** Makes and sends the notifications of one fake. */
export class Notifier {
  #number = 0;

  constructor(
    private readonly notify: SandboxNotify | undefined,
    private readonly context: FakeContext,
    private readonly protocol: Protocol,
  ) {}

  /** Returns the requests for an event, signed; none when the provider sends nothing for it. */
  async prepare({ accountIds, isBatch, ...order }: NotificationOrder): Promise<SandboxNotification[]> {
    const requests: SandboxNotification[] = [];
    for (const accounts of isBatch === true ? [accountIds] : accountIds.map((accountId) => [accountId])) {
      this.#number += 1;
      const request = await this.#make({ ...order, accountIds: accounts }, this.context.now());
      requests.push(...(request === undefined ? [] : [request]));
    }
    return requests;
  }

  /** Tells whether the provider proves such an event, so that a request without its secrets differs. */
  async proves(kind: NotificationKind, accountId: string): Promise<boolean> {
    return this.#differs({ kind, accountIds: [accountId] }, { isForged: true });
  }

  /** Tells whether such an event names its app. */
  async namesApp(kind: NotificationKind, accountId: string): Promise<boolean> {
    const order = { kind, accountIds: [accountId] };
    // Some signatures are never the same twice.
    return (await this.#differs(order, { isOfOtherApp: true })) && !(await this.#differs(order, {}));
  }

  async #differs(order: NotificationOrder, change: Partial<NotificationOrder>): Promise<boolean> {
    const now = this.context.now();
    const [one, other] = await Promise.all([order, { ...order, ...change }].map((each) => this.#make(each, now)));
    return JSON.stringify(one) !== JSON.stringify(other);
  }

  async #make(order: NotificationOrder, now: number) {
    const { kind, accountIds, lateByMs = 0, isForged = false, isOfOtherApp = false } = order;
    const { slug, clientId, clientSecret, grants } = this.context;
    const wrong = Buffer.from('another-secret-not-a-real-secret').toString('base64');
    return this.notify?.({
      kind,
      accountIds,
      occurredAt: new Date(now - lateByMs),
      sentAt: new Date(now),
      number: this.#number,
      clientId: isOfOtherApp ? `another-${clientId}` : clientId,
      clientSecret: isForged ? wrong : clientSecret,
      hookSecret: isForged ? wrong : sandboxHookSecret(slug),
      accessTokenOf: (accountId) => (isForged ? wrong : grants.lastAccessTokenOf(accountId)),
      isForged,
      isOfOtherApp,
      signJwt: (claims) => this.#sign(claims, isForged),
    });
  }

  /**
   * Sends the notifications of an event.
   *
   * @param url - of the hook
   * @returns the status of each response, in order
   */
  async send(url: string, order: NotificationOrder): Promise<number[]> {
    const statuses: number[] = [];
    for (const { headers, body } of await this.prepare(order)) {
      for (let sent = 0; sent < (order.times ?? 1); sent += 1) {
        const response = await fetch(url, { method: 'POST', headers, body });
        await response.arrayBuffer();
        statuses.push(response.status);
      }
    }
    return statuses;
  }

  async #sign(claims: Readonly<Record<string, unknown>>, isForged: boolean): Promise<string> {
    const token = (await this.protocol.signClaims?.(claims)) ?? '';
    return isForged
      ? `${token.slice(0, token.lastIndexOf('.'))}.${Buffer.from('forged').toString('base64url')}`
      : token;
  }
}
