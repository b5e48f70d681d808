import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import type { AuditEntry, AuditWriter } from './audit-chain.js';

/** A writer's signed note of how far its chain reaches. */
export interface NotedHead {
  readonly sequence: number;
  readonly mac: Buffer;
}

const statements = {
  latestWriter: {
    name: 'audit-latest-writer',
    text: `SELECT number, head_sequence::float8 AS "headSequence", head_mac AS "headMac"
           FROM audit_writers ORDER BY number DESC LIMIT 1`,
  },
  insertWriter: {
    name: 'audit-insert-writer',
    text: `INSERT INTO audit_writers (number, kid, started_at, witnessed_sequence, witnessed_mac, head_sequence, head_mac)
           VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (number) DO NOTHING RETURNING number`,
  },
  append: {
    name: 'audit-append',
    text: `WITH head AS (
             UPDATE audit_writers SET head_sequence = $3, head_mac = $4 WHERE number = $1 AND head_sequence = $2 RETURNING number
           ), entries AS (
             INSERT INTO audit_entries (writer, sequence, recorded_at, action, outcome, actor, user_digest, provider,
               connection_id, subject, code, request_id, mac)
             SELECT head.number, $2 + entry.place, timestamptz 'epoch' + entry.recorded_ms * interval '1 millisecond',
               entry.action, entry.outcome, entry.actor, entry.user_digest, entry.provider, entry.connection_id,
               entry.subject, entry.code, entry.request_id, entry.mac
             FROM head, unnest($5::bigint[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::text[], $11::uuid[],
               $12::text[], $13::text[], $14::text[], $15::bytea[]) WITH ORDINALITY AS entry (recorded_ms, action, outcome, actor,
               user_digest, provider, connection_id, subject, code, request_id, mac, place)
           )
           SELECT number FROM head`,
  },
} satisfies Record<string, Statement>;

/** The tables of the audit trail. Entries are only ever added; of a writer only the noted head changes. */
@Injectable()
export class AuditStore {
  constructor(private readonly database: Database) {}

  /** Returns the number and the noted head of the writer that began last, if there is one. */
  async findLatestWriter(): Promise<{ number: number; head: NotedHead } | undefined> {
    const [row] = await this.database.query<{ number: number; headSequence: number; headMac: Buffer }>(
      statements.latestWriter,
    );
    return row && { number: row.number, head: { sequence: row.headSequence, mac: row.headMac } };
  }

  /** Adds a writer without entries. Returns false when another process has taken the number. */
  async insertWriter(writer: AuditWriter, headMac: Buffer): Promise<boolean> {
    const rows = await this.database.query(statements.insertWriter, [
      writer.number,
      writer.kid,
      writer.startedAt,
      writer.witnessedSequence,
      writer.witnessedMac,
      headMac,
    ]);
    return rows.length === 1;
  }

  /**
   * Adds entries to the end of a writer's chain and notes its new head, in one statement.
   *
   * @param writerNumber - whose chain
   * @param entries - at least one, in their order
   * @param head - what the writer notes: the last of the entries
   * @throws Error when the chain does not end where the entries begin; nothing is added
   */
  async append(writerNumber: number, entries: readonly AuditEntry[], head: NotedHead): Promise<void> {
    const rows = await this.database.query(statements.append, [
      writerNumber,
      head.sequence - entries.length,
      head.sequence,
      head.mac,
      entries.map(({ recordedAt }) => recordedAt.getTime()),
      entries.map(({ action }) => action),
      entries.map(({ outcome }) => outcome),
      entries.map(({ actor }) => actor),
      entries.map(({ userDigest }) => userDigest),
      entries.map(({ provider }) => provider),
      entries.map(({ connectionId }) => connectionId),
      entries.map(({ subject }) => subject),
      entries.map(({ code }) => code),
      entries.map(({ requestId }) => requestId),
      entries.map(({ mac }) => mac),
    ]);
    if (rows.length !== 1) {
      throw new Error(`The chain of audit writer ${writerNumber} is not where this process left it.`);
    }
  }
}
