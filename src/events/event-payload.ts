import type { StoredEvent } from './event-store.js';
import type { EventDetails, EventProof, EventSource, EventType } from './event-type.js';

/**
 * An event on the wire: the body of a delivery, and one entry of `GET /v1/events`. An event leaves out the fields that
 * it does not have.
 */
export interface EventPayload {
  readonly id: string;
  readonly type: EventType;
  /** RFC 3339. */
  readonly timestamp: string;
  readonly data: EventDetails & {
    readonly user_id?: string;
    readonly provider?: string;
    readonly connection_id?: string;
    readonly sequence?: number;
    readonly reason?: string;
    readonly source: EventSource;
    readonly proof: EventProof;
  };
}

/**
 * Converts an event for the wire.
 *
 * @param event - as stored
 * @param userId - its user, opened if it was sealed; `null` when it has none
 */
export function toPayload(event: StoredEvent, userId: string | null): EventPayload {
  const { id, type, occurredAt, provider, connectionId, sequence, reason, details, source, proof } = event;
  return {
    id,
    type,
    timestamp: occurredAt.toISOString(),
    data: {
      ...(userId === null ? {} : { user_id: userId }),
      ...(provider === null ? {} : { provider }),
      ...(connectionId === null ? {} : { connection_id: connectionId }),
      ...(sequence === null ? {} : { sequence }),
      ...(reason === null ? {} : { reason }),
      ...details,
      source,
      proof,
    },
  };
}
