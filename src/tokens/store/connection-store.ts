import { Injectable } from '@nestjs/common';
import type { ErrorCode } from '../../errors/error-code.js';
import { Database, type Statement } from '../../database/database.js';
import { announce, type Removal, typesOf, typesWhere, withEvents, writeRemoval } from '../../events/event-statement.js';
import { AccountAlreadyLinkedError, ConnectionNotFoundError } from '../../errors/connection.errors.js';
import { isAccountTaken, BatchedSaves } from './batched-saves.js';
import {
  afterRefresh,
  byCall,
  byRefresh,
  failureDetails,
  failureReason,
  haveScopesChanged,
  isFirstFailure,
} from './connection-events.js';
import { clearedAttempt } from './stored-connection.js';
import {
  type StoredConnection,
  type SealedTokens,
  type StoredAccount,
  type RefreshFailureRecord,
  type EndingTerms,
  type RecordedFailure,
  connectionColumns,
  type ConnectionKey,
  type LinkKey,
} from './stored-connection.js';

/** SQL: an instant that many milliseconds from now, on the database's clock; null when null. */
const dueIn = (parameter: string): string => `now() + ${parameter}::float8 * interval '1 millisecond'`;

/** SQL: an instant that many milliseconds ago, on the database's clock. */
const ago = (milliseconds: string): string => `now() - (${milliseconds}) * interval '1 millisecond'`;

/**
 * SQL: why a failed refresh ends the connection, if it does. A refusal counts if it was not forgotten since and is old
 * enough. While the provider's circuit breaker is open, only a refusal or HTTP 410 says anything about a single
 * connection.
 */
const verdict = `CASE
    WHEN status <> 'active' THEN NULL
    WHEN $8 = 'refused' AND suspect_since > forgotten_at
      AND suspect_since <= ${ago('CASE WHEN access_rejected_at IS NULL THEN $9::float8 ELSE least($9::float8, $12::float8) END')}
      THEN 'grant_refused'
    WHEN $8 = 'gone' AND gone_since <= ${ago('$13::float8')} THEN 'provider_gone'
    WHEN $8 = 'failed' AND failing_since <= ${ago('$14::float8')} AND expires_at <= $15 AND NOT is_open THEN 'unreachable'
  END`;

/** SQL: when an ended connection is tried again: once a day, until the trial period is over. */
const nextTrial = `CASE WHEN coalesce(ended_at, now()) + $17::float8 * interval '1 millisecond' > ${dueIn('$16')} THEN ${dueIn('$16')} END`;

/**
 * SQL: whether the row still holds the link made at that instant. JavaScript knows the instant only in whole milliseconds.
 * An ended connection holds it too: a token set newer than its own was received after the provider refused the older one.
 * A connection that ended because its provider shut down does not count.
 */
const isLink = (linkedAt: string): string =>
  `end_reason IS DISTINCT FROM 'provider_retired' AND sealed IS NOT NULL
   AND abs(extract(epoch FROM connections.linked_at - ${linkedAt})) < 0.002`;

const statements = {
  find: {
    name: 'connections-find',
    text: `SELECT ${connectionColumns} FROM connections WHERE user_id = $1 AND provider = $2`,
  },
  list: {
    name: 'connections-list',
    text: `SELECT ${connectionColumns} FROM connections WHERE user_id = $1 ORDER BY provider`,
  },
  insert: {
    name: 'connections-insert',
    text: withEvents(
      `INSERT INTO connections (user_id, provider, id, registration_id, scopes_requested, status, secret_gen,
         sealed, scopes_granted, expires_at, refreshable, refresh_expires_at, refresh_due_at, account_digest, account_exclusive,
         account_due_at, scopes_unknown, last_events, event_sequence)
       VALUES ($1, $2, $3, $4, $5, 'active', 1, $6, $7, $8, $9, $10, ${dueIn('$11')}, $12, $13, CASE WHEN $14 THEN now() END, $15,
         ${typesOf('connection.linked')}, 1)
       ON CONFLICT (user_id, provider) DO NOTHING`,
      { origin: byCall },
      'id',
    ),
  },
  relink: {
    name: 'connections-relink',
    text: withEvents(
      `UPDATE connections SET registration_id = $5, scopes_requested = $6, secret_gen = secret_gen + 1,
         sealed = $7, scopes_granted = $8, expires_at = $9, refreshable = $10, refresh_expires_at = $11,
         refresh_due_at = ${dueIn('$12')}, account_digest = $13, account_exclusive = $14,
         account_due_at = CASE WHEN $15 THEN now() END, scopes_unknown = $16,
         linked_at = now(), last_refreshed_at = NULL, ${clearedAttempt},
         ${announce(typesWhere({ 'connection.relinked': 'true', 'connection.scopes_changed': haveScopesChanged('$8::text[]') }))}
       WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4`,
      { origin: byCall },
      'id',
    ),
  },
  saveSpare: {
    name: 'connections-save-spare',
    text: `UPDATE connections SET secret_gen = secret_gen + 1, sealed = $5
           WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 AND attempt_started_at IS NULL RETURNING id`,
  },
  saveRotated: {
    name: 'connections-save-rotated',
    text: `UPDATE connections SET secret_gen = secret_gen + 1, sealed = $5, suspect_since = NULL
           WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 RETURNING id`,
  },
  findBehind: {
    name: 'connections-find-behind',
    text: `SELECT entry.number::int AS number, registration_id AS "registrationId", status = 'needs_relink' AS "hasEnded"
           FROM unnest($1::text[], $2::text[], $3::uuid[], $4::int[], $5::timestamptz[]) WITH ORDINALITY
             AS entry (user_id, provider, id, secret_gen, linked_at, number)
           JOIN connections ON connections.user_id = entry.user_id AND connections.provider = entry.provider
             AND connections.id = entry.id
           WHERE connections.secret_gen <= entry.secret_gen AND ${isLink('entry.linked_at')} ORDER BY number`,
  },
  restore: {
    name: 'connections-restore',
    text: withEvents(
      `UPDATE connections SET secret_gen = $4::int + 1, sealed = $5, scopes_granted = $6,
         scopes_unknown = $13, expires_at = $7, refreshable = $8,
         refresh_expires_at = $9, refresh_due_at = least(refresh_due_at, ${dueIn('$10')}),
         last_refreshed_at = CASE WHEN $12 THEN now() ELSE last_refreshed_at END, lease_id = NULL, leased_until = NULL,
         attempt_started_at = now(), failed_attempts = 0, retry_at = NULL, suspect_since = NULL, gone_since = NULL,
         failing_since = NULL, access_rejected_at = NULL, last_error_code = NULL, last_error_at = NULL,
         status = 'active', end_reason = NULL, ended_at = NULL, ${announce(afterRefresh('$6::text[]'))}
       WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen <= $4::int AND ${isLink('$11::timestamptz')}`,
      { origin: byRefresh },
      'id',
    ),
  },
  learnAccount: {
    name: 'connections-learn-account',
    text: `UPDATE connections SET secret_gen = secret_gen + 1, sealed = $5, account_digest = $6, account_exclusive = $7,
             account_due_at = NULL
           WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 AND attempt_started_at IS NULL RETURNING id`,
  },
  askForAccount: {
    name: 'connections-ask-for-account',
    text: `UPDATE connections SET account_due_at = now() WHERE user_id = $1 AND provider = $2 AND id = $3`,
  },
  endForAccount: {
    name: 'connections-end-for-account',
    text: withEvents(
      `UPDATE connections SET status = 'needs_relink', end_reason = 'account_taken', ended_at = now(),
         secret_gen = secret_gen + 1, sealed = NULL, account_due_at = NULL,
         refresh_due_at = NULL, lease_id = NULL, leased_until = NULL, retry_at = NULL,
         last_error_code = $5, last_error_at = now(), ${announce(typesOf('connection.needs_relink'))}
       WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 AND attempt_started_at IS NULL`,
      { origin: byRefresh, reason: 'end_reason' },
      'id',
    ),
  },
  isAccountTaken: {
    name: 'connections-is-account-taken',
    text: `SELECT 1 AS found FROM connections
           WHERE account_digest = $1 AND status = 'active' AND user_id <> $2 LIMIT 1`,
  },
  recordFailure: {
    name: 'connections-record-failure',
    text: withEvents(
      `UPDATE connections SET lease_id = NULL, leased_until = NULL,
             attempt_started_at = CASE WHEN $6 THEN NULL ELSE attempt_started_at END,
             failed_attempts = failed_attempts + 1, retry_at = ${dueIn('$7')},
             last_error_code = $5, last_error_at = now(),
             suspect_since = CASE WHEN $8 <> 'refused' OR suspect_since > forgotten_at THEN suspect_since ELSE now() END,
             gone_since = CASE $8 WHEN 'gone' THEN coalesce(gone_since, now()) WHEN 'silent' THEN gone_since END,
             failing_since = CASE $8 WHEN 'failed' THEN coalesce(failing_since, now()) WHEN 'silent' THEN failing_since END,
             account_due_at = CASE WHEN $18 AND verdict IS NULL AND status = 'active' THEN now() ELSE account_due_at END,
             status = CASE WHEN verdict IS NULL THEN status ELSE 'needs_relink' END,
             end_reason = coalesce(verdict, end_reason),
             ended_at = CASE WHEN verdict IS NULL THEN ended_at ELSE now() END,
             refresh_due_at = CASE
               WHEN verdict IS NOT NULL OR status = 'needs_relink' THEN ${nextTrial}
               WHEN refresh_due_at IS NOT NULL THEN ${dueIn('$11')}
             END,
             ${announce(
               typesWhere({
                 'connection.needs_relink': 'verdict IS NOT NULL',
                 'connection.refresh_failing': `verdict IS NULL AND ${isFirstFailure}`,
               }),
             )}
           FROM judged
           WHERE user_id = $1 AND provider = $2 AND id = $3 AND lease_id = $4`,
      { origin: byRefresh, reason: failureReason, details: failureDetails },
      'status, end_reason AS "endReason"',
      {
        with: `circuit AS (
             SELECT coalesce(max(suspects_forgotten_at), '-infinity') AS forgotten_at,
               coalesce(bool_or(open_until IS NOT NULL), false) AS is_open
             FROM circuit_breakers WHERE registration_id = $10
           ), judged AS (
             SELECT ${verdict} AS verdict, forgotten_at FROM connections CROSS JOIN circuit
             WHERE user_id = $1 AND provider = $2 AND id = $3 AND lease_id = $4 FOR UPDATE OF connections
           )`,
      },
    ),
  },
  noteAccessRejected: {
    name: 'connections-note-access-rejected',
    text: `UPDATE connections SET access_rejected_at = now()
           WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4`,
  },
  remove: {
    name: 'connections-remove',
    text: `WITH removed AS (DELETE FROM connections WHERE user_id = $1 AND provider = $2 RETURNING *),
             told AS (${writeRemoval('removed', { source: '$3', eventId: '$4', sealed: '$5' })})
           SELECT ${connectionColumns} FROM removed`,
  },
} satisfies Record<string, Statement>;

/** What the row says whose token set is older than one that was received. */
export interface RowBehind {
  readonly registrationId: string;
  readonly hasEnded: boolean;
}

/** The connections table. Every change of a token set is a compare-and-set on its generation. */
@Injectable()
export class ConnectionStore {
  private readonly batchedSaves: BatchedSaves;

  constructor(private readonly database: Database) {
    this.batchedSaves = new BatchedSaves(database);
  }

  /** Returns the user's connection to a provider, if there is one. */
  async find(userId: string, provider: string): Promise<StoredConnection | undefined> {
    const [row] = await this.database.query<StoredConnection>(statements.find, [userId, provider]);
    return row;
  }

  /**
   * Returns the current row of a connection, or `undefined` when it was refreshed or linked again. A new generation
   * alone does not mean either: the account may have become known, or a rejected response may have replaced the refresh
   * token.
   *
   * @param connection - as read before
   * @throws {@link ConnectionNotFoundError} when it was removed
   */
  async findUnchanged(connection: StoredConnection): Promise<StoredConnection | undefined> {
    const current = await this.find(connection.userId, connection.provider);
    if (current === undefined) {
      throw new ConnectionNotFoundError();
    }
    const isSame =
      current.id === connection.id &&
      current.linkedAt.getTime() === connection.linkedAt.getTime() &&
      current.lastRefreshedAt?.getTime() === connection.lastRefreshedAt?.getTime();
    return isSame ? current : undefined;
  }

  /** Returns all connections of a user, sorted by provider. */
  list(userId: string): Promise<StoredConnection[]> {
    return this.database.query<StoredConnection>(statements.list, [userId]);
  }

  /**
   * Stores the first token set of a new connection. Returns false when the user already has a connection to this
   * provider.
   *
   * @throws {@link AccountAlreadyLinkedError} when the account is exclusive and another active connection has it
   */
  async insert(
    connection: Pick<StoredConnection, 'userId' | 'provider' | 'id' | 'registrationId' | 'scopesRequested'>,
    tokens: SealedTokens,
    account: StoredAccount,
  ): Promise<boolean> {
    const { userId, provider, id, registrationId, scopesRequested } = connection;
    return this.saveAccount(statements.insert, [
      userId,
      provider,
      id,
      registrationId,
      scopesRequested,
      ...tokenValues(tokens),
      account.digest,
      account.exclusive,
      account.isPending,
      tokens.scopesUnknown,
    ]);
  }

  /**
   * Replaces the token set with the one of a new link. Returns false when the row has changed in the meantime.
   *
   * @throws {@link AccountAlreadyLinkedError} as {@link insert} does
   */
  async relink(
    key: ConnectionKey,
    link: Pick<StoredConnection, 'registrationId' | 'scopesRequested'>,
    tokens: SealedTokens,
    account: StoredAccount,
  ): Promise<boolean> {
    return this.saveAccount(statements.relink, [
      ...keyValues(key),
      link.registrationId,
      link.scopesRequested,
      ...tokenValues(tokens),
      account.digest,
      account.exclusive,
      account.isPending,
      tokens.scopesUnknown,
    ]);
  }

  /**
   * Seals the current token set again, with the account in it, unless a refresh is in flight or in doubt. Returns false
   * in that case, or when the row has changed in the meantime.
   *
   * @throws {@link AccountAlreadyLinkedError} as {@link insert} does
   */
  learnAccount(key: ConnectionKey, { sealed }: SealedTokens, account: StoredAccount): Promise<boolean> {
    return this.saveAccount(statements.learnAccount, [...keyValues(key), sealed, account.digest, account.exclusive]);
  }

  /** Requests another account lookup for a connection, because its account has another id than the stored one. */
  async askForAccount({ userId, provider, id }: ConnectionKey): Promise<void> {
    await this.database.query(statements.askForAccount, [userId, provider, id]);
  }

  /**
   * Ends a connection that must not have its account and erases its tokens, unless a refresh is in flight or in doubt.
   * Returns false in that case, or when the row has changed in the meantime.
   */
  async endForAccount(key: ConnectionKey, code: ErrorCode): Promise<boolean> {
    return (await this.database.query(statements.endForAccount, [...keyValues(key), code])).length === 1;
  }

  private async saveAccount(statement: Statement, values: readonly unknown[]): Promise<boolean> {
    try {
      return (await this.database.query(statement, values)).length === 1;
    } catch (error) {
      if (isAccountTaken(error)) {
        throw new AccountAlreadyLinkedError();
      }
      throw error;
    }
  }

  /** Tells whether another user has an active connection to an account. */
  async isAccountTaken(digest: Buffer, userId: string): Promise<boolean> {
    return (await this.database.query(statements.isAccountTaken, [digest, userId])).length === 1;
  }

  /**
   * Replaces the token set with a refreshed one, ends the lease and clears all recorded failures. Returns false when
   * the row was removed or holds a newer set. The comparison uses the generation, not the lease: a holder whose lease
   * expired still has the only valid tokens.
   */
  saveRefreshed(key: ConnectionKey, tokens: SealedTokens): Promise<boolean> {
    return this.batchedSaves.save(key, tokens);
  }

  /**
   * Seals the current token set again, with a spare refresh token in it, unless a refresh is in flight or in doubt.
   * Returns false in that case, or when the row has changed in the meantime.
   */
  async saveSpare(key: ConnectionKey, sealed: Buffer): Promise<boolean> {
    const rows = await this.database.query(statements.saveSpare, [...keyValues(key), sealed]);
    return rows.length === 1;
  }

  /**
   * Seals the current token set again, with the rotated refresh token, while the refresh that rotated it is still in
   * flight. Evidence against the old refresh token is cleared. Returns false when the row was removed or has changed.
   */
  async saveRotated(key: ConnectionKey, { sealed }: SealedTokens): Promise<boolean> {
    const rows = await this.database.query(statements.saveRotated, [...keyValues(key), sealed]);
    return rows.length === 1;
  }

  /**
   * Finds token sets that are newer than those in the rows of their connections.
   *
   * @param replaced - the former rows, each with the generation that a set replaced
   * @returns those whose row exists, holds the same link and is not past that generation, in their order, with the
   *   row's registration
   */
  async findBehind<Row extends LinkKey>(replaced: readonly Row[]): Promise<(Row & RowBehind)[]> {
    const rows = await this.database.query<RowBehind & { number: number }>(statements.findBehind, [
      replaced.map(({ userId }) => userId),
      replaced.map(({ provider }) => provider),
      replaced.map(({ id }) => id),
      replaced.map(({ secretGen }) => secretGen),
      replaced.map(({ linkedAt }) => linkedAt),
    ]);
    return rows.flatMap(({ number, registrationId, hasEnded }) => {
      const row = replaced[number - 1];
      return row === undefined ? [] : [{ ...row, registrationId, hasEnded }];
    });
  }

  /**
   * SQL: whether the row still holds the link made at that instant. JavaScript knows the instant only in whole milliseconds.
   * An ended connection holds it too: a token set newer than its own was received after the provider refused the older one.
   * A connection that ended because its provider shut down does not count.
   */
  async restore(replaced: LinkKey, tokens: SealedTokens, isRefreshed: boolean): Promise<boolean> {
    const values = [
      ...keyValues(replaced),
      ...tokenValues(tokens),
      replaced.linkedAt,
      isRefreshed,
      tokens.scopesUnknown,
    ];
    try {
      return (await this.database.query(statements.restore, values)).length === 1;
    } catch (error) {
      if (isAccountTaken(error)) {
        return false;
      }
      throw error;
    }
  }

  /**
   * Ends the lease after a failure, and the connection too if the evidence suffices. Refusals that the provider's
   * circuit breaker has forgotten do not count.
   *
   * @param dueInMs - when the scheduler retries, unless only callers make the connection due
   * @param asksAccount - whether to check with the provider's account call if the access token still works
   * @returns the connection's state afterwards, or `undefined` when the lease was lost and nothing was written
   */
  async recordFailure(
    { registrationId, ...key }: ConnectionKey & Pick<StoredConnection, 'registrationId'>,
    leaseId: string,
    failure: RefreshFailureRecord,
    terms: EndingTerms,
    { dueInMs, asksAccount }: { readonly dueInMs: number; readonly asksAccount: boolean },
  ): Promise<RecordedFailure | undefined> {
    const [row] = await this.database.query<RecordedFailure>(statements.recordFailure, [
      key.userId,
      key.provider,
      key.id,
      leaseId,
      failure.code,
      failure.outcomeKnown,
      failure.retryInMs,
      failure.evidence,
      terms.confirmationMs,
      registrationId,
      dueInMs,
      terms.corroboratedMs,
      terms.goneMs,
      terms.unreachableMs,
      terms.expiredBefore,
      terms.trialInMs,
      terms.trialsForMs,
      asksAccount,
    ]);
    return row;
  }

  /**
   * Records that the provider's API rejected the current access token before its expiry, which is evidence against the
   * grant.
   */
  async noteAccessRejected(key: ConnectionKey): Promise<void> {
    await this.database.query(statements.noteAccessRejected, keyValues(key));
  }

  /**
   * Deletes a connection and returns it.
   *
   * @param removal - for the event
   */
  async remove(userId: string, provider: string, removal: Removal): Promise<StoredConnection | undefined> {
    const [row] = await this.database.query<StoredConnection>(statements.remove, [
      userId,
      provider,
      removal.source,
      removal.eventId,
      removal.sealed,
    ]);
    return row;
  }
}

function keyValues(key: ConnectionKey): unknown[] {
  return [key.userId, key.provider, key.id, key.secretGen];
}

function tokenValues(tokens: SealedTokens): unknown[] {
  return [
    tokens.sealed,
    tokens.scopesGranted,
    tokens.expiresAt,
    tokens.refreshable,
    tokens.refreshExpiresAt,
    tokens.refreshDueInMs,
  ];
}
