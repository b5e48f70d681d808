import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Requester } from '../../audit/audit-event.js';
import { AuditTrail } from '../../audit/audit-trail.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { KeyStore } from '../../vault/key-store.js';
import { freezingGeneration } from '../../vault/process-generation.js';
import { forgivesRepeat } from '../policy/refresh-policy.js';
import { FreezeStore, type FreezeScope, type FrozenCounts } from './freeze-store.js';

/** Rows that one statement changes, so that none holds locks for long. */
const pageSize = 500;
/** How often the refreshes in flight are counted. */
const pollMs = 200;

/** The result of a freeze. */
export interface Freeze {
  readonly frozen: number;
  /** Refreshes that had not ended when the wait was over. */
  readonly inFlight: number;
  /**
   * Connections whose last refresh has no known outcome: their refresh token may be spent. Only where the provider does
   * not forgive a second use.
   */
  readonly inDoubt: number;
}

/** The result of a thaw. */
export interface Thaw {
  readonly thawed: number;
  /** Connections that stay frozen, because their tokens were exported. */
  readonly kept: number;
}

/**
 * Stops the refreshes of connections, so that another system can use their tokens, and starts them again.
 *
 * The lease of a refresh and the freeze change the same row. If a row is leased first, the freeze waits for that
 * refresh. If it is frozen first, nothing leases it any more.
 */
@Injectable()
export class ConnectionFreezer {
  constructor(
    private readonly store: FreezeStore,
    private readonly registry: ProviderRegistry,
    private readonly audit: AuditTrail,
    private readonly processes: KeyStore,
  ) {}

  /**
   * Freezes the connections of a provider or a user, and waits for the refreshes in flight.
   *
   * @param waitMs - how long to wait for them, in milliseconds
   * @param report - called with the number of frozen connections so far
   * @throws {@link UnknownProviderError}
   * @throws Error while a process of version 1.0.0 runs, which would refresh frozen connections; nothing was changed
   * @throws {@link DatabaseUnavailableError}; repeat the command
   */
  async freeze(
    scope: FreezeScope,
    requester: Requester,
    waitMs: number,
    report: (frozen: number) => void,
  ): Promise<Freeze> {
    this.check(scope);
    await this.checkProcesses();
    await this.audit.record({ ...requester, ...scope, action: 'connections.frozen', outcome: 'success' });
    let changed = 0;
    await this.eachPage(
      (after) => this.store.freeze(scope, after, pageSize),
      (count) => report((changed += count)),
    );
    const giveUpAtMs = performance.now() + waitMs;
    let counts = await this.store.count(scope);
    while (total(counts, 'inFlight') > 0 && performance.now() < giveUpAtMs) {
      await sleep(pollMs);
      counts = await this.store.count(scope);
    }
    return {
      frozen: total(counts, 'frozen'),
      inFlight: total(counts, 'inFlight'),
      inDoubt: total(
        counts.filter(({ provider }) => !this.forgives(provider)),
        'inDoubt',
      ),
    };
  }

  /**
   * Ends the freeze of the connections of a provider or a user.
   *
   * @param evenExported - also those whose tokens were exported: the caller knows that no other system uses them
   * @throws {@link UnknownProviderError}
   * @throws {@link DatabaseUnavailableError}; repeat the command
   */
  async thaw(scope: FreezeScope, requester: Requester, evenExported: boolean): Promise<Thaw> {
    this.check(scope);
    await this.audit.record({ ...requester, ...scope, action: 'connections.thawed', outcome: 'success' });
    let thawed = 0;
    await this.eachPage(
      (after) => this.store.thaw(scope, after, pageSize, evenExported),
      (count) => (thawed += count),
    );
    return { thawed, kept: total(await this.store.count(scope), 'frozen') };
  }

  /** Whether an attempt of unknown outcome does no harm at a provider. */
  forgives(slug: string): boolean {
    return this.registry.has(slug) && forgivesRepeat(this.registry.get(slug).definition);
  }

  private check({ provider }: FreezeScope): void {
    if (provider !== undefined) {
      this.registry.get(provider);
    }
  }

  private async checkProcesses(): Promise<void> {
    const older = await this.processes.findOlderProcesses(freezingGeneration);
    if (older.length > 0) {
      throw new Error(
        `Nothing was frozen: ${older.length} live processes of version 1.0.0 would refresh frozen connections ` +
          `(${older.join(', ')}). Finish the upgrade, so that none of them runs, and repeat the command.`,
      );
    }
  }

  private async eachPage(
    change: (after: string) => Promise<{ readonly last: string | null; readonly changed: number }>,
    report: (changed: number) => unknown,
  ): Promise<void> {
    for (let after = ''; ;) {
      const { last, changed } = await change(after);
      report(changed);
      if (last === null) {
        return;
      }
      after = last;
    }
  }
}

function total(counts: readonly FrozenCounts[], name: 'frozen' | 'inFlight' | 'inDoubt'): number {
  return counts.reduce((sum, count) => sum + count[name], 0);
}
