import { Injectable } from '@nestjs/common';
import { Database, type Query, type Statement } from '../database/database.js';
import type { DisabledReason, EndpointTarget, WebhookEndpoint } from './webhook-endpoint.js';

/** How long all deliveries to an endpoint must fail before it is disabled, in days. */
export const disabledAfterDays = 5;

const columns = `id, url, event_types AS "eventTypes", providers, sealed, status, disabled_reason AS "disabledReason",
  failing_since AS "failingSince", created_at AS "createdAt"`;

const statements = {
  insert: {
    name: 'webhook-endpoints-insert',
    text: `INSERT INTO webhook_endpoints (id, url, event_types, providers, sealed) VALUES ($1, $2, $3, $4, $5) RETURNING ${columns}`,
  },
  list: { name: 'webhook-endpoints-list', text: `SELECT ${columns} FROM webhook_endpoints ORDER BY created_at, id` },
  find: { name: 'webhook-endpoints-find', text: `SELECT ${columns} FROM webhook_endpoints WHERE id = $1` },
  update: {
    name: 'webhook-endpoints-update',
    text: `UPDATE webhook_endpoints SET url = $3, event_types = $4, providers = $5, sealed = $6, status = $7,
             disabled_reason = CASE WHEN $7 = 'enabled' THEN NULL ELSE coalesce(disabled_reason, 'call') END,
             failing_since = CASE WHEN $7 = 'enabled' AND status = 'disabled' THEN NULL ELSE failing_since END
           WHERE id = $1 AND sealed = $2 RETURNING ${columns}`,
  },
  remove: { name: 'webhook-endpoints-remove', text: 'DELETE FROM webhook_endpoints WHERE id = $1 RETURNING id' },
  noteSuccess: {
    name: 'webhook-endpoints-note-success',
    text: 'UPDATE webhook_endpoints SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL',
  },
  noteFailure: {
    name: 'webhook-endpoints-note-failure',
    text: `WITH noted AS (
             UPDATE webhook_endpoints SET failing_since = coalesce(failing_since, now()),
               status = CASE WHEN $2 OR failing_since <= now() - $3 * interval '1 day' THEN 'disabled' ELSE status END,
               disabled_reason = CASE WHEN $2 THEN 'gone' WHEN failing_since <= now() - $3 * interval '1 day' THEN 'failing' END
             WHERE id = $1 AND status = 'enabled' RETURNING id, status, disabled_reason
           ), told AS (
             INSERT INTO events (id, type, reason, details, source, proof)
             SELECT gen_random_uuid(), 'webhook.disabled', disabled_reason, jsonb_build_object('endpoint_id', id), 'refresh', 'confirmed'
             FROM noted WHERE status = 'disabled'
           )
           SELECT disabled_reason AS reason FROM noted WHERE status = 'disabled'`,
  },
} satisfies Record<string, Statement>;

/** The table of webhook endpoints. */
@Injectable()
export class EndpointStore {
  constructor(private readonly database: Database) {}

  async insert(id: string, target: EndpointTarget, sealed: Buffer): Promise<WebhookEndpoint> {
    const values = [id, target.url, target.eventTypes, target.providers, sealed];
    const [row] = await this.database.query<WebhookEndpoint>(statements.insert, values);
    if (row === undefined) {
      throw new Error('The webhook endpoint could not be stored.');
    }
    return row;
  }

  /** Returns all endpoints, the oldest first. */
  list(): Promise<WebhookEndpoint[]> {
    return this.database.query<WebhookEndpoint>(statements.list);
  }

  async find(id: string): Promise<WebhookEndpoint | undefined> {
    const [row] = await this.database.query<WebhookEndpoint>(statements.find, [id]);
    return row;
  }

  /** Changes an endpoint, unless its secrets or its target have changed since it was read. */
  async update(
    { id, sealed: before }: WebhookEndpoint,
    target: EndpointTarget,
    sealed: Buffer,
    status: WebhookEndpoint['status'],
  ): Promise<WebhookEndpoint | undefined> {
    const values = [id, before, target.url, target.eventTypes, target.providers, sealed, status];
    const [row] = await this.database.query<WebhookEndpoint>(statements.update, values);
    return row;
  }

  /** Deletes an endpoint. Returns false when there is none. */
  async remove(id: string): Promise<boolean> {
    return (await this.database.query(statements.remove, [id])).length === 1;
  }

  /** Records, in a transaction, that a delivery has succeeded. */
  async noteSuccess(query: Query, id: string): Promise<void> {
    await query(statements.noteSuccess, [id]);
  }

  /**
   * Records, in a transaction, that deliveries have failed. Disables an endpoint that is gone or has failed for
   * {@link disabledAfterDays}, and writes the event.
   *
   * @returns why it is disabled now; `undefined` when it is not, or was before
   */
  async noteFailure(query: Query, id: string, isGone: boolean): Promise<DisabledReason | undefined> {
    const values = [id, isGone, disabledAfterDays];
    const [row] = await query<{ reason: DisabledReason }>(statements.noteFailure, values);
    return row?.reason;
  }
}
