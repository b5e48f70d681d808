import { Injectable } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import { AppError } from '../../errors/app-error.js';
import { AuthorizationFailedError } from '../../errors/authorization.errors.js';
import { ProviderUnavailableError } from '../../errors/provider.errors.js';
import { hookUrl } from '../definition/notification-settings.js';
import {
  renewBeforeMs,
  type ApiSubscriptions,
  type SubscriptionCall,
  type SubscriptionTopic,
} from '../definition/subscriptions.js';
import type { GrantTokens, HealthProvider } from '../health-provider.js';
import { ProviderHttpClient } from '../http/http-client.js';
import type { ProviderResponse } from '../http/http-message.js';
import { endpointFailure, isFailure, refusal } from '../responses/provider-failure.js';
import { parseJsonBody } from '../responses/response-body.js';
import { fieldAt, readId } from '../responses/json-field.js';
import { isOurs, readListed, topicOf, type ListedSubscription } from './listed-subscription.js';
import { subscriptionRequest, type TopicFields } from './subscription-request.js';

/** A provider with an API of subscriptions. */
export type Subscribable = Pick<HealthProvider, 'definition' | 'settings'>;

/** The state of the subscriptions of an app or a user after a check. */
export interface SubscriptionReport {
  /** Number of subscriptions that should exist. */
  readonly wanted: number;
  readonly active: number;
  /** When the first of them expires. */
  readonly expiresAt: Date | undefined;
  /** The provider's id of the subscription, if the app can have only one. */
  readonly onlyId: string | undefined;
  /** Whether the one subscription that the app may have sends to a URL that is not ours. */
  readonly isBlocked: boolean;
  /** Why one could not be created. */
  readonly failure: AppError | undefined;
}

/** Access to the secret that proves notifications. */
export interface SubscriptionSecret {
  /** Whether the secret is known. Without it, a subscription is of no use. */
  readonly isKnown: boolean;
  /** Stores the secret of a new subscription, which the provider shows once. */
  readonly keep: (secret: string) => Promise<void>;
}

/** A subscription that exists after a check; both fields if the provider has them. */
interface Kept {
  readonly id: string | undefined;
  readonly expiresAt: Date | undefined;
}

/**
 * Creates, repairs and removes the subscriptions by which a provider sends notifications. It touches only those whose
 * URL is a hook of this deployment: other deployments may share the app.
 */
@Injectable()
export class SubscriptionClient {
  constructor(
    private readonly http: ProviderHttpClient,
    private readonly clock: Clock,
  ) {}

  /**
   * Lists the subscriptions. Creates missing ones, renews those that expire soon, and replaces useless ones.
   *
   * @param provider - its definition must have subscriptions
   * @param tokens - of the user; `undefined` if one set serves all users
   * @param secret - of the proofs, if the response to a new subscription has it
   * @throws a provider error when the API does not respond, or refuses our client or the user's token
   */
  async ensure(
    provider: Subscribable,
    tokens: GrantTokens | undefined,
    secret: SubscriptionSecret,
  ): Promise<SubscriptionReport> {
    const api = apiOf(provider);
    const topics = api.topics.filter(({ scope }) => scope === undefined || tokens?.scopes?.includes(scope) !== false);
    const listed = await this.list(provider, tokens);
    const isUnprovable = api.response.secret !== undefined && !secret.isKnown;
    const ours = listed.filter((each) => isOurs(provider, each));
    const others = listed.length - ours.length;
    const url = hookUrl(provider.settings.notifications);
    const isGood = (each: ListedSubscription): boolean =>
      each.callbackUrl === url && topicOf(topics, each) !== undefined && !isUnprovable;
    for (const stale of ours.filter((each) => !isGood(each))) {
      await this.remove(provider, tokens, stale);
    }
    const good = ours.filter(isGood);
    const found = new Map(good.map((each) => [topicOf(topics, each), each]));
    if (api.isOnlyOne === true && others > 0 && found.size === 0) {
      const none = { active: 0, expiresAt: undefined, onlyId: undefined, failure: undefined };
      return { wanted: topics.length, isBlocked: true, ...none };
    }
    const kept: Kept[] = [];
    let failure: AppError | undefined;
    for (const topic of topics) {
      try {
        kept.push(await this.ensureTopic(provider, tokens, topic, found.get(topic), secret));
      } catch (error) {
        if (!isRefusal(error)) {
          throw error;
        }
        failure ??= error;
      }
    }
    const [expiresAt] = kept
      .flatMap((each) => each.expiresAt ?? [])
      .sort((one, other) => one.getTime() - other.getTime());
    const onlyId = api.isOnlyOne === true ? kept[0]?.id : undefined;
    return { wanted: topics.length, active: kept.length, expiresAt, onlyId, isBlocked: false, failure };
  }

  /**
   * Removes all our subscriptions.
   *
   * @throws a provider error when one may be left
   */
  async removeAll(provider: Subscribable, tokens: GrantTokens): Promise<void> {
    const listed = await this.list(provider, tokens);
    const ours = listed.filter((each) => isOurs(provider, each));
    await Promise.all(ours.map((each) => this.remove(provider, tokens, each)));
  }

  private async ensureTopic(
    provider: Subscribable,
    tokens: GrantTokens | undefined,
    topic: SubscriptionTopic,
    found: ListedSubscription | undefined,
    secret: SubscriptionSecret,
  ): Promise<Kept> {
    const { create, renew, activate, response } = apiOf(provider);
    if (found === undefined) {
      const body = await this.call(provider, tokens, create, { topic: topic.fields });
      const shown = response.secret === undefined ? undefined : fieldAt(body, response.secret);
      if (typeof shown === 'string' && shown !== '') {
        await secret.keep(shown);
      }
      const id = response.id === undefined ? undefined : readId(fieldAt(body, response.id));
      return { id, expiresAt: readListed(response, body)?.expiresAt };
    }
    if (!found.isActive && activate !== undefined) {
      await this.call(provider, tokens, activate, { id: found.id });
    }
    const { id, expiresAt } = found;
    if (
      renew === undefined ||
      expiresAt === undefined ||
      expiresAt.getTime() - this.clock.now().getTime() > renewBeforeMs
    ) {
      return { id, expiresAt };
    }
    const body = await this.call(provider, tokens, renew, { id });
    return { id, expiresAt: readListed(response, body)?.expiresAt ?? expiresAt };
  }

  private async list(provider: Subscribable, tokens: GrantTokens | undefined): Promise<ListedSubscription[]> {
    const { list, response } = apiOf(provider);
    const body = await this.call(provider, tokens, list, {}, { isGoneFine: true });
    const items = response.items === undefined ? body : fieldAt(body, response.items);
    return (Array.isArray(items) ? (items as unknown[]) : []).flatMap((item) => readListed(response, item) ?? []);
  }

  private async remove(
    provider: Subscribable,
    tokens: GrantTokens | undefined,
    { id, callbackUrl, fields }: ListedSubscription,
  ): Promise<void> {
    const { remove, topics } = apiOf(provider);
    const names = Object.keys(topics[0]?.fields ?? {});
    const topic = Object.fromEntries(names.map((name) => [name, fields(name)]));
    await this.call(provider, tokens, remove, { id, callbackUrl, topic }, { isGoneFine: true });
  }

  /** @returns the parsed JSON; `undefined` if the response has none, or is an accepted 404 */
  private async call(
    provider: Subscribable,
    tokens: GrantTokens | undefined,
    call: SubscriptionCall,
    values: { readonly id?: string | undefined; readonly callbackUrl?: string; readonly topic?: TopicFields },
    { isGoneFine = false } = {},
  ): Promise<object | undefined> {
    const { definition } = provider;
    const response: ProviderResponse = await this.http.send(subscriptionRequest(provider, tokens, call, values));
    if (isGoneFine && response.status === 404) {
      return undefined;
    }
    if (isFailure(definition, response)) {
      const message = `${definition.displayName} refused a subscription to notifications.`;
      throw endpointFailure(
        { definition, response, now: this.clock.now() },
        refusal(AuthorizationFailedError, message),
      );
    }
    return parseJsonBody(response);
  }
}

/** @throws Error when the definition has no subscriptions */
function apiOf({ definition }: Subscribable): ApiSubscriptions {
  const subscriptions = definition.notifications?.subscriptions;
  if (subscriptions === undefined) {
    throw new Error(`Provider "${definition.slug}" has no API of subscriptions.`);
  }
  return subscriptions;
}

/** Whether the provider refuses one subscription; others may still be created. */
function isRefusal(error: unknown): error is AppError {
  return (
    (error instanceof AuthorizationFailedError && !error.rejectsToken) ||
    (error instanceof ProviderUnavailableError && error.isConflict)
  );
}
