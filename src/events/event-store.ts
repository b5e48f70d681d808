import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import { writeEvents } from './event-statement.js';
import type { EventDetails, EventProof, EventSource, EventType } from './event-type.js';

/** An event, as stored. */
export interface StoredEvent {
  /** UUID; the same in every delivery. */
  readonly id: string;
  /** The place in the stream. */
  readonly position: number;
  readonly type: EventType;
  readonly occurredAt: Date;
  /** `null` for an event of a provider, and for one of an erased user. */
  readonly userId: string | null;
  /** The id of an erased user, sealed. */
  readonly sealed: Buffer | null;
  readonly provider: string | null;
  readonly connectionId: string | null;
  readonly sequence: number | null;
  readonly reason: string | null;
  readonly details: EventDetails;
  readonly source: EventSource;
  readonly proof: EventProof;
}

/** A choice of events. */
export interface EventFilter {
  /** Only of this user. */
  readonly userId?: string | undefined;
  /** Only these types. */
  readonly types?: readonly EventType[] | undefined;
  /** Only of these providers, and events without a provider. */
  readonly providers?: readonly string[] | undefined;
}

const columns = (
  place: string,
): string => `id, ${place}::float8 AS position, type, occurred_at AS "occurredAt", user_id AS "userId", sealed, provider,
  connection_id AS "connectionId", sequence, reason, details, source, proof`;

/** One statement for a user and one for all, because each needs an index of its own. */
const page = (name: string, condition: string): Statement => ({
  name,
  text: `SELECT ${columns('position')} FROM events
         WHERE position > $1 ${condition} AND ($3::text[] IS NULL OR type = ANY ($3))
           AND ($4::text[] IS NULL OR provider IS NULL OR provider = ANY ($4))
         ORDER BY position LIMIT $2`,
});

const statements = {
  add: {
    name: 'events-add',
    text: `INSERT INTO events (id, type, user_id, provider, reason, details, source, proof)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
  },
  addOfConnection: {
    name: 'events-add-of-connection',
    text: `WITH changed AS (
             UPDATE connections SET last_events = ARRAY[$4], event_sequence = event_sequence + 1
             WHERE user_id = $1 AND provider = $2 AND id = $3 RETURNING user_id, provider, id, metadata, last_events, event_sequence
           )
           ${writeEvents('changed', { origin: { sourceSql: '$7', proofSql: '$8' }, reason: '$5', details: '$6::jsonb' })}
           RETURNING id`,
  },
  isWaiting: {
    name: 'events-is-waiting',
    text: 'SELECT 1 FROM events WHERE position IS NULL LIMIT 1',
  },
  lockStream: {
    name: 'events-lock-stream',
    text: `SELECT position::float8 AS last FROM event_cursors WHERE name = 'stream' FOR UPDATE SKIP LOCKED`,
  },
  publish: {
    name: 'events-publish',
    text: `WITH waiting AS (
             SELECT number, row_number() OVER (ORDER BY number) AS place
             FROM (SELECT number FROM events WHERE position IS NULL ORDER BY number LIMIT $2) AS oldest
           )
           UPDATE events SET position = $1::bigint + place FROM waiting WHERE events.number = waiting.number
           RETURNING events.number`,
  },
  moveStream: {
    name: 'events-move-stream',
    text: `UPDATE event_cursors SET position = position + $1 WHERE name = 'stream'`,
  },
  page: page('events-page', ''),
  pageOfUser: page('events-page-of-user', 'AND user_id = $5'),
  find: {
    name: 'events-find',
    text: `SELECT ${columns('position')} FROM events WHERE id = ANY ($1::uuid[]) AND position IS NOT NULL`,
  },
  ofUser: {
    name: 'events-of-user',
    text: `SELECT ${columns('number')} FROM events WHERE user_id = $1 AND number > $2 ORDER BY number LIMIT $3`,
  },
  eraseOfUser: {
    name: 'events-erase-of-user',
    text: `DELETE FROM events WHERE user_id = $1 AND ($2::timestamptz IS NULL OR occurred_at <= $2)`,
  },
  addSealed: {
    name: 'events-add-sealed',
    text: `INSERT INTO events (id, type, sealed, source, proof) VALUES ($1, $2, $3, $4, 'confirmed')`,
  },
  purge: {
    name: 'events-purge',
    text: `DELETE FROM events WHERE number IN (
             SELECT number FROM events WHERE occurred_at < now() - $1::float8 * interval '1 millisecond' AND position IS NOT NULL
             ORDER BY occurred_at LIMIT $2)
           RETURNING number`,
  },
} satisfies Record<string, Statement>;

/** The events table. */
@Injectable()
export class EventStore {
  constructor(private readonly database: Database) {}

  /** Adds an event without a connection, unless there is one with this id. Returns its id. */
  async add(
    event: Omit<StoredEvent, 'id' | 'position' | 'occurredAt' | 'sealed' | 'connectionId' | 'sequence'>,
    id: string = randomUUID(),
  ): Promise<string> {
    const { type, userId, provider, reason, details, source, proof } = event;
    await this.database.query(statements.add, [id, type, userId, provider, reason, details, source, proof]);
    return id;
  }

  /** Adds an event of a connection, with its next number. Returns false when there is no such connection. */
  async addOfConnection(
    event: Pick<StoredEvent, 'type' | 'reason' | 'details' | 'source' | 'proof'> & {
      readonly userId: string;
      readonly provider: string;
      readonly connectionId: string;
    },
  ): Promise<boolean> {
    const { userId, provider, connectionId, type, reason, details, source, proof } = event;
    const values = [userId, provider, connectionId, type, reason, details, source, proof];
    return (await this.database.query(statements.addOfConnection, values)).length === 1;
  }

  /**
   * Assigns the next places in the stream to events without one, in the order of their writing. The lock lets one
   * process do this at a time, until its places are committed.
   *
   * @param limit - most events
   * @returns the number of placed events; 0 while another process does it
   */
  async publish(limit: number): Promise<number> {
    if ((await this.database.query(statements.isWaiting)).length === 0) {
      return 0;
    }
    return this.database.transaction(async (query) => {
      const [stream] = await query<{ last: number }>(statements.lockStream);
      if (stream === undefined) {
        return 0;
      }
      const { length } = await query(statements.publish, [stream.last, limit]);
      await query(statements.moveStream, [length]);
      return length;
    });
  }

  /**
   * Reads the stream. Events appear in it in the order of their places. No event appears later with an earlier place.
   * So a reader that continues from the last place that it saw misses nothing.
   *
   * @param after - the last place that the reader has seen; 0 to begin
   * @param limit - most events
   */
  page(after: number, limit: number, { userId, types, providers }: EventFilter = {}): Promise<StoredEvent[]> {
    const values = [after, limit, types ?? null, providers ?? null];
    return userId === undefined
      ? this.database.query<StoredEvent>(statements.page, values)
      : this.database.query<StoredEvent>(statements.pageOfUser, [...values, userId]);
  }

  /** Returns events of the stream, by their ids; those that were erased are left out. */
  async findAll(ids: readonly string[]): Promise<Map<string, StoredEvent>> {
    const rows = await this.database.query<StoredEvent>(statements.find, [ids]);
    return new Map(rows.map((row) => [row.id, row]));
  }

  /**
   * Reads all events of a user in the order of their writing, including those without a place.
   *
   * @param after - `position` of the last event of the page before; here it is the number of the event
   */
  listOfUser(userId: string, after: number, limit: number): Promise<StoredEvent[]> {
    return this.database.query<StoredEvent>(statements.ofUser, [userId, after, limit]);
  }

  /** Deletes the events of a user; only those until an instant, if it is given. */
  async eraseOfUser(userId: string, until?: Date): Promise<void> {
    await this.database.query(statements.eraseOfUser, [userId, until ?? null]);
  }

  /** Adds an event that names its user only sealed. */
  async addSealed(id: string, type: EventType, sealed: Buffer, source: EventSource): Promise<void> {
    await this.database.query(statements.addSealed, [id, type, sealed, source]);
  }

  /**
   * Deletes older events.
   *
   * @returns their number, at most `limit`
   */
  async purge(olderThanMs: number, limit: number): Promise<number> {
    return (await this.database.query(statements.purge, [olderThanMs, limit])).length;
  }
}
