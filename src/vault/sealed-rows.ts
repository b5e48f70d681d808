import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import type { BoundValue, SealPurpose } from './associated-data.js';
import { readEnvelopeKid } from './envelope.js';
import { sealedColumns, type SealedColumn } from './sealed-columns.js';

/** A row with a sealed value, as read. */
export interface SealedRow {
  /** Values of the primary key, in order. */
  readonly key: readonly unknown[];
  readonly rowId: string;
  readonly userId: string;
  readonly registrationId: string;
  readonly generation: number;
  readonly bound: readonly BoundValue[] | undefined;
  /** The whole value if it was asked for, else its header. */
  readonly sealed: Buffer;
}

/** Rows with sealed values of any table, page by page in the order of the primary key. */
@Injectable()
export class SealedRows {
  constructor(private readonly database: Database) {}

  /**
   * Reads the rows after a key.
   *
   * @param after - the key of the last row of the page before; `undefined` for the first page
   * @param withValues - whether to read the values, or only their headers, which name the keys
   * @returns at most `limit` rows; none at the end
   */
  async read(
    purpose: SealPurpose,
    after: readonly unknown[] | undefined,
    limit: number,
    withValues: boolean,
  ): Promise<SealedRow[]> {
    const column: SealedColumn = sealedColumns[purpose];
    const values = after === undefined ? [limit] : [limit, ...after];
    const rows = await this.database.query<Omit<SealedRow, 'key' | 'bound'> & Record<string, unknown>>(
      readStatement(purpose, column, after !== undefined, withValues),
      values,
    );
    return rows.map((row) => ({
      ...row,
      key: column.key.map(({ name }) => row[name]),
      bound: column.bound?.map((name) => row[name] as BoundValue),
    }));
  }

  /**
   * Replaces a sealed value if the row still holds exactly the value that was read, of the same generation. So a newer
   * token set is never overwritten. The generation stays, so a refresh in flight can still commit (R-21).
   *
   * @returns whether it was replaced
   */
  async replace(purpose: SealPurpose, row: SealedRow, sealed: Buffer): Promise<boolean> {
    const column: SealedColumn = sealedColumns[purpose];
    const values = [sealed, row.sealed, row.rowId, ...row.key];
    const rows = await this.database.query(replaceStatement(purpose, column), [...values, row.generation]);
    return rows.length === 1;
  }

  /**
   * Counts the sealed values of a purpose by their key. Values that are no envelope count under `unreadable`.
   */
  async countByKey(purpose: SealPurpose): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    let after: readonly unknown[] | undefined;
    for (;;) {
      const rows = await this.read(purpose, after, countPageSize, false);
      for (const row of rows) {
        const kid = kidOf(row.sealed) ?? 'unreadable';
        counts.set(kid, (counts.get(kid) ?? 0) + 1);
      }
      after = rows.at(-1)?.key;
      if (after === undefined) {
        return counts;
      }
    }
  }
}

const countPageSize = 5_000;

/** Returns the id of the key that sealed a value, or `undefined` when it is no envelope. */
export function kidOf(sealed: Buffer): string | undefined {
  try {
    return readEnvelopeKid(sealed);
  } catch {
    return undefined;
  }
}

function readStatement(purpose: SealPurpose, column: SealedColumn, isBehind: boolean, withValues: boolean): Statement {
  const key = column.key.map(({ name }) => name).join(', ');
  const behind = column.key.map(({ type }, at) => `$${at + 2}::${type}`).join(', ');
  // Enough for the header. The rest must only be as long as the shortest envelope.
  const owner = column.isUnowned
    ? `'' AS "userId", '' AS "registrationId"`
    : 'user_id AS "userId", registration_id AS "registrationId"';
  const value = withValues ? column.column : `substring(${column.column} FROM 1 FOR 112)`;
  return {
    name: `vault-read-${purpose}-${isBehind ? 'next' : 'first'}-${withValues ? 'values' : 'headers'}`,
    text: `SELECT ${key}, id AS "rowId", ${owner},
             ${[`${column.generation} AS generation`, ...(column.bound ?? []), `${value} AS sealed`].join(', ')}
           FROM ${column.table} WHERE ${column.column} IS NOT NULL ${isBehind ? `AND (${key}) > (${behind})` : ''}
           ORDER BY ${key} LIMIT $1`,
  };
}

function replaceStatement(purpose: SealPurpose, column: SealedColumn): Statement {
  const conditions = column.key.map(({ name, type }, at) => `${name} = $${at + 4}::${type}`);
  conditions.push(`${column.generation} = $${column.key.length + 4}`);
  return {
    name: `vault-replace-${purpose}`,
    text: `UPDATE ${column.table} SET ${column.column} = $1
           WHERE ${column.column} = $2 AND id = $3::uuid AND ${conditions.join(' AND ')} RETURNING id`,
  };
}
