import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BackgroundJob } from '../clock/background-job.js';
import { BackgroundJobs } from '../clock/background-jobs.js';
import { Clock } from '../clock/clock.js';
import { AppError, codeOf } from '../errors/app-error.js';
import { EventPublisher } from '../events/event-publisher.js';
import { ProviderLifecycle } from '../provider-kit/definition/provider-lifecycle.js';
import type { GrantTokens, HealthProvider } from '../provider-kit/health-provider.js';
import { SubscriptionClient } from '../provider-kit/notifications/subscription-client.js';
import { subscriptionObstacle } from '../provider-kit/notifications/subscription-obstacle.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { NotifiedConnections } from '../tokens/notified-connections.js';
import { backoffDelayMs, type BackoffPolicy } from '../tokens/policy/backoff.js';
import { SubscriptionSecrets } from './subscription-secrets.js';
import {
  SubscriptionStore,
  type CheckedSubscription,
  type DueSubscription,
  type SubscriptionSummary,
} from './subscription-store.js';
import { subscriptionsConfig, type SubscriptionsConfig } from './subscriptions.config.js';

/**
 * Rows that are checked at a time, and the pause after them, in milliseconds. Together they are a rate: Withings allows
 * 120 calls in a minute for all users of an app.
 */
const batchSize = 5;
const batchPauseMs = 5_000;
/**
 * Longest pause between checks of the table, in milliseconds. A link wakes the job in the process that publishes it.
 */
const longestPauseMs = 15_000;
const dayMs = 86_400_000;
/** A minute, doubling, at most six hours. */
const failureBackoff: BackoffPolicy = { initialDelayMs: 60_000, maxDelayMs: 6 * 3_600_000, factor: 2 };
/** Wait for the refresh of an expired access token, in milliseconds. */
const waitForTokenMs = 15 * 60_000;
/** Users whom one statement looks at. */
const pageSize = 1_000;

const nothing = { wanted: 0, active: 0, errorCode: null, expiresAt: null, onlyId: null };

/**
 * Creates the subscriptions of each app at the start, and of each user after the link. Checks them daily, and creates
 * missing ones again. The table has the result of the last check.
 */
@Injectable()
export class SubscriptionWorker {
  private readonly logger = new Logger(SubscriptionWorker.name);
  private readonly job: BackgroundJob;
  private rosterDueAtMs = -Infinity;

  constructor(
    private readonly store: SubscriptionStore,
    private readonly secrets: SubscriptionSecrets,
    private readonly client: SubscriptionClient,
    private readonly connections: NotifiedConnections,
    private readonly registry: ProviderRegistry,
    private readonly lifecycle: ProviderLifecycle,
    private readonly clock: Clock,
    publisher: EventPublisher,
    jobs: BackgroundJobs,
    @Inject(subscriptionsConfig.KEY) private readonly config: SubscriptionsConfig,
  ) {
    this.job = jobs.add('workers', { name: SubscriptionWorker.name, run: () => this.sweep() });
    publisher.onPublished(() => this.job.wake());
  }

  /**
   * Checks a batch of due subscriptions.
   *
   * @returns milliseconds until the next call
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    if (!this.config.isOn) {
      return dayMs;
    }
    await this.fillRoster();
    await this.store.follow(this.slugsOf('user'));
    return (await this.checkDue(this.slugsOf('app', 'user'))) === batchSize ? batchPauseMs : longestPauseMs;
  }

  /**
   * Checks every app now, and every user whose subscriptions are not active. Providers that are off in this process are
   * left out.
   *
   * @param providers - slugs; all if empty
   * @returns the state afterwards
   * @throws {@link DatabaseUnavailableError}
   */
  async repair(providers: readonly string[] = []): Promise<SubscriptionSummary[]> {
    const wanted = this.slugsOf('app', 'user').filter((slug) => providers.length === 0 || providers.includes(slug));
    await this.fillRoster();
    await this.store.follow(this.slugsOf('user'));
    await this.store.makeDue(wanted);
    while ((await this.checkDue(wanted)) > 0);
    return this.list();
  }

  /** Counts apps and users by provider and state. */
  list(): Promise<SubscriptionSummary[]> {
    return this.store.summarize();
  }

  /** Once a day: rows of apps, and of users who were linked before there were subscriptions. */
  private async fillRoster(): Promise<void> {
    if (performance.now() < this.rosterDueAtMs) {
      return;
    }
    await this.store.addOfApps(this.slugsOf('app'));
    for (const provider of this.slugsOf('user')) {
      let last: string | null = '';
      while (last !== null) {
        last = await this.store.addOfUsers(provider, last, pageSize);
      }
    }
    this.rosterDueAtMs = performance.now() + dayMs;
  }

  /** Providers that are on in this process and whose subscriptions have one of these scopes. */
  private slugsOf(...scopes: ('app' | 'user')[]): string[] {
    return this.registry
      .list()
      .filter(({ definition: { notifications } }) =>
        scopes.some((scope) => notifications?.subscriptions?.scope === scope),
      )
      .filter((provider) => provider.settings.mode !== 'not-configured' && !this.lifecycle.isRetired(provider))
      .map(({ definition }) => definition.slug);
  }

  /** @returns the number of checked rows */
  private async checkDue(providers: readonly string[]): Promise<number> {
    const due = await this.store.takeDue(batchSize, providers);
    await Promise.all(due.map((row) => this.check(row, this.registry.get(row.provider))));
    return due.length;
  }

  private async check(row: DueSubscription, provider: HealthProvider): Promise<void> {
    try {
      if (subscriptionObstacle(provider) !== undefined) {
        await this.store.finish(row, { ...nothing, state: 'not_configured' }, dayMs);
        return;
      }
      const tokens = row.userId === null ? undefined : await this.tokensOf(row, row.userId);
      if (row.userId === null || tokens !== undefined) {
        const found = await this.ensure(row, provider, tokens);
        await this.store.finish(row, found, this.nextInMs(row, found));
      }
    } catch (error) {
      if (!(error instanceof AppError)) {
        this.logger.error(error);
      }
      const errorCode = codeOf(error);
      const retryAfterMs = error instanceof AppError ? (error.retryAfterSeconds ?? 0) * 1_000 : 0;
      const failed: CheckedSubscription = { ...nothing, state: 'failed', errorCode };
      this.logger.warn(`The subscriptions at ${row.provider} could not be checked: ${errorCode}.`);
      await this.store.finish(row, failed, Math.max(retryAfterMs, this.nextInMs(row, failed)));
    }
  }

  /** @returns `undefined` when nothing is left to do: the connection has ended, or its token has expired */
  private async tokensOf(row: DueSubscription, userId: string): Promise<GrantTokens | undefined> {
    const connection = await this.connections.find(userId, row.provider);
    const tokens = connection?.status === 'active' ? await this.connections.openTokens(connection) : undefined;
    if (tokens === undefined) {
      // A new link adds it again.
      await this.store.remove(row);
      return undefined;
    }
    if (tokens.expiresAt !== undefined && tokens.expiresAt <= this.clock.now()) {
      await this.store.postpone(row, waitForTokenMs);
      return undefined;
    }
    return tokens;
  }

  private async ensure(
    row: DueSubscription,
    provider: HealthProvider,
    tokens: GrantTokens | undefined,
  ): Promise<CheckedSubscription> {
    const report = await this.client.ensure(provider, tokens, {
      isKnown: row.sealed !== null || provider.settings.notifications.secret !== undefined,
      keep: (secret) => this.secrets.keep(row, secret),
    });
    const { wanted, active, isBlocked, failure } = report;
    const errorCode = failure === undefined ? null : failure.code;
    const state = isBlocked ? 'blocked' : failure === undefined ? 'active' : 'failed';
    return { state, wanted, active, errorCode, expiresAt: report.expiresAt ?? null, onlyId: report.onlyId ?? null };
  }

  /** Daily, spread by a tenth; sooner after a failure. */
  private nextInMs({ failures }: DueSubscription, { state }: CheckedSubscription): number {
    return state === 'failed'
      ? backoffDelayMs(failures + 1, failureBackoff, 0.5 + Math.random() / 2)
      : dayMs * (0.95 + Math.random() / 10);
  }
}
