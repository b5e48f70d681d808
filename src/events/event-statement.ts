import type { EventOrigin, EventSource, EventType } from './event-type.js';

/** How the events of a change are written. Each field but the first is SQL. */
export interface EventFields {
  readonly origin: EventOrigin | { readonly sourceSql: string; readonly proofSql: string };
  /** Over the columns of the changed connection and `type`. */
  readonly reason?: string;
  /** `jsonb` over the same columns. */
  readonly details?: string;
}

/** An SQL list of types for {@link announce}. */
export function typesOf(...types: EventType[]): string {
  return `ARRAY[${types.map((type) => `'${type}'`).join(', ')}]`;
}

/** SQL: a list of the types whose condition holds. */
export function typesWhere(conditions: Partial<Record<EventType, string>>): string {
  const each = Object.entries(conditions).map(([type, condition]) => `CASE WHEN ${condition} THEN '${type}' END`);
  return `array_remove(ARRAY[${each.join(', ')}], NULL)`;
}

/**
 * SQL for the SET clause of a change of `connections`: the events that it causes, and their numbers.
 *
 * @param types - SQL: a `text[]` over the row before the change, which no RETURNING clause could still see
 */
export function announce(types: string): string {
  return `last_events = ${types},
    event_sequence = connections.event_sequence + coalesce(cardinality(${types}), 0)`;
}

/**
 * SQL: a statement that changes connections and writes the events of the change, so that both are committed or neither
 * is.
 *
 * @param change - an INSERT or UPDATE of `connections`, up to its RETURNING clause; it sets the columns of
 *   {@link announce}
 * @param fields - the content of the events
 * @param returning - the selected expressions, over all columns of the changed rows
 * @param options - `with`: earlier parts of the WITH clause; `columns`: further columns of the change
 */
export function withEvents(
  change: string,
  fields: EventFields,
  returning: string,
  options: { readonly with?: string; readonly columns?: string } = {},
): string {
  const { with: before, columns } = options;
  return `WITH ${before === undefined ? '' : `${before}, `}changed AS (
      ${change} RETURNING connections.*${columns === undefined ? '' : `, ${columns}`}
    ), told AS (${writeEvents('changed', fields)})
    SELECT ${returning} FROM changed`;
}

/** SQL: the company's metadata as a detail of an event, if there is any. That of an erased user is left out. */
const metadataDetails = `CASE WHEN metadata = '{}' THEN '{}'::jsonb ELSE jsonb_build_object('metadata', metadata) END`;

/**
 * SQL: writes the events of changed connections.
 *
 * @param changed - a part of the WITH clause: user, provider, id, metadata and event columns of the changed rows
 * @param fields - as in {@link withEvents}
 */
export function writeEvents(
  changed: string,
  { origin, reason = 'NULL', details = `'{}'::jsonb` }: EventFields,
): string {
  const [source, proof] =
    'sourceSql' in origin ? [origin.sourceSql, origin.proofSql] : [`'${origin.source}'`, `'${origin.proof}'`];
  return `INSERT INTO events (id, type, user_id, provider, connection_id, sequence, reason, details, source, proof)
    SELECT gen_random_uuid(), type, user_id, provider, id, event_sequence - cardinality(last_events) + place, ${reason},
      ${details} || ${metadataDetails}, ${source}, ${proof}
    FROM ${changed} CROSS JOIN LATERAL unnest(last_events) WITH ORDINALITY AS each (type, place)`;
}

/**
 * SQL: writes the event of a removed connection.
 *
 * @param removed - a part of the WITH clause with the user, provider, id, metadata and `event_sequence` of the
 *   removed row
 * @param values - SQL for the fields of {@link Removal}, and for the reason
 */
export function writeRemoval(
  removed: string,
  values: { readonly source: string; readonly eventId: string; readonly sealed: string; readonly reason?: string },
): string {
  const { source, eventId, sealed, reason = 'NULL' } = values;
  return `INSERT INTO events (id, type, user_id, sealed, provider, connection_id, sequence, reason, details, source, proof)
    SELECT ${eventId}::uuid, 'connection.unlinked', CASE WHEN ${sealed}::bytea IS NULL THEN user_id END, ${sealed}::bytea,
      provider, id, event_sequence + 1, ${reason}, CASE WHEN ${sealed}::bytea IS NULL THEN ${metadataDetails} ELSE '{}'::jsonb END,
      ${source}, 'confirmed' FROM ${removed}`;
}

/** The parameters of the event of a removed connection. */
export interface Removal {
  readonly source: EventSource;
  /** UUID for the event. */
  readonly eventId: string;
  /** The user's id, sealed for this event; `null` when the event may have it in clear. */
  readonly sealed: Buffer | null;
}
