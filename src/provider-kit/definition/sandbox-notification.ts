import type { NotificationKind } from './notifications.js';

/** An event at a fake provider, with the secrets and ids to send and sign it. */
export interface SandboxEvent {
  readonly kind: NotificationKind;
  /** More than one only if the provider sends batches. */
  readonly accountIds: readonly string[];
  readonly occurredAt: Date;
  readonly sentAt: Date;
  /** Different for each event of the fake. */
  readonly number: number;
  /** Of another app if `isOfOtherApp`. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** The secret of the provider's portal. */
  readonly hookSecret: string;
  /** The last access token of an account; empty when it has none. */
  readonly accessTokenOf: (accountId: string) => string;
  /** Whether it is signed without the provider's keys. The secrets above are wrong then. */
  readonly isForged: boolean;
  /** Whether it is meant for another app at the provider, as after a mistake with URLs. */
  readonly isOfOtherApp: boolean;
  /** Signs claims with the key of the fake's ID tokens. */
  readonly signJwt: (claims: Readonly<Record<string, unknown>>) => Promise<string>;
}

/** A request that a fake sends to a hook. */
export interface SandboxNotification {
  /** `content-type` included; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Makes the notification of a fake for an event; `undefined` if the provider sends none for it. Written by hand from
 * the provider's documentation, and not from its definition.
 */
export type SandboxNotify = (
  event: SandboxEvent,
) => SandboxNotification | undefined | Promise<SandboxNotification | undefined>;
