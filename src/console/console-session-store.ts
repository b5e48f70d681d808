import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';

/** A session as stored. */
export interface StoredConsoleSession {
  /** SHA-256 of the secret in the cookie. */
  readonly secretHash: Buffer;
  readonly apiKeyId: string;
  readonly expiresAt: Date;
  /** MAC over all of it. */
  readonly mac: Buffer;
}

const statements = {
  readExpiry: {
    name: 'console-sessions-read-expiry',
    // To the millisecond, as in a Date, because the MAC covers this instant.
    text: `SELECT date_trunc('milliseconds', now() + $1 * interval '1 second') AS "expiresAt"`,
  },
  insert: {
    name: 'console-sessions-insert',
    text: `WITH expired AS (DELETE FROM console_sessions WHERE expires_at < now())
           INSERT INTO console_sessions (secret_hash, api_key_id, expires_at, mac) VALUES ($1, $2, $3, $4)`,
  },
  find: {
    name: 'console-sessions-find',
    text: `SELECT secret_hash AS "secretHash", api_key_id AS "apiKeyId", expires_at AS "expiresAt", mac
           FROM console_sessions WHERE secret_hash = $1 AND expires_at > now()`,
  },
  remove: { name: 'console-sessions-remove', text: 'DELETE FROM console_sessions WHERE secret_hash = $1' },
} satisfies Record<string, Statement>;

/** The table of console sessions. */
@Injectable()
export class ConsoleSessionStore {
  constructor(private readonly database: Database) {}

  /** Returns when a session that begins now expires, by the database's clock. */
  async readExpiry(lifetimeSeconds: number): Promise<Date> {
    const [row] = await this.database.query<{ expiresAt: Date }>(statements.readExpiry, [lifetimeSeconds]);
    if (row === undefined) {
      throw new Error('The database did not return its time.');
    }
    return row.expiresAt;
  }

  /** Stores a session, and deletes those that have expired. */
  async insert({ secretHash, apiKeyId, expiresAt, mac }: StoredConsoleSession): Promise<void> {
    await this.database.query(statements.insert, [secretHash, apiKeyId, expiresAt, mac]);
  }

  /** Returns a session that has not expired. */
  async find(secretHash: Buffer): Promise<StoredConsoleSession | undefined> {
    const [row] = await this.database.query<StoredConsoleSession>(statements.find, [secretHash]);
    return row;
  }

  async remove(secretHash: Buffer): Promise<void> {
    await this.database.query(statements.remove, [secretHash]);
  }
}
