import { Injectable } from '@nestjs/common';
import type { ErrorCode } from '../../errors/error-code.js';
import { Database, type Statement } from '../../database/database.js';
import type { Removal } from '../../events/event-statement.js';
import type { EventSource } from '../../events/event-type.js';
import { AccountAlreadyLinkedError, ConnectionNotFoundError } from '../../errors/connection.errors.js';
import { activate, findAccount, isAccountTaken, removeConnection } from './account-holder.js';
import { BatchedSaves } from './batched-saves.js';
import { connectionStatements } from './connection-statements.js';
import {
  type Connection,
  type SealedTokenSet,
  type StoredAccount,
  type RefreshFailureRecord,
  type EndingTerms,
  type RecordedFailure,
  type ConnectionKey,
  type LinkKey,
} from './connection.js';
import type { Metadata } from './metadata.js';

/** A row whose token set is older than one that was received. */
export interface RowBehind {
  readonly registrationId: string;
  readonly hasEnded: boolean;
}

/** Values that a link or an import brings beside tokens. */
export interface ConnectionTerms extends Pick<Connection, 'registrationId' | 'scopesRequested'> {
  /** Absent keeps the metadata of the connection. */
  readonly metadata?: Metadata | undefined;
  /** Source of the change, for the event; `call` if absent. */
  readonly source?: EventSource;
}

/** The connections table. Every change of a token set is a compare-and-set on its generation. */
@Injectable()
export class ConnectionStore {
  private readonly batchedSaves: BatchedSaves;

  constructor(private readonly database: Database) {
    this.batchedSaves = new BatchedSaves(database);
  }

  /** Returns the user's connection to a provider, if there is one. */
  async find(userId: string, provider: string): Promise<Connection | undefined> {
    const [row] = await this.database.query<Connection>(connectionStatements.find, [userId, provider]);
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
  async findUnchanged(connection: Connection): Promise<Connection | undefined> {
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
  list(userId: string): Promise<Connection[]> {
    return this.database.query<Connection>(connectionStatements.list, [userId]);
  }

  /**
   * Stores the first token set of a new connection. Returns false when the user already has a connection to this
   * provider.
   *
   * @throws {@link AccountAlreadyLinkedError} when the account is exclusive and another active connection has it
   */
  async insert(
    connection: Pick<Connection, 'userId' | 'provider' | 'id'> & ConnectionTerms,
    tokens: SealedTokenSet,
    account: StoredAccount,
  ): Promise<boolean> {
    const { userId, provider, id, registrationId, scopesRequested, metadata, source } = connection;
    return this.saveAccount(account, connection, connectionStatements.insert, [
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
      metadata ?? null,
      source ?? 'call',
    ]);
  }

  /**
   * Replaces the token set with the one of a new link. Returns false when the row has changed in the meantime.
   *
   * @throws {@link AccountAlreadyLinkedError} as {@link insert} does
   */
  async relink(
    key: ConnectionKey,
    link: ConnectionTerms & { readonly importDigest?: Buffer | undefined },
    tokens: SealedTokenSet,
    account: StoredAccount,
  ): Promise<boolean> {
    return this.saveAccount(account, key, connectionStatements.relink, [
      ...keyValues(key),
      link.registrationId,
      link.scopesRequested,
      ...tokenValues(tokens),
      account.digest,
      account.exclusive,
      account.isPending,
      tokens.scopesUnknown,
      link.metadata ?? null,
      link.importDigest ?? null,
      link.source ?? 'call',
    ]);
  }

  /**
   * Seals the current token set again, with the account in it, unless a refresh is in flight or in doubt. Returns false
   * in that case, or when the row has changed in the meantime.
   *
   * @throws {@link AccountAlreadyLinkedError} as {@link insert} does
   */
  learnAccount(key: ConnectionKey, { sealed }: SealedTokenSet, account: StoredAccount): Promise<boolean> {
    return this.saveAccount(account, key, connectionStatements.learnAccount, [
      ...keyValues(key),
      sealed,
      account.digest,
      account.exclusive,
    ]);
  }

  /** Requests another account lookup for a connection, because its account has another id than the stored one. */
  async askForAccount({ userId, provider, id }: ConnectionKey): Promise<void> {
    await this.database.query(connectionStatements.askForAccount, [userId, provider, id]);
  }

  /**
   * Ends a connection that must not have its account and erases its tokens, unless a refresh is in flight or in doubt.
   * Returns false in that case, or when the row has changed in the meantime.
   */
  async endForAccount(key: ConnectionKey, code: ErrorCode): Promise<boolean> {
    return (await this.database.query(connectionStatements.endForAccount, [...keyValues(key), code])).length === 1;
  }

  private async saveAccount(
    account: StoredAccount,
    key: Pick<Connection, 'userId' | 'provider' | 'id'>,
    statement: Statement,
    values: readonly unknown[],
  ): Promise<boolean> {
    try {
      return (await activate(this.database, account, key, statement, values)).length === 1;
    } catch (error) {
      if (isAccountTaken(error)) {
        throw new AccountAlreadyLinkedError();
      }
      throw error;
    }
  }

  /** Tells whether another user has an active connection to an account. */
  async isAccountTaken(digest: Buffer, userId: string): Promise<boolean> {
    return (await this.database.query(connectionStatements.isAccountTaken, [digest, userId])).length === 1;
  }

  /**
   * Replaces the token set with a refreshed one, ends the lease and clears all recorded failures. Returns false when
   * the row was removed or holds a newer set. The comparison uses the generation, not the lease: a holder whose lease
   * expired still has the only valid tokens.
   */
  saveRefreshed(key: ConnectionKey, tokens: SealedTokenSet): Promise<boolean> {
    return this.batchedSaves.save(key, tokens);
  }

  /**
   * Seals the current token set again, with a spare refresh token in it, unless a refresh is in flight or in doubt.
   * Returns false in that case, or when the row has changed in the meantime.
   */
  async saveSpare(key: ConnectionKey, sealed: Buffer): Promise<boolean> {
    const rows = await this.database.query(connectionStatements.saveSpare, [...keyValues(key), sealed]);
    return rows.length === 1;
  }

  /**
   * Seals the current token set again, with the rotated refresh token, while the refresh that rotated it is still in
   * flight. Evidence against the old refresh token is cleared. Returns false when the row was removed or has changed.
   */
  async saveRotated(key: ConnectionKey, { sealed }: SealedTokenSet): Promise<boolean> {
    const rows = await this.database.query(connectionStatements.saveRotated, [...keyValues(key), sealed]);
    return rows.length === 1;
  }

  /**
   * Finds token sets that are newer than those in the rows of their connections.
   *
   * @param replaced - the former rows, each with the generation that a set replaced
   * @returns those whose row exists, holds the same link and is not past that generation. They keep their order, and
   *   have the row's registration.
   */
  async findBehind<Row extends LinkKey>(replaced: readonly Row[]): Promise<(Row & RowBehind)[]> {
    const rows = await this.database.query<RowBehind & { number: number }>(connectionStatements.findBehind, [
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
   * Restores a token set that the database had lost. The row must hold the same link and no newer set. A connection
   * that has ended is active again: the set was received after the provider refused the older one.
   *
   * @param replaced - the former row, with the generation that the set replaced
   * @param isRefreshed - whether the whole set is new, and not only its refresh token
   * @returns false when the row does not hold the link or has a newer set, or when another connection has the account
   */
  async restore(replaced: LinkKey, tokens: SealedTokenSet, isRefreshed: boolean): Promise<boolean> {
    const values = [
      ...keyValues(replaced),
      ...tokenValues(tokens),
      replaced.linkedAt,
      isRefreshed,
      tokens.scopesUnknown,
    ];
    try {
      const account = await findAccount(this.database, replaced);
      return (await activate(this.database, account, replaced, connectionStatements.restore, values)).length === 1;
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
    { registrationId, ...key }: ConnectionKey & Pick<Connection, 'registrationId'>,
    leaseId: string,
    failure: RefreshFailureRecord,
    terms: EndingTerms,
    { dueInMs, asksAccount }: { readonly dueInMs: number; readonly asksAccount: boolean },
  ): Promise<RecordedFailure | undefined> {
    const [row] = await this.database.query<RecordedFailure>(connectionStatements.recordFailure, [
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
    await this.database.query(connectionStatements.noteAccessRejected, keyValues(key));
  }

  /**
   * Deletes a connection and returns it.
   *
   * @param removal - for the event
   */
  async remove(userId: string, provider: string, removal: Removal): Promise<Connection | undefined> {
    const values = [userId, provider, removal.source, removal.eventId, removal.sealed];
    const statement = connectionStatements.remove;
    const [row] = await removeConnection<Connection>(this.database, { userId, provider }, statement, values);
    return row;
  }
}

function keyValues(key: ConnectionKey): unknown[] {
  return [key.userId, key.provider, key.id, key.secretGen];
}

function tokenValues(tokens: SealedTokenSet): unknown[] {
  return [
    tokens.sealed,
    tokens.scopesGranted,
    tokens.expiresAt,
    tokens.refreshable,
    tokens.refreshExpiresAt,
    tokens.refreshDueInMs,
  ];
}
