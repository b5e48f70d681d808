import type { ApiSubscriptions } from './subscriptions.js';

/**
 * The change of an account at the provider:
 * - `deauthorized`: the user has withdrawn consent there.
 * - `account_deleted`: the account is gone.
 * - `permissions_changed`: the user has changed the app's permissions.
 * - `data`: there is new data.
 */
export type NotificationKind = 'deauthorized' | 'account_deleted' | 'permissions_changed' | 'data';

/** One event of a notification. A batch has several. */
export interface NotifiedEvent {
  readonly kind: NotificationKind;
  /** The user's id at the provider; `undefined` if the event names none. */
  readonly accountId: string | undefined;
  /** The provider's name of the kind of data, such as `sleep`. */
  readonly dataType?: string | undefined;
  /** When it happened, by the provider's clock. */
  readonly occurredAt?: Date | undefined;
  /** Tells this event from others of the same kind for the same account, such as the id of a workout. */
  readonly eventId?: string | undefined;
  /** Set if the event may mean something else: it starts a check, and ends nothing even when it is proven. */
  readonly isHint?: true;
  /** The user's access token, for the proof `access-token`. Never stored. */
  readonly accessToken?: string | undefined;
}

/** A secret that a proof compares with. `hook-secret` is `<PREFIX>_HOOK_SECRET`. */
export type NotificationSecret = 'client-id' | 'client-secret' | 'hook-secret';

/** A value that a request must repeat: in a header, or in a field of the body. */
export type RepeatedToken = ({ readonly header: string } | { readonly field: string }) & {
  readonly equals: NotificationSecret;
};

/**
 * The part of a notification that names its recipient. It is no secret: another value shows a misrouted notification,
 * and the right one proves nothing. Either our client id in a header, compared if the header is present. Or the
 * provider's id of the app's one subscription, in a field of every notification, compared if Cufflink has created it.
 */
export type NamedRecipient =
  | { readonly header: string; readonly equals: 'client-id' }
  | { readonly field: string; readonly equals: 'subscription-id' };

/** How a notification proves that the provider has sent it. */
export type NotificationProof =
  /** An HMAC in a header. */
  | {
      readonly kind: 'hmac';
      readonly header: string;
      readonly algorithm: 'sha1' | 'sha256';
      /** `hex-or-base64` if the provider does not say which: the length decides. */
      readonly encoding: 'hex' | 'base64' | 'hex-or-base64';
      readonly secret: 'client-secret' | 'hook-secret';
      /** Appended to the secret. */
      readonly secretSuffix?: string;
      /** Set if the secret is base64 text of the key. */
      readonly secretIsBase64?: true;
      /** The raw body, the timestamp and the raw body, or fields of the body joined by a separator. */
      readonly signed: 'body' | 'timestamp+body' | { readonly fields: readonly string[]; readonly separator: string };
      /** Required if the signed text has one. A notification older or newer than the tolerance is refused. */
      readonly timestamp?: {
        readonly header: string;
        readonly unit: 'seconds' | 'milliseconds';
        readonly toleranceSeconds: number;
      };
    }
  /** A JWS (RFC 7515), whose audience is our client id. `read` gets its claims. */
  | {
      readonly kind: 'jws';
      /** The whole body, or a field of the JSON body. */
      readonly in: 'body' | { readonly field: string };
      readonly keysUrl: string;
      readonly issuers: readonly string[];
      readonly algorithms: readonly string[];
    }
  /** ECDSA over the raw body, in the wire format of Tink, base64 in the first header that is present. */
  | { readonly kind: 'ecdsa'; readonly headers: readonly string[]; readonly keysUrl: string }
  /** Secrets that the request repeats; all of them. */
  | { readonly kind: 'token'; readonly tokens: readonly RepeatedToken[] }
  /** Each event repeats the user's access token. */
  | { readonly kind: 'access-token' }
  /** None. */
  | { readonly kind: 'none'; readonly names?: NamedRecipient };

/** How a provider checks that the URL is ours before it sends anything. */
export type NotificationHandshake =
  /** `GET` with a challenge to repeat in JSON, and a token that we chose. */
  | {
      readonly method: 'GET';
      readonly challenge: string;
      readonly token: string;
      readonly responseField: string;
      readonly wrongStatus: number;
    }
  /** `GET` with a code from the provider's portal, kept in `<PREFIX>_HOOK_VERIFY_TOKEN`. */
  | { readonly method: 'GET'; readonly code: string; readonly status: number; readonly wrongStatus: number }
  /** `GET` that asks whether the URL responds. */
  | { readonly method: 'GET'; readonly status: number; readonly body: Readonly<Record<string, string>> }
  /** `HEAD` that asks whether the URL responds. */
  | { readonly method: 'HEAD'; readonly status: number }
  /** `POST` whose JSON has this field with this value. It comes before any secret is known, and changes nothing. */
  | {
      readonly method: 'POST';
      readonly field: string;
      readonly value: string;
      readonly status: number;
      /**
       * Status for a request whose `Authorization` header is not `<PREFIX>_HOOK_SECRET`; no header is needed if absent.
       */
      readonly unauthorizedStatus?: number;
    };

/** How the provider learns the URL. */
export interface NotificationSetup {
  /**
   * - `portal`: on a page of the provider.
   * - `api`: by calls of its API, which Cufflink makes if the definition has `subscriptions`.
   * - `contact`: by agreement.
   */
  readonly by: 'portal' | 'api' | 'contact';
  /** Whether one URL serves all users of the app, or each user has a subscription. */
  readonly scope: 'app' | 'user';
  /** A note for the operator, in one or two sentences. */
  readonly note: string;
}

/** One kind of request that a provider sends. Most providers have one. */
export interface NotificationChannel {
  /** For `docs/notifications.md`: the provider's own names of its notifications. */
  readonly sends: readonly { readonly kind: NotificationKind; readonly name: string }[];
  readonly setup: NotificationSetup;
  /** Content type of the request. It distinguishes the channels of one provider. */
  readonly contentType: 'application/json' | 'application/x-www-form-urlencoded' | 'application/secevent+jwt';
  readonly handshakes?: readonly NotificationHandshake[];
  readonly proof: NotificationProof;
  /** Largest body in bytes; {@link defaultNotificationBytes} if absent. */
  readonly maxBodyBytes?: number;
  /** The response that the provider expects. */
  readonly response: {
    readonly status: number;
    readonly body?: Readonly<Record<string, string>>;
    /** Time limit of the provider, if it is published. */
    readonly withinSeconds?: number;
  };
  /** Status for a notification whose proof is wrong; 401 if absent. */
  readonly refusedStatus?: number;
  /** How the provider repeats a notification that was not accepted. */
  readonly retries: string;
  /**
   * Reads the events of a notification. Tolerates anything: the body is not trusted.
   *
   * @param body - parsed JSON, the fields of a form, or the verified claims of a JWS
   * @returns the events; an empty list if there is nothing to do
   */
  readonly read: (body: unknown) => readonly NotifiedEvent[];
  readonly confidence: 'high' | 'medium' | 'low';
  /** Where the facts come from. */
  readonly sources: readonly string[];
  /** Facts that could not be confirmed, one sentence each. */
  readonly uncertain?: readonly string[];
}

/** The notifications of a provider, and how an unproven one is checked. */
export interface Notifications {
  readonly channels: readonly NotificationChannel[];
  /**
   * URL of a harmless `GET` with the token. The API rejects it with 401 once the user has withdrawn consent. The
   * account call if absent; without either, nothing is checked.
   */
  readonly checkUrl?: string;
  /** The API that creates subscriptions, if Cufflink can use it. */
  readonly subscriptions?: ApiSubscriptions;
}

/** Notifications have a few KiB; a batch has some hundred. */
export const defaultNotificationBytes = 256 * 1024;
/** The largest body of any provider: batches of pushed data. */
export const largestNotificationBytes = 10 * 1024 * 1024;

/** Returns the largest body that a provider may send, in bytes; 0 if it sends none. */
export function largestBodyOf({ notifications }: { readonly notifications?: Notifications }): number {
  const limits = notifications?.channels.map(({ maxBodyBytes = defaultNotificationBytes }) => maxBodyBytes) ?? [];
  return Math.max(0, ...limits);
}
