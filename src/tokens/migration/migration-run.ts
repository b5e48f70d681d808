import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { AppError } from '../../errors/app-error.js';
import { isPassing, ProviderMisconfiguredError } from '../../errors/provider.errors.js';
import type { HealthProvider } from '../../provider-kit/health-provider.js';
import { successorOf } from '../../provider-kit/definition/lifecycle.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { registrationId } from '../../provider-kit/registration.js';
import { ExchangeJournal } from './exchange-journal.js';
import { ConnectionMigrator, type Attempt, type MigratedConnection } from './connection-migrator.js';
import type { Exchange } from './grant-exchanger.js';
import { MigrationStore, type MigrationCounts } from './migration-store.js';

/** Connections looked up at a time. */
const pageSize = 200;
/** Refusals in a row after which a run stops: then the problem is not about single users. */
const mostRefusalsInARow = 20;
/** How often an unavailable provider is tried for one connection. */
const attemptsWhileAway = 5;
/** First pause if the provider does not say how long, in milliseconds. It doubles each time. */
const firstPauseMs = 1_000;
/** Longest pause, even if the provider asks for more: the operator is waiting. */
const longestPauseMs = 15 * 60_000;

/** Options of a run. */
export interface MigrationOptions {
  /**
   * Repeats exchanges whose response was lost. The provider may refuse them, or invalidate the grant of the first
   * exchange.
   */
  readonly repeatUnanswered: boolean;
  /** Most connections per second. */
  readonly perSecond: number;
  /** Most connections in this run. */
  readonly limit: number;
}

/**
 * Migrates the connections of a provider to its successor without their users, where the provider exchanges grants
 * (O1-11). It uses {@link ConnectionMigrator} for one connection after the other. The next run resumes a killed one.
 * Several runs may work at once.
 */
@Injectable()
export class MigrationRun {
  constructor(
    private readonly migration: ConnectionMigrator,
    private readonly store: MigrationStore,
    private readonly journal: ExchangeJournal,
    private readonly registry: ProviderRegistry,
  ) {}

  /**
   * Counts the connections that a run would process.
   *
   * @param slug - the provider to migrate from
   * @throws Error when its grants cannot be exchanged, or one of the two providers is not configured
   */
  async count(slug: string): Promise<MigrationCounts> {
    const { old, successor } = this.find(slug);
    return this.store.count(slug, registrationId(old), successor.definition.slug);
  }

  /**
   * Migrates the connections of a provider, in the order of the users' ids.
   *
   * @param slug - the provider to migrate from
   * @param report - called with each result
   * @returns false when the run stopped early: a provider was unavailable or rejects us, or refused one exchange after
   *   another
   * @throws Error as {@link count}
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError}; finished connections stay migrated
   */
  async run(slug: string, options: MigrationOptions, report: (result: MigratedConnection) => void): Promise<boolean> {
    const exchange = this.find(slug);
    await this.tidyJournal();
    let [done, refusals, after] = [0, 0, ''];
    for (;;) {
      const users = await this.store.page(slug, registrationId(exchange.old), after, pageSize);
      for (const userId of users) {
        if (done >= options.limit) {
          return true;
        }
        const nextAtMs = performance.now() + 1_000 / options.perSecond;
        const { error, ...result } = await this.attempt(exchange, userId, options);
        report(result);
        done += 1;
        refusals = result.outcome === 'failed' ? refusals + 1 : 0;
        if (concernsAll(error) || refusals === mostRefusalsInARow) {
          return false;
        }
        await sleep(Math.max(0, nextAtMs - performance.now()));
        after = userId;
      }
      if (users.length < pageSize) {
        return true;
      }
    }
  }

  /** Removes journal entries of connections that were removed or have other tokens by now. */
  private async tidyJournal(): Promise<void> {
    const keys = await this.journal.list();
    const begun = new Set(await this.store.findBegun(keys));
    await Promise.all(keys.filter((key) => !begun.has(key)).map((key) => this.journal.forget(key)));
  }

  private find(slug: string): Exchange {
    const old = this.registry.get(slug);
    const replacedBy = successorOf(old.definition.lifecycle);
    const successor = replacedBy === undefined ? undefined : this.registry.get(replacedBy);
    if (!canExchange(old) || successor === undefined || !speaksOAuth2(successor)) {
      throw new Error(`The provider ${slug} does not exchange grants. Its users must link again with the successor.`);
    }
    for (const { settings, definition } of [old, successor]) {
      if (settings.mode === 'not-configured') {
        throw new Error(`${definition.slug} has no credentials. The exchange needs the credentials of both providers.`);
      }
    }
    return { old, successor };
  }

  /** Waits for an unavailable provider and retries, unless it may have exchanged the grant. */
  private async attempt(exchange: Exchange, userId: string, options: MigrationOptions): Promise<Attempt> {
    for (let attempts = 1; ; attempts += 1) {
      const result = await this.migration.migrate(exchange, userId, options.repeatUnanswered);
      const { error } = result;
      if (result.outcome !== 'failed' || !isPassing(error) || attempts === attemptsWhileAway) {
        return result;
      }
      const pauseMs = (error.retryAfterSeconds ?? 0) * 1_000 || firstPauseMs * 2 ** (attempts - 1);
      await sleep(Math.min(pauseMs, longestPauseMs));
    }
  }
}

function canExchange(provider: HealthProvider): provider is Exchange['old'] {
  return provider.exchangeGrant !== undefined;
}

function speaksOAuth2(provider: HealthProvider): provider is Exchange['successor'] {
  return provider.definition.oauth === '2.0';
}

/** Whether a failure would meet every other connection too. */
function concernsAll(error: AppError | undefined): boolean {
  return error instanceof ProviderMisconfiguredError || isPassing(error);
}
