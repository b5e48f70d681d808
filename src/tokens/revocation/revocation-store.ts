import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { Database, type Statement } from '../../database/database.js';
import { type Removal, writeRemoval } from '../../events/event-statement.js';
import { AppError } from '../../errors/app-error.js';
import { TokenUnreadableError } from '../../errors/connection.errors.js';
import type { ErrorCode } from '../../errors/error-code.js';
import { isRegistrationAt } from '../../provider-kit/registration.js';
import { VaultService } from '../../vault/vault.service.js';
import { removeConnection } from '../store/account-holder.js';
import type { Connection } from '../store/connection.js';
import { deleteSubscriptions } from '../store/unsubscription.js';
import { parseTokenSet, type TokenSet } from '../token-set.js';

/**
 * An attempt that has not finished after this was lost with its process. Longer than a refresh and a revocation
 * together.
 */
const leaseSeconds = 60;
/** Entries decrypted at a time to find those of one user. */
const pageSize = 500;

const lease = `now() + interval '${leaseSeconds} seconds'`;
const columns = `id, user_id AS "connectionId", provider, registration_id AS "registrationId", sealed, attempts,
  (extract(epoch FROM now() - created_at) * 1000)::float8 AS "ageMs", last_error_code AS "lastErrorCode",
  may_refresh AS "mayRefresh"`;

const statements = {
  moveOut: {
    name: 'revocations-move-out',
    text: `WITH removed AS (
             DELETE FROM connections WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4
             RETURNING user_id, provider, id, metadata, event_sequence, registration_id, frozen_at
           ), told AS (${writeRemoval('removed', { source: '$7', eventId: '$8', sealed: '$9' })}),
           unsubscribed AS (${deleteSubscriptions('removed')})
           INSERT INTO revocations (id, user_id, provider, registration_id, sealed, due_at, may_refresh)
           SELECT $5, id::text, provider, registration_id, $6, ${lease}, frozen_at IS NULL FROM removed RETURNING ${columns}`,
  },
  add: {
    name: 'revocations-add',
    text: `INSERT INTO revocations (id, user_id, provider, registration_id, sealed, due_at)
           VALUES ($1, $2, $3, $4, $5, ${lease}) RETURNING ${columns}`,
  },
  takeDue: {
    name: 'revocations-take-due',
    text: `UPDATE revocations SET attempts = attempts + 1, due_at = ${lease}
           WHERE id IN (SELECT id FROM revocations WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
           RETURNING ${columns}`,
  },
  replace: { name: 'revocations-replace', text: 'UPDATE revocations SET sealed = $2 WHERE id = $1' },
  postpone: {
    name: 'revocations-postpone',
    text: `UPDATE revocations SET due_at = now() + $2::float8 * interval '1 millisecond', last_error_code = $3 WHERE id = $1`,
  },
  remove: { name: 'revocations-remove', text: 'DELETE FROM revocations WHERE id = $1' },
  page: {
    name: 'revocations-page',
    text: `SELECT ${columns}, created_at AS "createdAt", due_at AS "dueAt" FROM revocations WHERE id > $1 ORDER BY id LIMIT $2`,
  },
  nextDue: {
    name: 'revocations-next-due',
    text: 'SELECT (extract(epoch FROM min(due_at) - now()) * 1000)::float8 AS "inMs" FROM revocations',
  },
} satisfies Record<string, Statement>;

/** A grant to revoke, with its tokens sealed. */
export interface RevocationEntry {
  readonly id: string;
  /** Id of the removed connection, or of the failed link. */
  readonly connectionId: string;
  readonly provider: string;
  readonly registrationId: string;
  readonly sealed: Buffer;
  /** Whether its refresh token may be spent: not of a frozen connection, whose tokens another system may use. */
  readonly mayRefresh: boolean;
  /** Attempts started, including this one. */
  readonly attempts: number;
  readonly ageMs: number;
  readonly lastErrorCode: string | null;
}

/** A grant of a user that is not revoked yet, without its tokens. */
export interface PendingRevocation {
  readonly provider: string;
  readonly connectionId: string;
  readonly providerUserId: string | undefined;
  readonly createdAt: Date;
  /** When the next attempt may be made. */
  readonly dueAt: Date;
  readonly attempts: number;
  readonly lastErrorCode: string | null;
}

/** The connection that a grant belonged to, or the link that brought it. */
export type GrantOwner = Pick<Connection, 'id' | 'userId' | 'provider' | 'registrationId'>;

type EntryKey = Pick<RevocationEntry, 'id' | 'connectionId' | 'registrationId'>;

/** The sealed content of an entry. */
export interface RevocationPayload {
  readonly userId: string;
  readonly tokens: TokenSet;
}

const payloadSchema = z.object({ userId: z.string(), tokens: z.unknown() });

/**
 * The table of grants to revoke. The user's id is only inside the sealed value: an entry may outlive the user (LOG-08).
 */
@Injectable()
export class RevocationStore {
  private readonly logger = new Logger(RevocationStore.name);

  constructor(
    private readonly database: Database,
    private readonly vault: VaultService,
  ) {}

  /**
   * Removes a connection and keeps its tokens until its grant is revoked, in one statement. The caller then makes the
   * first attempt.
   *
   * @param removal - for the event
   * @returns the entry, or `undefined` when the row holds another token set or was removed
   * @throws {@link DatabaseUnavailableError} when it is unknown whether the statement ran; it ran as a whole or not at
   *   all
   */
  async moveOut(connection: Connection, tokens: TokenSet, removal: Removal): Promise<RevocationEntry | undefined> {
    const { userId, provider, secretGen } = connection;
    const id = randomUUID();
    const sealed = this.sealNew(id, connection, tokens);
    const entryValues = [userId, provider, connection.id, secretGen, id, sealed];
    const values = [...entryValues, removal.source, removal.eventId, removal.sealed];
    const [entry] = await removeConnection<RevocationEntry>(this.database, connection, statements.moveOut, values);
    return entry;
  }

  /**
   * Keeps tokens that belong to no connection: their connection was removed, has other tokens, or was never made by a
   * failed link. The caller may make the first attempt.
   *
   * @throws {@link DatabaseUnavailableError} when the tokens could not be kept
   */
  async add(connection: GrantOwner, tokens: TokenSet): Promise<RevocationEntry> {
    const { id: connectionId, provider, registrationId } = connection;
    const id = randomUUID();
    const sealed = this.sealNew(id, connection, tokens);
    const [entry] = await this.database.query<RevocationEntry>(statements.add, [
      id,
      connectionId,
      provider,
      registrationId,
      sealed,
    ]);
    if (entry === undefined) {
      throw new Error('The revocation could not be stored.');
    }
    return entry;
  }

  /** Takes due entries for an attempt. Each goes to one process until its lease ends. */
  takeDue(count: number): Promise<RevocationEntry[]> {
    return this.database.query<RevocationEntry>(statements.takeDue, [count]);
  }

  /** Returns in how many milliseconds the next entry is due; `undefined` when there is none. */
  async nextDueInMs(): Promise<number | undefined> {
    const [next] = await this.database.query<{ inMs: number | null }>(statements.nextDue);
    return next?.inMs ?? undefined;
  }

  /**
   * Returns the entries of a user. Only the sealed value names the user, so all entries are decrypted. There are few
   * unless a provider is unavailable.
   *
   * @throws {@link DatabaseUnavailableError}, {@link KeyUnavailableError}
   */
  async listOfUser(userId: string): Promise<PendingRevocation[]> {
    const found: PendingRevocation[] = [];
    let after = '00000000-0000-0000-0000-000000000000';
    for (;;) {
      const values = [after, pageSize];
      const page = await this.database.query<RevocationEntry & { createdAt: Date; dueAt: Date }>(
        statements.page,
        values,
      );
      for (const entry of page) {
        const payload = await this.openIfReadable(entry);
        if (payload?.userId === userId) {
          const { provider, connectionId, createdAt, dueAt, attempts, lastErrorCode } = entry;
          const { providerUserId } = payload.tokens;
          found.push({ provider, connectionId, providerUserId, createdAt, dueAt, attempts, lastErrorCode });
        }
        after = entry.id;
      }
      if (page.length < pageSize) {
        return found;
      }
    }
  }

  private async openIfReadable(entry: RevocationEntry): Promise<RevocationPayload | undefined> {
    try {
      return await this.open(entry);
    } catch (error) {
      if (error instanceof TokenUnreadableError) {
        return undefined;
      }
      throw error;
    }
  }

  /**
   * Decrypts an entry.
   *
   * @throws {@link TokenUnreadableError} when it cannot be decrypted, or was moved to another provider
   */
  async open(entry: RevocationEntry): Promise<RevocationPayload> {
    if (!isRegistrationAt(entry.registrationId, entry.provider)) {
      throw new TokenUnreadableError(`revocation ${entry.id} was moved to ${entry.provider}`);
    }
    return parsePayload(await this.vault.open(entry.sealed, toContext(entry)));
  }

  /** Replaces the tokens of an entry. */
  async replace(entry: RevocationEntry, payload: RevocationPayload): Promise<void> {
    await this.database.query(statements.replace, [entry.id, this.vault.seal(payload, toContext(entry))]);
  }

  /** Postpones an entry, and records why. */
  postpone({ id }: RevocationEntry, delayMs: number, code: ErrorCode): Promise<void> {
    return this.write(statements.postpone, [id, delayMs, code]);
  }

  /** Erases an entry. */
  remove(entry: RevocationEntry): Promise<void> {
    return this.write(statements.remove, [entry.id]);
  }

  /** An entry that cannot be written now is tried again when its lease ends; ending a grant twice does no harm. */
  private async write(statement: Statement, values: readonly unknown[]): Promise<void> {
    try {
      await this.database.query(statement, values);
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw error;
      }
      this.logger.warn(`The outbox of revocations could not be written: ${error.code}.`);
    }
  }

  private sealNew(id: string, { id: connectionId, userId, registrationId }: GrantOwner, tokens: TokenSet): Buffer {
    // A refresh token that may be another user's ends nothing.
    const own = tokens.mustNameUser === true ? { ...tokens, refreshToken: undefined } : tokens;
    const payload: RevocationPayload = { userId, tokens: own };
    return this.vault.seal(payload, toContext({ id, connectionId, registrationId }));
  }
}

/** @throws {@link TokenUnreadableError} when it is not the content of an entry */
function parsePayload(opened: unknown): RevocationPayload {
  const result = payloadSchema.safeParse(opened);
  if (!result.success) {
    throw new TokenUnreadableError('the sealed value is not a revocation');
  }
  return { userId: result.data.userId, tokens: parseTokenSet(result.data.tokens) };
}

function toContext({ id, connectionId, registrationId }: EntryKey) {
  return { purpose: 'revocations.sealed', rowId: id, userId: connectionId, registrationId, generation: 0 } as const;
}
