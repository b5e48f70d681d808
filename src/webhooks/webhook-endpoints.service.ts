import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { AuditAction, Requester } from '../audit/audit-event.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { Database } from '../database/database.js';
import {
  EventNotFoundError,
  WebhookEndpointNotFoundError,
  WebhookUrlNotAllowedError,
} from '../errors/webhook.errors.js';
import { EventRecorder } from '../events/event-recorder.js';
import { EventStore } from '../events/event-store.js';
import { eventSource, type EventType } from '../events/event-type.js';
import { AttemptStore, type StoredAttempt } from './attempt-store.js';
import { DeliveryQueue } from './delivery-queue.js';
import { EndpointSecrets } from './endpoint-secrets.js';
import { EndpointStore } from './endpoint-store.js';
import { wants, type EndpointTarget, type WebhookEndpoint } from './webhook-endpoint.js';
import { WebhookOutboundPolicy } from './webhook-http-client.js';

/** Events read at a time when failed ones are resent. */
const pageSize = 1_000;
/** Attempts of a change that conflicts with another one. */
const changeAttempts = 5;

/** An endpoint, and its signing secret, which is shown once. */
export interface NewSecret {
  readonly endpoint: WebhookEndpoint;
  readonly secret: string;
}

/** A caller's changes of an endpoint. A field that is `undefined` stays. */
export interface EndpointChange {
  readonly url?: string | undefined;
  readonly eventTypes?: readonly EventType[] | undefined;
  readonly providers?: readonly string[] | null | undefined;
  readonly status?: 'enabled' | 'disabled' | undefined;
}

/** Manages webhook endpoints. Each change is in the audit trail before it is made (LOG-05). */
@Injectable()
export class WebhookEndpointsService {
  constructor(
    private readonly store: EndpointStore,
    private readonly secrets: EndpointSecrets,
    private readonly attempts: AttemptStore,
    private readonly queue: DeliveryQueue,
    private readonly events: EventStore,
    private readonly recorder: EventRecorder,
    private readonly policy: WebhookOutboundPolicy,
    private readonly audit: AuditTrail,
    private readonly database: Database,
  ) {}

  /**
   * Makes an endpoint. It receives the events from now on.
   *
   * @throws {@link WebhookUrlNotAllowedError} when nothing may be sent to its URL
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError}
   */
  async create(target: EndpointTarget, requester: Requester): Promise<NewSecret> {
    this.checkUrl(target.url);
    const id = randomUUID();
    const { secret, sealed } = this.secrets.create(id, target);
    await this.note('webhook_endpoint.created', id, requester);
    return { endpoint: await this.store.insert(id, target, sealed), secret };
  }

  /** Returns all endpoints, the oldest first. */
  list(): Promise<WebhookEndpoint[]> {
    return this.store.list();
  }

  /** @throws {@link WebhookEndpointNotFoundError} */
  async get(id: string): Promise<WebhookEndpoint> {
    const endpoint = await this.store.find(id);
    if (endpoint === undefined) {
      throw new WebhookEndpointNotFoundError();
    }
    return endpoint;
  }

  /**
   * Changes an endpoint.
   *
   * @throws {@link WebhookEndpointNotFoundError}
   * @throws {@link WebhookUrlNotAllowedError} when nothing may be sent to its new URL
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError}
   */
  async change(id: string, change: EndpointChange, requester: Requester): Promise<WebhookEndpoint> {
    if (change.url !== undefined) {
      this.checkUrl(change.url);
    }
    await this.get(id);
    await this.note('webhook_endpoint.changed', id, requester);
    return this.retry(id, async (endpoint) => {
      const target: EndpointTarget = {
        url: change.url ?? endpoint.url,
        eventTypes: change.eventTypes ?? endpoint.eventTypes,
        providers: change.providers === undefined ? endpoint.providers : change.providers,
      };
      const sealed = await this.secrets.reseal(endpoint, target);
      return this.store.update(endpoint, target, sealed, change.status ?? endpoint.status);
    });
  }

  /**
   * Makes a new signing secret. The current one signs as well for a day.
   *
   * @throws {@link WebhookEndpointNotFoundError}, {@link DatabaseUnavailableError}, {@link KeyUnavailableError}
   */
  async rotate(id: string, requester: Requester): Promise<NewSecret & { readonly previousExpiresAt: Date }> {
    await this.get(id);
    await this.note('webhook_endpoint.rotated', id, requester);
    return this.retry(id, async (endpoint) => {
      const { secret, sealed, previousExpiresAt } = await this.secrets.rotate(endpoint);
      const changed = await this.store.update(endpoint, endpoint, sealed, endpoint.status);
      return changed && { endpoint: changed, secret, previousExpiresAt };
    });
  }

  /**
   * Removes an endpoint and the deliveries that wait for it.
   *
   * @throws {@link WebhookEndpointNotFoundError}, {@link DatabaseUnavailableError}
   */
  async remove(id: string, requester: Requester): Promise<void> {
    await this.get(id);
    await this.note('webhook_endpoint.removed', id, requester);
    await this.store.remove(id);
    await this.queue.remove(id);
  }

  /**
   * Returns attempts to deliver to an endpoint, newest first.
   *
   * @throws {@link WebhookEndpointNotFoundError}
   */
  async listAttempts(
    id: string,
    filter: { readonly outcome?: string | undefined; readonly eventId?: string | undefined },
    before: number,
    limit: number,
  ): Promise<StoredAttempt[]> {
    await this.get(id);
    return this.attempts.page(id, filter, before, limit);
  }

  /**
   * Delivers one event to an endpoint, even if the endpoint does not want it or has already received it.
   *
   * @throws {@link WebhookEndpointNotFoundError}, {@link EventNotFoundError}
   */
  async resend(id: string, eventId: string): Promise<void> {
    await this.get(id);
    if (!(await this.events.findAll([eventId])).has(eventId)) {
      throw new EventNotFoundError();
    }
    await this.enqueue(id, [eventId]);
  }

  /**
   * Delivers all events since an instant that an endpoint wants and has not received: events whose attempts failed, and
   * events from the time while it was disabled. Events from before the endpoint was made are left out.
   *
   * @returns the number of queued events, including those that were already queued
   * @throws {@link WebhookEndpointNotFoundError}
   */
  async resendFailed(id: string, since: Date): Promise<number> {
    const endpoint = await this.get(id);
    const from = since > endpoint.createdAt ? since : endpoint.createdAt;
    let queued = 0;
    let after = 0;
    for (;;) {
      const page = await this.attempts.listUndelivered(id, after, from, pageSize);
      const wanted = page.filter((event) => wants(endpoint, event)).map((event) => event.id);
      if (wanted.length > 0) {
        await this.enqueue(id, wanted);
      }
      queued += wanted.length;
      after = page.at(-1)?.position ?? after;
      if (page.length < pageSize) {
        return queued;
      }
    }
  }

  /**
   * Writes a test event, which only this endpoint receives.
   *
   * @returns the id of the event
   * @throws {@link WebhookEndpointNotFoundError}
   */
  async test(id: string, requester: Requester): Promise<string> {
    await this.get(id);
    return this.recorder.record({
      type: 'webhook.test',
      source: eventSource(requester),
      proof: 'confirmed',
      details: { endpoint_id: id },
    });
  }

  private enqueue(id: string, eventIds: readonly string[]): Promise<void> {
    const deliveries = eventIds.map((eventId) => ({ eventId, attempt: 1 }));
    return this.database.transaction((query) => this.queue.add(query, id, deliveries));
  }

  private async retry<Result>(
    id: string,
    attempt: (endpoint: WebhookEndpoint) => Promise<Result | undefined>,
  ): Promise<Result> {
    for (let count = 0; count < changeAttempts; count += 1) {
      const result = await attempt(await this.get(id));
      if (result !== undefined) {
        return result;
      }
    }
    throw new Error(`A webhook endpoint changed ${changeAttempts} times while it was being changed.`);
  }

  private checkUrl(url: string): void {
    const objection = this.policy.check(url);
    if (objection !== undefined) {
      throw new WebhookUrlNotAllowedError(objection);
    }
  }

  private note(action: AuditAction, id: string, requester: Requester): Promise<void> {
    return this.audit.record({ ...requester, action, outcome: 'success', subject: `webhook-endpoint:${id}` });
  }
}
