/** A table whose rows are spread over nodes or partitions. */
export interface DistributedTable {
  readonly name: string;
  /** Part of its primary key. Rows with the same value are together. */
  readonly column: string;
  /** The table whose rows with the same value are in the same place; itself for the first of them. */
  readonly with: string;
}

/** The audit trail: by the process that writes it. Its table of writers comes first. */
export const auditTables: readonly DistributedTable[] = [
  { name: 'audit_writers', column: 'number', with: 'audit_writers' },
  { name: 'audit_entries', column: 'writer', with: 'audit_writers' },
];

/**
 * Accounts by their digest, and everything that belongs to one user by the user. A table comes after those that its
 * foreign keys name.
 */
export const userTables: readonly DistributedTable[] = [
  { name: 'accounts', column: 'digest', with: 'accounts' },
  { name: 'connections', column: 'user_id', with: 'connections' },
  { name: 'grant_migrations', column: 'user_id', with: 'connections' },
  { name: 'notifications', column: 'user_id', with: 'connections' },
];

/** Every node of Citus has all rows of these. They are few, and read together with distributed ones. */
export const referenceTables: readonly string[] = ['circuit_breakers'];

/**
 * Prepares the tables of users. The unique index reaches over all users, so the table `accounts` takes its place. The
 * foreign key leads from a table that is not distributed to one that is.
 */
export const replaceGlobalGuards: readonly string[] = [
  'ALTER TABLE subscriptions DROP CONSTRAINT subscriptions_connection',
  'DROP INDEX connections_one_per_account',
  `INSERT INTO accounts (digest, user_id, provider, connection_id)
   SELECT account_digest, user_id, provider, id FROM connections WHERE account_exclusive AND status = 'active'`,
];
