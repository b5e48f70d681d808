import { Injectable } from '@nestjs/common';
import { Database, type Query, type Statement } from '../database/database.js';
import type { AuditEntry, AuditWriter, ChainHead, Checkpoint } from './audit-chain.js';

/** The position of an entry in the trail. */
export interface EntryPlace {
  readonly recordedAt: Date;
  readonly writer: number;
  readonly sequence: number;
}

/** An entry and where it is. */
export type StoredEntry = AuditEntry & EntryPlace;

/** Which entries are wanted; what is `undefined` does not matter. */
export interface EntryFilter {
  readonly userDigest: Buffer | undefined;
  readonly provider?: string | undefined;
  readonly action?: string | undefined;
  /** Inclusive. */
  readonly from?: Date | undefined;
  /** Exclusive. */
  readonly to?: Date | undefined;
}

const entryColumns = `writer, sequence::float8 AS sequence, recorded_at AS "recordedAt", action, outcome, actor,
  user_digest AS "userDigest", provider, connection_id AS "connectionId", subject, code, request_id AS "requestId", address, mac`;

/** One statement for a user and one for all, because each needs an index of its own. */
const findEntries = (name: string, condition: string): Statement => ({
  name,
  text: `SELECT ${entryColumns} FROM audit_entries
         WHERE ${condition} AND ($2::text IS NULL OR provider = $2) AND ($3::text IS NULL OR action = $3)
           AND recorded_at >= coalesce($4, timestamptz '-infinity') AND recorded_at < coalesce($5, timestamptz 'infinity')
           AND (recorded_at, writer, audit_entries.sequence) < (coalesce($6, timestamptz 'infinity'), $7::int4, $8::int8)
         ORDER BY recorded_at DESC, writer DESC, audit_entries.sequence DESC LIMIT $9`,
});

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
               connection_id, subject, code, request_id, address, mac)
             SELECT head.number, $2 + entry.place, timestamptz 'epoch' + entry.recorded_ms * interval '1 millisecond',
               entry.action, entry.outcome, entry.actor, entry.user_digest, entry.provider, entry.connection_id,
               entry.subject, entry.code, entry.request_id, entry.address, entry.mac
             FROM head, unnest($5::bigint[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::text[], $11::uuid[],
               $12::text[], $13::text[], $14::text[], $15::text[], $16::bytea[]) WITH ORDINALITY AS entry (recorded_ms, action, outcome, actor,
               user_digest, provider, connection_id, subject, code, request_id, address, mac, place)
           )
           SELECT number FROM head`,
  },
  findWriter: {
    name: 'audit-find-writer',
    text: `SELECT number, kid, started_at AS "startedAt", witnessed_sequence::float8 AS "witnessedSequence",
             witnessed_mac AS "witnessedMac"
           FROM audit_writers WHERE number > $1 ORDER BY number LIMIT 1`,
  },
  writerOfEntries: {
    name: 'audit-writer-of-entries',
    text: 'SELECT min(writer) AS number FROM audit_entries WHERE writer >= $1',
  },
  // Head and entries in one statement: the writer may continue.
  readChain: {
    name: 'audit-read-chain',
    text: `SELECT head_sequence::float8 AS "headSequence", head_mac AS "headMac",
             pruned_sequence::float8 AS "prunedSequence", pruned_mac AS "prunedMac", pruned_signature AS "prunedSignature", entry.*
           FROM audit_writers LEFT JOIN LATERAL (
             SELECT ${entryColumns}, recorded_at = date_trunc('milliseconds', recorded_at)
               AND recorded_at BETWEEN '1970-01-01' AND '9999-12-31' AS exact
             FROM audit_entries
             WHERE writer = number AND audit_entries.sequence >= coalesce($2::int8 + 1, '-9223372036854775808'::int8)
             ORDER BY audit_entries.sequence LIMIT $3
           ) AS entry ON true
           WHERE number = $1`,
  },
  // The removal and its checkpoint in one statement: a verifier at the same time sees both or neither.
  prune: {
    name: 'audit-prune',
    text: `WITH checkpoint AS (
             UPDATE audit_writers SET pruned_sequence = $2, pruned_mac = $3, pruned_signature = $4
             WHERE number = $1 AND pruned_sequence < $2 RETURNING number
           )
           DELETE FROM audit_entries USING checkpoint WHERE writer = checkpoint.number AND sequence BETWEEN 1 AND $2
           RETURNING 1 AS removed`,
  },
  find: findEntries('audit-find', '$1::bytea IS NULL'),
  findOfUser: findEntries('audit-find-of-user', 'user_digest = $1'),
} satisfies Record<string, Statement>;

/** The record of a writer about its chain. */
interface ChainColumns {
  readonly headSequence: number;
  readonly headMac: Buffer;
  readonly prunedSequence: number;
  readonly prunedMac: Buffer | null;
  readonly prunedSignature: Buffer | null;
}

/** The tables of the audit trail. The service only ever adds entries, and changes of a writer only the noted head. */
@Injectable()
export class AuditStore {
  constructor(private readonly database: Database) {}

  /** Returns the number and the noted head of the writer that began last, if there is one. */
  async findLatestWriter(): Promise<{ number: number; head: ChainHead } | undefined> {
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
  async append(writerNumber: number, entries: readonly AuditEntry[], head: ChainHead): Promise<void> {
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
      entries.map(({ address }) => address),
      entries.map(({ mac }) => mac),
    ]);
    if (rows.length !== 1) {
      throw new Error(`The chain of audit writer ${writerNumber} does not end where this process left it.`);
    }
  }

  /** Returns the first writer with a number above the given one. */
  async findWriter(above: number): Promise<AuditWriter | undefined> {
    const [writer] = await this.database.query<AuditWriter>(statements.findWriter, [above]);
    return writer;
  }

  /** Returns the first writer that any entry names, from the given number on. */
  async findWriterOfEntries(from: number): Promise<number | undefined> {
    const [row] = await this.database.query<{ number: number | null }>(statements.writerOfEntries, [from]);
    return row?.number ?? undefined;
  }

  /**
   * Returns entries of a writer in their order, with the head that it has noted and the checkpoint that it has at the
   * same moment.
   *
   * @param writerNumber - whose chain; it exists
   * @param afterSequence - only entries behind this one; all when `undefined`, those that nobody wrote included
   * @param limit - how many at most
   */
  async readChain(
    writerNumber: number,
    afterSequence: number | undefined,
    limit: number,
  ): Promise<{ head: ChainHead; checkpoint: Checkpoint; entries: AuditEntry[] }> {
    const rows = await this.database.query<AuditEntry & ChainColumns & { writer: number | null; exact: boolean }>(
      statements.readChain,
      [writerNumber, afterSequence ?? null, limit],
    );
    const entries = rows
      .filter(({ writer }) => writer !== null)
      // An instant finer than any that is written must not pass for the one that it is cut to, and some are none here.
      .map((row) => (row.exact ? row : { ...row, recordedAt: new Date(0) }));
    const [first] = rows;
    return {
      head: { sequence: first?.headSequence ?? 0, mac: first?.headMac ?? Buffer.alloc(0) },
      checkpoint: {
        sequence: first?.prunedSequence ?? 0,
        mac: first?.prunedMac ?? Buffer.alloc(0),
        signature: first?.prunedSignature ?? Buffer.alloc(0),
      },
      entries,
    };
  }

  /**
   * Removes the entries of a writer up to a checkpoint, and notes it. Does nothing when the writer has a later one.
   *
   * @returns how many were removed
   */
  async prune(writerNumber: number, { sequence, mac, signature }: Checkpoint): Promise<number> {
    return (await this.database.query(statements.prune, [writerNumber, sequence, mac, signature])).length;
  }

  /**
   * Returns entries, the newest first.
   *
   * @param filter - all of it must hold
   * @param limit - how many at most
   * @param after - only entries behind this place
   * @param query - how to run a statement; on the primary if absent
   */
  find(
    filter: EntryFilter,
    limit: number,
    after?: EntryPlace,
    query: Query = (statement, values) => this.database.query(statement, values),
  ): Promise<StoredEntry[]> {
    const { userDigest, provider, action, from, to } = filter;
    return query<StoredEntry>(userDigest === undefined ? statements.find : statements.findOfUser, [
      userDigest ?? null,
      provider ?? null,
      action ?? null,
      from ?? null,
      to ?? null,
      after?.recordedAt ?? null,
      after?.writer ?? 0,
      after?.sequence ?? 0,
      limit,
    ]);
  }
}
