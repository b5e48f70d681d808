/** A subscription to create. The provider's list of subscriptions has the same fields. */
export interface SubscriptionTopic {
  /** Empty if one subscription covers everything. A list matches a listed one that has all of its elements. */
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
  /** The scope without which the user cannot be subscribed. */
  readonly scope?: string;
}

/** How a call of the API is authenticated. */
export type SubscriptionProof =
  /** The user's access token as a bearer token. */
  | { readonly by: 'user' }
  /** Client id and secret with HTTP Basic authentication. */
  | { readonly by: 'client-basic' }
  /** Client id and secret in headers or fields of these names. */
  | { readonly by: 'client'; readonly in: 'headers' | 'fields'; readonly id: string; readonly secret: string };

/** One call of the API, as data. */
export interface SubscriptionCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Appended to the URL of the API. `{id}` is the provider's id of the subscription. */
  readonly path?: string;
  /** Where fields go. */
  readonly in: 'query' | 'form' | 'json';
  /** `{callbackUrl}` is the URL of our hook. `{verifyToken}` is repeated by the provider when it checks that URL. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Whether the fields of the topic are sent too. */
  readonly sendsTopic?: true;
}

/** The API by which an app subscribes to notifications. */
export interface ApiSubscriptions {
  /** Whether one set of subscriptions serves all users of the app, or each user has one. */
  readonly scope: 'app' | 'user';
  /** Absolute URL that the paths of the calls are appended to. */
  readonly url: string;
  readonly proof: SubscriptionProof;
  readonly topics: readonly SubscriptionTopic[];
  /** Set if the app can have only one subscription. One with another URL is never replaced. */
  readonly isOnlyOne?: true;
  readonly list: SubscriptionCall;
  readonly create: SubscriptionCall;
  readonly remove: SubscriptionCall;
  /** For subscriptions that expire. */
  readonly renew?: SubscriptionCall;
  /** Switches a subscription on again that the provider has switched off. */
  readonly activate?: SubscriptionCall;
  /** Paths in the JSON of a response, as for `fieldAt`. */
  readonly response: {
    /** The list of subscriptions; the body itself if absent. */
    readonly items?: string;
    /** In an item: the provider's id, if calls need it. */
    readonly id?: string;
    /** In an item: where notifications go. */
    readonly callbackUrl: string;
    /** In an item: RFC 3339. */
    readonly expiresAt?: string;
    /** In an item: a boolean, false if the provider has switched it off. */
    readonly active?: string;
    /** In the response to `create`: the secret of the proofs, shown once. */
    readonly secret?: string;
  };
  /** Longest URL of a hook, in characters. */
  readonly maxUrlLength?: number;
}

/**
 * Time before its expiry at which a subscription is renewed, in milliseconds. Failed renewals are visible for a week.
 */
export const renewBeforeMs = 7 * 86_400_000;
