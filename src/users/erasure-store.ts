import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';

const statements = {
  record: {
    name: 'erasures-record',
    text: `INSERT INTO erasures (user_digest, erased_at) VALUES ($1, coalesce($2, now()))
           ON CONFLICT (user_digest) DO UPDATE SET erased_at = greatest(erasures.erased_at, excluded.erased_at)
           RETURNING erased_at AS "erasedAt"`,
  },
  list: {
    name: 'erasures-list',
    text: 'SELECT user_digest AS "userDigest", erased_at AS "erasedAt" FROM erasures',
  },
  find: {
    name: 'erasures-find',
    text: 'SELECT erased_at AS "erasedAt" FROM erasures WHERE user_digest = $1',
  },
  users: {
    name: 'erasures-users',
    text: `SELECT user_id AS "userId", min(since) AS since FROM (
             SELECT user_id, linked_at AS since FROM connections WHERE user_id > $1
             UNION ALL SELECT user_id, created_at FROM links WHERE user_id > $1
             UNION ALL SELECT user_id, created_at FROM link_sessions WHERE user_id > $1
             UNION ALL SELECT user_id, occurred_at FROM events WHERE user_id > $1
           ) AS held GROUP BY user_id ORDER BY user_id LIMIT $2`,
  },
} satisfies Record<string, Statement>;

/** An erased user and the instant. The user is a keyed digest, which recognizes an id and reveals none. */
export interface Erasure {
  readonly userDigest: Buffer;
  readonly erasedAt: Date;
}

/** A user with stored data. */
export interface HeldUser {
  readonly userId: string;
  /** The time of its oldest part. */
  readonly since: Date;
}

/** The erasures table: the record of an erased user. */
@Injectable()
export class ErasureStore {
  constructor(private readonly database: Database) {}

  /**
   * Records an erasure. Of several erasures of one user the latest counts.
   *
   * @param erasedAt - now, by the database's clock, when absent
   */
  async record(userDigest: Buffer, erasedAt?: Date): Promise<Date> {
    const [row] = await this.database.query<{ erasedAt: Date }>(statements.record, [userDigest, erasedAt ?? null]);
    if (row === undefined) {
      throw new Error('The erasure could not be stored.');
    }
    return row.erasedAt;
  }

  /** Returns when a user was last erased, if ever. */
  async find(userDigest: Buffer): Promise<Date | undefined> {
    const [row] = await this.database.query<{ erasedAt: Date }>(statements.find, [userDigest]);
    return row?.erasedAt;
  }

  /** Returns all erasures. */
  list(): Promise<Erasure[]> {
    return this.database.query<Erasure>(statements.list);
  }

  /** Returns the next users with stored data, sorted by id, after the given one. */
  listUsers(after: string, limit: number): Promise<HeldUser[]> {
    return this.database.query<HeldUser>(statements.users, [after, limit]);
  }
}
