import type { Database, Query, Statement } from '../../database/database.js';
import { violatedConstraint } from '../../database/violated-constraint.js';
import type { Connection, StoredAccount } from './connection.js';

const take: Statement = {
  name: 'accounts-take',
  text: `INSERT INTO accounts (digest, user_id, provider, connection_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (digest) DO NOTHING RETURNING digest`,
};
const lock: Statement = {
  name: 'accounts-lock',
  text: `SELECT user_id AS "userId", provider, connection_id AS id FROM accounts WHERE digest = $1 FOR UPDATE`,
};
const isHeld: Statement = {
  name: 'accounts-is-held',
  text: `SELECT 1 AS found FROM connections
         WHERE user_id = $1 AND provider = $2 AND id = $3 AND account_digest = $4 AND account_exclusive AND status = 'active'`,
};
const replace: Statement = {
  name: 'accounts-replace-holder',
  text: 'UPDATE accounts SET user_id = $2, provider = $3, connection_id = $4 WHERE digest = $1',
};
const release: Statement = {
  name: 'accounts-release',
  text: 'DELETE FROM accounts WHERE user_id = $1 AND provider = $2',
};

const find: Statement = {
  name: 'connections-find-account',
  text: `SELECT account_digest AS digest, account_exclusive AS exclusive FROM connections
         WHERE user_id = $1 AND provider = $2 AND id = $3`,
};

/** A connection that has an exclusive account. */
type AccountHolder = Pick<Connection, 'userId' | 'provider' | 'id'>;

/** An exclusive account belongs to another active connection. */
class AccountHeldError extends Error {}

/** Whether a connection cannot be active because another active one has its account. */
export function isAccountTaken(error: unknown): boolean {
  return error instanceof AccountHeldError || violatedConstraint(error) === 'connections_one_per_account';
}

/** Rolls a transaction back whose statement found no row to change. */
class NothingChanged extends Error {}

/**
 * Runs a statement that makes a connection active. Where tables are distributed, no unique index spans their servers:
 * the connection then becomes the only holder of its exclusive account in the same transaction (AR-23).
 *
 * @param account - that the connection has after the statement
 * @param removed - a connection that the statement removes; its accounts are released
 * @returns the rows of the statement; without any, the account keeps its holder
 * @throws {@link AccountHeldError} when another active connection has the account
 */
export async function activate<Row extends object>(
  database: Database,
  { digest, exclusive }: Pick<StoredAccount, 'digest' | 'exclusive'>,
  holder: AccountHolder,
  statement: Statement,
  values: readonly unknown[],
  removed?: Omit<AccountHolder, 'id'>,
): Promise<Row[]> {
  const held = exclusive ? digest : null;
  if (!database.isDistributed || (held === null && removed === undefined)) {
    return database.query<Row>(statement, values);
  }
  try {
    return await database.transaction(async (query) => {
      if (removed !== undefined) {
        await query(release, [removed.userId, removed.provider]);
      }
      if (held !== null) {
        await holdAccount(query, held, holder);
      }
      const rows = await query<Row>(statement, values);
      if (rows.length === 0) {
        throw new NothingChanged();
      }
      return rows;
    });
  } catch (error) {
    if (error instanceof NothingChanged) {
      return [];
    }
    throw error;
  }
}

/** Returns the account of a connection, for {@link activate}. Only that needs it: elsewhere the index decides. */
export async function findAccount(
  database: Database,
  { userId, provider, id }: AccountHolder,
): Promise<Pick<StoredAccount, 'digest' | 'exclusive'>> {
  const [account] = database.isDistributed
    ? await database.query<Pick<StoredAccount, 'digest' | 'exclusive'>>(find, [userId, provider, id])
    : [];
  return account ?? { digest: null, exclusive: false };
}

/**
 * The row of the account stays locked until the end of the transaction, so that two connections never become active
 * with one account. A holder that has ended, was removed or has another account by now loses it.
 */
async function holdAccount(query: Query, digest: Buffer, holder: AccountHolder): Promise<void> {
  const values = [digest, holder.userId, holder.provider, holder.id];
  if ((await query(take, values)).length === 1) {
    return;
  }
  const [other] = await query<AccountHolder>(lock, [digest]);
  if (other === undefined) {
    // Released at this moment. The caller tries again.
    throw new AccountHeldError();
  }
  const isOwn = other.userId === holder.userId && other.provider === holder.provider;
  if (!isOwn && (await query(isHeld, [other.userId, other.provider, other.id, digest])).length === 1) {
    throw new AccountHeldError();
  }
  await query(replace, values);
}

/**
 * Runs a statement that removes a connection. Where tables are distributed, its accounts are released in the same
 * transaction.
 */
export function removeConnection<Row extends object>(
  database: Database,
  { userId, provider }: Omit<AccountHolder, 'id'>,
  statement: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  if (!database.isDistributed) {
    return database.query<Row>(statement, values);
  }
  return database.transaction(async (query) => {
    const rows = await query<Row>(statement, values);
    if (rows.length > 0) {
      await query(release, [userId, provider]);
    }
    return rows;
  });
}
