import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { EventStore } from './event-store.js';
import type { EventDetails, EventOrigin, EventType } from './event-type.js';

/**
 * An event that no change of a connection causes. The statement of a change writes the event of the change itself, see
 * `withEvents`.
 */
export interface NewEvent extends EventOrigin {
  readonly type: EventType;
  readonly reason?: string | undefined;
  readonly details?: EventDetails | undefined;
}

/** The connection of an event. */
export interface EventConnection {
  readonly userId: string;
  readonly provider: string;
  /** UUID of the connection. */
  readonly id: string;
}

/** Writes events. An event is durable when a method returns; `EventPublisher` places it in the stream. */
@Injectable()
export class EventRecorder {
  constructor(private readonly store: EventStore) {}

  /**
   * Writes an event of a provider, or one without a subject.
   *
   * @param event - holds no token, no secret and no health data
   * @param provider - slug
   * @returns the id of the event
   * @throws {@link DatabaseUnavailableError} when it cannot be written
   */
  record({ type, reason, details, source, proof }: NewEvent, provider?: string): Promise<string> {
    const facts = { type, reason: reason ?? null, details: details ?? {}, source, proof };
    return this.store.add({ ...facts, userId: null, provider: provider ?? null });
  }

  /**
   * Writes an event of a provider, unless the same one exists.
   *
   * @param key - identifies the event, and determines its id
   * @param event - as in {@link record}
   * @param provider - slug
   * @throws {@link DatabaseUnavailableError} when it cannot be written
   */
  async recordOnce(key: string, { type, reason, details, source, proof }: NewEvent, provider: string): Promise<void> {
    const facts = { type, reason: reason ?? null, details: details ?? {}, source, proof };
    await this.store.add({ ...facts, userId: null, provider }, idOf(key));
  }

  /**
   * Writes an event of a connection and counts it there.
   *
   * @param connection - its user, provider and id
   * @param event - holds no token, no secret and no health data
   * @returns whether the connection exists; if not, nothing is written
   * @throws {@link DatabaseUnavailableError} when it cannot be written
   */
  recordOf({ id, ...place }: EventConnection, event: NewEvent): Promise<boolean> {
    const { type, reason, details, source, proof } = event;
    const facts = { type, reason: reason ?? null, details: details ?? {}, source, proof };
    return this.store.addOfConnection({ ...place, connectionId: id, ...facts });
  }
}

/** Returns a UUID of version 8 (RFC 9562) for a text. */
function idOf(key: string): string {
  const hex = createHash('sha256').update(key).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
