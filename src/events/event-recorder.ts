import { Injectable } from '@nestjs/common';
import { EventStore } from './event-store.js';
import type { EventDetails, EventOrigin, EventType } from './event-type.js';

/** An event that no change of a connection causes. Those are written by the statement of the change, see `withEvents`. */
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
   * Writes an event of a provider, or of nothing in particular.
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
