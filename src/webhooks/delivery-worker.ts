import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import type { BackgroundJob } from '../clock/background-job.js';
import { BackgroundJobs } from '../clock/background-jobs.js';
import { Clock } from '../clock/clock.js';
import { Database } from '../database/database.js';
import { MicroBatch } from '../database/micro-batch.js';
import { toPayload } from '../events/event-payload.js';
import { EventStore, type StoredEvent } from '../events/event-store.js';
import { EventUsers } from '../events/event-users.js';
import { type Attempt, AttemptStore } from './attempt-store.js';
import { DeliveryQueue, type DeliveryJob } from './delivery-queue.js';
import { pauseAfterSeconds } from './delivery-schedule.js';
import { EndpointSecrets } from './endpoint-secrets.js';
import { EndpointStore } from './endpoint-store.js';
import { EventDispatcher } from './event-dispatcher.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';
import { WebhookRequest, type WebhookResponse } from './webhook-request.js';
import { deliveries, disabledEndpoints } from './webhooks.metrics.js';

/** Deliveries at once to one endpoint, in this process. One counts until its response. */
const concurrency = 20;
/** Deliveries to one endpoint without a record. At this number no more are taken: the database is too slow. */
const mostUnfinished = 10 * concurrency;
/** Number of deliveries left at which more are taken. Each time costs four statements, for one delivery or ten. */
const refillAt = concurrency / 2;
/** Longest pause between checks of the queues, in milliseconds. */
const pauseMs = 500;
/** Deliveries that are recorded together. */
const limits = { maxItems: 500, maxWaiting: 10_000 };

/** A delivery that has ended; without an attempt when its event is erased. */
interface Ended {
  readonly endpointId: string;
  readonly job: DeliveryJob;
  readonly attempt: Attempt | undefined;
  readonly isGone: boolean;
  /** Until the next attempt; `undefined` if none follows. */
  readonly pauseSeconds: number | undefined;
}

/** Deliveries to one endpoint. */
interface UnderWay {
  /** Those that have no response yet. */
  sending: number;
  /** All that are not recorded yet. */
  readonly unfinished: Set<Promise<void>>;
}

/**
 * Makes the deliveries. Each endpoint has a queue and a concurrency limit of its own. An outcome is recorded after the
 * response, in one transaction with the next attempt. A process that dies in between repeats the delivery.
 */
@Injectable()
export class DeliveryWorker implements BeforeApplicationShutdown {
  private readonly logger = new Logger(DeliveryWorker.name);
  private readonly job: BackgroundJob;
  private readonly records = new MicroBatch<Ended, void>((ended) => this.record(ended), limits);
  private readonly underWay = new Map<string, UnderWay>();

  constructor(
    private readonly database: Database,
    private readonly endpoints: EndpointStore,
    private readonly secrets: EndpointSecrets,
    private readonly queue: DeliveryQueue,
    private readonly events: EventStore,
    private readonly users: EventUsers,
    private readonly attempts: AttemptStore,
    private readonly request: WebhookRequest,
    private readonly clock: Clock,
    dispatcher: EventDispatcher,
    jobs: BackgroundJobs,
  ) {
    this.job = jobs.add('workers', { name: DeliveryWorker.name, run: () => this.step() });
    dispatcher.onDispatched(() => this.job.wake());
  }

  /** Starts no further delivery, and lets the running ones finish. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.job.stop();
    await Promise.all([...this.underWay.values()].flatMap(({ unfinished }) => [...unfinished]));
  }

  /** Takes what is due and starts delivering it. Returns milliseconds until the next check. */
  private async step(): Promise<number> {
    const endpoints = (await this.endpoints.list()).filter(({ status }) => status === 'enabled');
    const taken = await Promise.all(endpoints.map((endpoint) => this.take(endpoint)));
    return taken.some((isFull) => isFull) ? 0 : pauseMs;
  }

  /** @returns whether there is room for more, and more may be due */
  private async take(endpoint: WebhookEndpoint): Promise<boolean> {
    const own = this.underWay.get(endpoint.id) ?? { sending: 0, unfinished: new Set() };
    this.underWay.set(endpoint.id, own);
    if (own.sending > refillAt || own.unfinished.size >= mostUnfinished) {
      return false;
    }
    const room = concurrency - own.sending;
    const jobs = await this.queue.take(endpoint.id, room);
    if (jobs.length === 0) {
      return false;
    }
    const [events, secrets] = await Promise.all([
      this.events.findAll(jobs.map(({ data }) => data.eventId)),
      this.secrets.live(endpoint),
    ]);
    const isFull = jobs.length === room;
    for (const job of jobs) {
      own.sending += 1;
      const delivery = this.deliver(endpoint, secrets, job, events.get(job.data.eventId))
        .finally(() => {
          own.sending -= 1;
          if (isFull && own.sending <= refillAt) {
            this.job.wake();
          }
        })
        .then((ended) => this.records.add(ended))
        .catch((error: unknown) => {
          // The job is repeated when it has expired.
          this.logger.error(error);
        })
        .finally(() => {
          own.unfinished.delete(delivery);
          if (own.unfinished.size === mostUnfinished / 2) {
            this.job.wake();
          }
        });
      own.unfinished.add(delivery);
    }
    return false;
  }

  private async deliver(
    endpoint: WebhookEndpoint,
    secrets: readonly string[],
    job: DeliveryJob,
    event: StoredEvent | undefined,
  ): Promise<Ended> {
    if (event === undefined) {
      return { endpointId: endpoint.id, job, attempt: undefined, isGone: false, pauseSeconds: undefined };
    }
    const body = JSON.stringify(toPayload(event, await this.users.of(event)));
    const startedAt = performance.now();
    const attemptedAt = this.clock.now();
    const response = await this.request.send(endpoint.url, event.id, body, secrets);
    const durationMs = Math.round(performance.now() - startedAt);
    const { isDelivered, isGone, retryAfterSeconds } = response;
    const pauseSeconds = isDelivered
      ? undefined
      : pauseAfterSeconds(job.data.attempt, retryAfterSeconds, Math.random());
    const times = { attemptedAt, durationMs, pauseSeconds };
    const attempt = this.toAttempt(endpoint.id, event, job, response, times);
    deliveries.inc({ endpoint: endpoint.id, outcome: attempt.outcome });
    return { endpointId: endpoint.id, job, attempt, isGone, pauseSeconds };
  }

  private toAttempt(
    endpointId: string,
    event: StoredEvent,
    { data: { attempt } }: DeliveryJob,
    { isDelivered, httpStatus, errorCode }: WebhookResponse,
    { pauseSeconds, ...times }: Pick<Attempt, 'attemptedAt' | 'durationMs'> & Pick<Ended, 'pauseSeconds'>,
  ): Attempt {
    return {
      endpointId,
      eventId: event.id,
      eventType: event.type,
      attempt,
      ...times,
      outcome: isDelivered ? 'delivered' : pauseSeconds === undefined ? 'failed' : 'retrying',
      httpStatus,
      errorCode,
      nextAttemptAt: pauseSeconds === undefined ? null : new Date(this.clock.now().getTime() + pauseSeconds * 1_000),
    };
  }

  /** Records outcomes, and queues the next attempts. */
  private async record(ended: readonly Ended[]): Promise<void[]> {
    const disabled = await this.database.transaction(async (query) => {
      const attempts = ended.flatMap(({ attempt }) => attempt ?? []);
      await this.attempts.insert(query, attempts);
      const reasons = [];
      for (const [endpointId, own] of Map.groupBy(ended, (each) => each.endpointId)) {
        await this.queue.finish(
          query,
          endpointId,
          own.map(({ job }) => job),
        );
        const retries = own.flatMap(({ job: { data }, pauseSeconds: startAfterSeconds }) =>
          startAfterSeconds === undefined ? [] : [{ ...data, attempt: data.attempt + 1, startAfterSeconds }],
        );
        if (retries.length > 0) {
          await this.queue.add(query, endpointId, retries);
        }
        if (own.some(({ attempt }) => attempt?.outcome === 'delivered')) {
          await this.endpoints.noteSuccess(query, endpointId);
        } else if (own.some(({ attempt }) => attempt !== undefined)) {
          const isGone = own.some((each) => each.isGone);
          reasons.push({ endpointId, reason: await this.endpoints.noteFailure(query, endpointId, isGone) });
        }
      }
      return reasons;
    });
    for (const { endpointId, reason } of disabled) {
      if (reason !== undefined) {
        disabledEndpoints.inc({ reason });
        this.logger.error(`Webhook endpoint ${endpointId} is disabled: ${reason}. Events for it are kept for 30 days.`);
      }
    }
    return ended.map(() => undefined);
  }
}
