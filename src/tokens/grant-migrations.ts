import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { AppError } from '../errors/app-error.js';
import { isPassing, ProviderMisconfiguredError } from '../errors/provider.errors.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import { successorOf } from '../provider-kit/lifecycle.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { registrationId } from '../provider-kit/registration.js';
import { ExchangeJournal } from './exchange-journal.js';
import { GrantMigration, type Attempt, type Exchange, type MigratedConnection } from './grant-migration.js';
import { GrantMigrationStore, type MigrationCounts } from './grant-migration-store.js';

/** Connections looked up at a time. */
const pageSize = 200;
/** After so many refusals in a row nothing more is tried: it is not about single users. */
const mostRefusalsInARow = 20;
/** How often a provider that is away is tried for one connection. */
const attemptsWhileAway = 5;
/** How long to wait for one that does not say for how long, in milliseconds; doubled each time. */
const firstPauseMs = 1_000;
/** No longer than this, whatever a provider says: the operator is waiting. */
const longestPauseMs = 15 * 60_000;

/** How a run goes about it. */
export interface MigrationOptions {
  /** Repeats exchanges whose answer was lost. The provider may refuse them, or end what the first one has brought. */
  readonly repeatUnanswered: boolean;
  /** At most so many connections in a second. */
  readonly perSecond: number;
  /** At most so many connections in this run. */
  readonly limit: number;
}

/**
 * Moves the connections of a provider to the one that replaces it, without their users, where the provider exchanges grants (O1-11): one
 * after the other, as {@link GrantMigration} does it. A run that was killed is resumed by the next one; several may run at once.
 */
@Injectable()
export class GrantMigrations {
  constructor(
    private readonly migration: GrantMigration,
    private readonly store: GrantMigrationStore,
    private readonly journal: ExchangeJournal,
    private readonly registry: ProviderRegistry,
  ) {}

  /**
   * Counts what a run would do.
   *
   * @param slug - the provider that is replaced
   * @throws Error when its grants cannot be exchanged, or one of the two providers is not configured
   */
  async count(slug: string): Promise<MigrationCounts> {
    const { old, successor } = this.find(slug);
    return this.store.count(slug, registrationId(old), successor.definition.slug);
  }

  /**
   * Migrates the connections of a provider, in the order of the users' ids.
   *
   * @param slug - the provider that is replaced
   * @param report - called with each result
   * @returns false when it gave up before the last connection: a provider stayed away or refuses us, or one refusal followed the other
   * @throws Error as {@link count}
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError}; what was done is done
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

  /** What was exchanged for a connection that is gone, or has other tokens by now, is of no use any more. */
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

  /** Waits for a provider that is away, and tries again; not where it may have exchanged the grant. */
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
