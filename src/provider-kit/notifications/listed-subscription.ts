import type { ApiSubscriptions, SubscriptionTopic } from '../definition/subscriptions.js';
import type { HealthProvider } from '../health-provider.js';
import { fieldAt, ownField, readId } from '../responses/json-field.js';

/** A subscription as the provider lists it. */
export interface ListedSubscription {
  readonly id: string | undefined;
  readonly callbackUrl: string;
  readonly isActive: boolean;
  readonly expiresAt: Date | undefined;
  /** Returns a field as text, or a list of texts. */
  readonly fields: (name: string) => string | readonly string[] | undefined;
}

/** Reads one subscription; `undefined` if it has no URL. */
export function readListed(paths: ApiSubscriptions['response'], item: unknown): ListedSubscription | undefined {
  const callbackUrl = fieldAt(item, paths.callbackUrl);
  if (typeof callbackUrl !== 'string') {
    return undefined;
  }
  const expiresAt = paths.expiresAt === undefined ? undefined : fieldAt(item, paths.expiresAt);
  const expiry = typeof expiresAt === 'string' ? new Date(expiresAt) : undefined;
  return {
    id: paths.id === undefined ? undefined : readId(fieldAt(item, paths.id)),
    callbackUrl,
    isActive: paths.active === undefined || fieldAt(item, paths.active) !== false,
    expiresAt: expiry !== undefined && Number.isFinite(expiry.getTime()) ? expiry : undefined,
    fields: (name) => {
      const value = ownField(item, name);
      return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : readId(value);
    },
  };
}

/** Whether a subscription sends to a hook of this deployment, with any path secret. */
export function isOurs({ settings }: Pick<HealthProvider, 'settings'>, { callbackUrl }: ListedSubscription): boolean {
  const { url } = settings.notifications;
  return callbackUrl === url || callbackUrl.startsWith(`${url}/`);
}

/** Returns the topic that a subscription is about. */
export function topicOf(
  topics: readonly SubscriptionTopic[],
  { fields }: ListedSubscription,
): SubscriptionTopic | undefined {
  return topics.find((topic) =>
    Object.entries(topic.fields).every(([name, wanted]) => {
      const value = fields(name);
      return typeof wanted === 'string'
        ? value === wanted
        : Array.isArray(value) && wanted.every((each) => value.includes(each));
    }),
  );
}
