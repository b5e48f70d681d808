import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../database/database.js';

/**
 * A session's access to the user's connections: nothing, show them, or end them too. The key that made the session may
 * do the same.
 */
export type ConnectionAccess = 'none' | 'read' | 'write';

/** Permission for one browser to link accounts of one user, as stored. */
export interface StoredLinkSession {
  readonly userId: string;
  /** Slugs that may be linked; `null` for all. */
  readonly providers: readonly string[] | null;
  readonly returnUrl: string | null;
  readonly requireConfirmation: boolean;
  readonly connectionAccess: ConnectionAccess;
  /** SHA-256 of the token in the link that opens it. */
  readonly tokenHash: Buffer;
  /** SHA-256 of the secret in the cookie of the browser that opened it; `null` until then. */
  readonly browserHash: Buffer | null;
  readonly expiresAt: Date;
  /** MAC over the whole session; `null` in a row that this service did not write. */
  readonly mac: Buffer | null;
}

/** A link session without its secrets. */
export interface LinkSessionFacts extends Pick<
  StoredLinkSession,
  'providers' | 'returnUrl' | 'requireConfirmation' | 'expiresAt'
> {
  readonly createdAt: Date;
  /** Whether a browser has opened it. */
  readonly opened: boolean;
}

const sessionColumns = `token_hash AS "tokenHash", user_id AS "userId", providers, return_url AS "returnUrl",
  require_confirmation AS "requireConfirmation", connection_access AS "connectionAccess", browser_hash AS "browserHash",
  expires_at AS "expiresAt", mac`;

const statements = {
  insert: {
    name: 'link-sessions-insert',
    text: `INSERT INTO link_sessions (token_hash, user_id, providers, return_url, require_confirmation, connection_access, expires_at, mac)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
  },
  findUnopened: {
    name: 'link-sessions-find-unopened',
    text: `SELECT ${sessionColumns} FROM link_sessions WHERE token_hash = $1 AND browser_hash IS NULL AND expires_at > now()`,
  },
  bind: {
    name: 'link-sessions-bind',
    text: `UPDATE link_sessions SET browser_hash = $2, mac = $3
           WHERE token_hash = $1 AND browser_hash IS NULL AND expires_at > now() RETURNING 1 AS bound`,
  },
  findUser: {
    name: 'link-sessions-find-user',
    text: 'SELECT user_id AS "userId" FROM link_sessions WHERE token_hash = $1',
  },
  findBound: {
    name: 'link-sessions-find-bound',
    text: `SELECT ${sessionColumns} FROM link_sessions
           WHERE token_hash = $1 AND browser_hash = $2 AND expires_at > now()`,
  },
  addNotice: {
    name: 'link-sessions-add-notice',
    // The newest five, so that a row stays small.
    text: `UPDATE link_sessions
           SET notices = (array_append(notices, $2))[greatest(1, cardinality(notices) - 3):] WHERE token_hash = $1`,
  },
  takeNotices: {
    name: 'link-sessions-take-notices',
    text: `WITH told AS (SELECT token_hash, notices FROM link_sessions WHERE token_hash = $1 AND notices <> '{}' FOR UPDATE)
           UPDATE link_sessions SET notices = '{}' FROM told WHERE link_sessions.token_hash = told.token_hash
           RETURNING told.notices`,
  },
  void: {
    name: 'link-sessions-void',
    text: `DELETE FROM link_sessions WHERE token_hash IN (
             SELECT token_hash FROM link_sessions WHERE user_id = $1
             ORDER BY created_at DESC OFFSET $2 FOR UPDATE SKIP LOCKED)`,
  },
  listOfUser: {
    name: 'link-sessions-list-of-user',
    text: `SELECT providers, return_url AS "returnUrl", require_confirmation AS "requireConfirmation", created_at AS "createdAt",
             expires_at AS "expiresAt", browser_hash IS NOT NULL AS opened
           FROM link_sessions WHERE user_id = $1 ORDER BY created_at, token_hash`,
  },
} satisfies Record<string, Statement>;

/** The link_sessions table. */
@Injectable()
export class LinkSessionStore {
  constructor(private readonly database: Database) {}

  /**
   * Stores a session. Ends the oldest of its user if there would be too many.
   *
   * @param most - how many a user may have (AR-28)
   */
  async insert(session: StoredLinkSession, most: number): Promise<void> {
    const { tokenHash, userId, providers, returnUrl, requireConfirmation, connectionAccess, expiresAt, mac } = session;
    await this.database.query(statements.void, [userId, most - 1]);
    const values = [tokenHash, userId, providers, returnUrl, requireConfirmation, connectionAccess, expiresAt, mac];
    await this.database.query(statements.insert, values);
  }

  /** Returns a session that no browser has opened yet and that has not expired. */
  async findUnopened(tokenHash: Buffer): Promise<StoredLinkSession | undefined> {
    const [row] = await this.database.query<StoredLinkSession>(statements.findUnopened, [tokenHash]);
    return row;
  }

  /**
   * Binds a session to a browser. Of any number of calls one succeeds. Returns false when the session does not exist,
   * has expired or is bound.
   *
   * @param mac - over the session with this browser
   */
  async bind(tokenHash: Buffer, browserHash: Buffer, mac: Buffer): Promise<boolean> {
    return (await this.database.query(statements.bind, [tokenHash, browserHash, mac])).length === 1;
  }

  /** Returns the user of a session, expired or not; `undefined` when there is none. */
  async findUser(tokenHash: Buffer): Promise<string | undefined> {
    const [row] = await this.database.query<{ userId: string }>(statements.findUser, [tokenHash]);
    return row?.userId;
  }

  /** Returns a session that has not expired, if this browser has opened it. */
  async findBound(tokenHash: Buffer, browserHash: Buffer): Promise<StoredLinkSession | undefined> {
    const [row] = await this.database.query<StoredLinkSession>(statements.findBound, [tokenHash, browserHash]);
    return row;
  }

  /** Keeps a notice for the page of a session, which shows it once. */
  async addNotice(tokenHash: Buffer, notice: string): Promise<void> {
    await this.database.query(statements.addNotice, [tokenHash, notice]);
  }

  /** Returns the notices for the page of a session, the oldest first, and forgets them. */
  async takeNotices(tokenHash: Buffer): Promise<readonly string[]> {
    const [row] = await this.database.query<{ notices: readonly string[] }>(statements.takeNotices, [tokenHash]);
    return row?.notices ?? [];
  }

  /** Returns the sessions of a user that are still kept, the oldest first. */
  listOfUser(userId: string): Promise<LinkSessionFacts[]> {
    return this.database.query<LinkSessionFacts>(statements.listOfUser, [userId]);
  }
}
