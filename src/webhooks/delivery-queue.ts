import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { PgBoss, type Db, type Job, type JobInsert } from 'pg-boss';
import { Database, type Query } from '../database/database.js';

/** The schema of pg-boss; the migration makes it. */
const schema = 'cufflink_jobs';

/** A delivery without a record after these seconds is repeated: its process has died. No delivery takes as long. */
const expireInSeconds = 60;
/** How often pg-boss looks for such deliveries, in seconds. */
const superviseSeconds = 15;
/** A delivery waits for a disabled endpoint as long as its event is kept. */
const retentionSeconds = 30 * 86_400;
/** A finished job is useless: the table of attempts has its outcome. */
const deleteAfterSeconds = 60;
/** Repetitions after the death of a process. Failed attempts are counted in the job. */
const mostRepetitions = 1_000;

/** The content of a job. The event is read when it is delivered, so that an erased one is gone. */
export interface Delivery {
  /** UUID. */
  readonly eventId: string;
  /** From 1. */
  readonly attempt: number;
}

/** A job that this process works on. */
export type DeliveryJob = Job<Delivery>;

/** A delivery for later. */
export interface NewDelivery extends Delivery {
  readonly startAfterSeconds?: number;
}

/**
 * Pending deliveries in pg-boss. Each endpoint has a queue of its own, so that a slow endpoint delays no other. It runs
 * on the pool of the service, polls, and holds no state of a session. So it works behind a transaction pooler.
 *
 * An event is in the queue of an endpoint at most once.
 */
@Injectable()
export class DeliveryQueue implements BeforeApplicationShutdown {
  private readonly logger = new Logger(DeliveryQueue.name);
  private readonly known = new Set<string>();
  private starting: Promise<PgBoss> | undefined;

  constructor(private readonly database: Database) {}

  async beforeApplicationShutdown(): Promise<void> {
    const boss = await this.starting?.catch(() => undefined);
    await boss?.stop({ close: false, graceful: false });
  }

  /**
   * Adds deliveries for an endpoint, in a transaction. Deliveries that are already in its queue are left out.
   *
   * @param query - of the transaction
   * @throws {@link DatabaseUnavailableError}
   */
  async add(query: Query, endpointId: string, deliveries: readonly NewDelivery[]): Promise<void> {
    const boss = await this.open(endpointId);
    const jobs = deliveries.map(({ eventId, attempt, startAfterSeconds = 0 }): JobInsert<Delivery> => ({
      data: { eventId, attempt },
      singletonKey: eventId,
      startAfter: startAfterSeconds,
    }));
    await boss.insert(queueOf(endpointId), jobs, { db: toDb(query) });
  }

  /** Takes deliveries that are due. Each goes to one process. */
  async take(endpointId: string, limit: number): Promise<DeliveryJob[]> {
    const boss = await this.open(endpointId);
    return boss.fetch<Delivery>(queueOf(endpointId), { batchSize: limit });
  }

  /** Removes deliveries that succeeded or have no attempt left, in a transaction. */
  async finish(query: Query, endpointId: string, jobs: readonly DeliveryJob[]): Promise<void> {
    const boss = await this.open(endpointId);
    const ids = jobs.map(({ id }) => id);
    await boss.complete(queueOf(endpointId), ids, null, { db: toDb(query) });
  }

  /** Removes the queue of an endpoint. */
  async remove(endpointId: string): Promise<void> {
    const boss = await this.open(endpointId);
    await boss.deleteQueue(queueOf(endpointId));
    this.known.delete(endpointId);
  }

  /** Returns pg-boss, started, with the queue of an endpoint. */
  private async open(endpointId: string): Promise<PgBoss> {
    this.starting ??= this.start().catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    const boss = await this.starting;
    if (!this.known.has(endpointId)) {
      await boss.createQueue(queueOf(endpointId), {
        policy: 'exclusive',
        expireInSeconds,
        retentionSeconds,
        deleteAfterSeconds,
        retryLimit: mostRepetitions,
        retryDelay: 0,
      });
      this.known.add(endpointId);
    }
    return boss;
  }

  private async start(): Promise<PgBoss> {
    const boss = new PgBoss({
      db: toDb((statement, values) => this.database.query(statement, values)),
      schema,
      migrate: false,
      createSchema: false,
      schedule: false,
      reindex: false,
      monitorVacuum: false,
      superviseIntervalSeconds: superviseSeconds,
      monitorIntervalSeconds: superviseSeconds,
    });
    boss.on('error', (error) => this.logger.warn(`The queue of deliveries: ${error.message}`));
    return boss.start();
  }
}

function queueOf(endpointId: string): string {
  return `webhook-${endpointId}`;
}

/** Statements of pg-boss have no names: they are built for each call. */
function toDb(query: Query): Db {
  return {
    executeSql: async (text, values = []) => ({ rows: await query({ name: '', text }, values) }),
  };
}
