import { Injectable } from '@nestjs/common';
import type { BackgroundJob } from '../clock/background-job.js';
import { BackgroundJobs } from '../clock/background-jobs.js';
import { EventRecorder } from '../events/event-recorder.js';
import { canCheckAccess } from '../provider-kit/notifications/can-check-access.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { NotifiedConnections } from '../tokens/notified-connections.js';
import type { Connection } from '../tokens/store/connection.js';
import { notifiedEvents } from './hooks.metrics.js';
import { NotificationStore, type DueEvent } from './notification-store.js';

const batchSize = 100;
/** Pause of a process that receives no notification itself, in milliseconds. */
const pauseMs = 1_000;
/** Wait for a refresh, in milliseconds. One in flight ends within seconds; one in doubt delays the end for longer. */
const waitForRefreshMs = 5_000;
/** Unproven notifications start one check of a connection, and `checksOfProvider` of a provider, in this time. */
const checkWindowMs = 600_000;
const checksOfProvider = 50;
const waitForChecksMs = 60_000;

/** Providers send times in whole seconds. */
const resolutionMs = 1_000;
/** Largest difference between the clocks of a provider and of the database, in milliseconds. */
const clockToleranceMs = 60_000;

type Outcome =
  'announced' | 'ended' | 'checked' | 'repeated' | 'unknown_account' | 'older_than_link' | 'already_ended' | 'no_check';
/** Why an event is processed again later. */
type Postponed = 'refresh_in_flight' | 'too_many_checks';

/**
 * Processes stored notifications (TE-13).
 *
 * Only a proven notification ends a connection, and only if it is newer than the link. An unproven one, or one that may
 * mean something else, starts a check at the provider.
 */
@Injectable()
export class NotificationWorker {
  private readonly job: BackgroundJob;

  constructor(
    private readonly store: NotificationStore,
    private readonly connections: NotifiedConnections,
    private readonly events: EventRecorder,
    private readonly registry: ProviderRegistry,
    jobs: BackgroundJobs,
  ) {
    this.job = jobs.add('workers', { name: NotificationWorker.name, run: () => this.sweep() });
  }

  /** Processes what has just been stored, if this process does background work. */
  wake(): void {
    this.job.wake();
  }

  /**
   * Processes a batch of due events.
   *
   * @returns milliseconds until the next call
   * @throws {@link DatabaseUnavailableError}
   */
  async sweep(): Promise<number> {
    const due = await this.store.takeDue(batchSize);
    const doubtful: { readonly event: DueEvent; readonly connection: Connection }[] = [];
    await Promise.all(
      due.map(async (event) => {
        const decision = await this.decide(event);
        if (typeof decision === 'string') {
          await this.conclude(event, decision);
        } else {
          doubtful.push({ event, connection: decision.check });
        }
      }),
    );
    // One after another, because each counts the checks before it.
    for (const { event, connection } of doubtful) {
      await this.conclude(event, await this.check(event, connection));
    }
    if (due.length === batchSize) {
      return 0;
    }
    await this.store.purge();
    return pauseMs;
  }

  private async conclude(event: DueEvent, outcome: Outcome | Postponed): Promise<void> {
    if (outcome === 'refresh_in_flight' || outcome === 'too_many_checks') {
      await this.store.postpone(event, outcome === 'too_many_checks' ? waitForChecksMs : waitForRefreshMs);
      return;
    }
    await this.store.finish(event, outcome);
    notifiedEvents.inc({ provider: event.provider, kind: event.kind, outcome });
  }

  /** @returns the outcome, or the connection to check first */
  private async decide(event: DueEvent): Promise<Outcome | Postponed | { readonly check: Connection }> {
    const connection = await this.connections.find(event.userId, event.provider);
    if (connection === undefined) {
      return 'unknown_account';
    }
    if (connection.status !== 'active') {
      return 'already_ended';
    }
    const isOfThisLink =
      event.tokenFingerprint !== null && (await this.connections.holdsToken(connection, event.tokenFingerprint));
    const proof = event.isProven || isOfThisLink ? 'signed' : 'unproven';
    const origin = { source: 'notification', proof } as const;
    switch (event.kind) {
      case 'data':
        await this.events.recordOf(connection, {
          ...origin,
          type: 'data.available',
          details: { data_types: event.dataType === null ? [] : [event.dataType] },
        });
        return 'announced';
      case 'permissions_changed':
        await this.events.recordOf(connection, { ...origin, type: 'connection.scopes_changed' });
        return 'announced';
      case 'deauthorized':
      case 'account_deleted':
        break;
    }
    const age = ageOf(event, connection, isOfThisLink);
    if (age === 'older') {
      return 'older_than_link';
    }
    if (proof === 'signed' && !event.isHint && age === 'newer') {
      return (await this.connections.end(connection, event.kind)) ? 'ended' : 'refresh_in_flight';
    }
    if (proof === 'signed') {
      await this.connections.corroborate(connection);
    }
    return { check: connection };
  }

  private async check(event: DueEvent, connection: Connection): Promise<Outcome | Postponed> {
    if (!canCheckAccess(this.registry.get(event.provider))) {
      return 'no_check';
    }
    const { ofConnection, ofProvider } = await this.store.countChecks(event, checkWindowMs);
    if (ofConnection > 0) {
      return 'repeated';
    }
    if (ofProvider >= checksOfProvider) {
      return 'too_many_checks';
    }
    await this.connections.check(connection);
    return 'checked';
  }
}

/**
 * Compares an event with the link that the connection holds. The age is unclear without a time, or if the time is
 * before the link by no more than clocks may differ.
 */
function ageOf(
  { occurredAt }: DueEvent,
  { linkedAt }: Connection,
  isOfThisLink: boolean,
): 'newer' | 'older' | 'unknown' {
  if (isOfThisLink) {
    return 'newer';
  }
  const aheadMs = occurredAt === null ? undefined : linkedAt.getTime() - occurredAt.getTime();
  if (aheadMs === undefined || (aheadMs > resolutionMs && aheadMs <= clockToleranceMs)) {
    return 'unknown';
  }
  return aheadMs <= resolutionMs ? 'newer' : 'older';
}
