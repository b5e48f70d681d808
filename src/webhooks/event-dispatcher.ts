import { Injectable } from '@nestjs/common';
import { BackgroundJobs } from '../clock/background-jobs.js';
import { Clock } from '../clock/clock.js';
import { Database, type Statement } from '../database/database.js';
import { EventPublisher } from '../events/event-publisher.js';
import { EventStore } from '../events/event-store.js';
import { DeliveryQueue } from './delivery-queue.js';
import { EndpointStore } from './endpoint-store.js';
import { wants } from './webhook-endpoint.js';
import { dispatchLag } from './webhooks.metrics.js';

/** Most events that one transaction adds to the queues. */
const batchSize = 1_000;
/** Longest pause between checks, in milliseconds. Events of this process are queued at once. */
const pauseMs = 500;

const isBehind: Statement = {
  name: 'webhooks-is-behind',
  text: `SELECT 1 FROM event_cursors AS own, event_cursors AS stream
         WHERE own.name = 'webhooks' AND stream.name = 'stream' AND own.position < stream.position`,
};
const lockCursor: Statement = {
  name: 'webhooks-lock-cursor',
  text: `SELECT position::float8 AS position FROM event_cursors WHERE name = 'webhooks' FOR UPDATE SKIP LOCKED`,
};
const moveCursor: Statement = {
  name: 'webhooks-move-cursor',
  text: `UPDATE event_cursors SET position = $1 WHERE name = 'webhooks'`,
};

/**
 * Adds the events of the stream to the queues of the endpoints that want them. The cursor moves in the same
 * transaction, so a crash neither loses nor doubles an event. A disabled endpoint gets none; its owner can resend them.
 */
@Injectable()
export class EventDispatcher {
  private readonly listeners: (() => void)[] = [];

  constructor(
    private readonly database: Database,
    private readonly events: EventStore,
    private readonly endpoints: EndpointStore,
    private readonly queue: DeliveryQueue,
    private readonly clock: Clock,
    publisher: EventPublisher,
    jobs: BackgroundJobs,
  ) {
    const job = jobs.add('workers', { name: EventDispatcher.name, run: () => this.step() });
    publisher.onPublished(() => job.wake());
  }

  /** Calls back when this process has queued events. */
  onDispatched(listener: () => void): void {
    this.listeners.push(listener);
  }

  /**
   * Queues a batch of events.
   *
   * @returns whether there may be more
   * @throws {@link DatabaseUnavailableError}
   */
  async dispatch(): Promise<boolean> {
    if ((await this.database.query(isBehind)).length === 0) {
      return false;
    }
    const endpoints = (await this.endpoints.list()).filter(({ status }) => status === 'enabled');
    const events = await this.database.transaction(async (query) => {
      const [cursor] = await query<{ position: number }>(lockCursor);
      if (cursor === undefined) {
        return [];
      }
      const batch = await this.events.page(cursor.position, batchSize);
      const last = batch.at(-1);
      if (last === undefined) {
        return [];
      }
      for (const endpoint of endpoints) {
        const wanted = batch.filter((event) => wants(endpoint, event));
        if (wanted.length > 0) {
          const deliveries = wanted.map(({ id: eventId }) => ({ eventId, attempt: 1 }));
          await this.queue.add(query, endpoint.id, deliveries);
        }
      }
      await query(moveCursor, [last.position]);
      return batch;
    });
    const last = events.at(-1);
    if (last !== undefined) {
      dispatchLag.set(Math.max(0, (this.clock.now().getTime() - last.occurredAt.getTime()) / 1_000));
      this.listeners.forEach((tell) => tell());
    }
    return events.length === batchSize;
  }

  private async step(): Promise<number> {
    return (await this.dispatch()) ? 0 : pauseMs;
  }
}
