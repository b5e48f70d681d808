import type { SealPurpose } from './associated-data.js';

/**
 * A column with sealed values of one purpose, and the columns to which each value is bound. Names are our own SQL
 * identifiers.
 */
export interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** Primary key, in order, with types. */
  readonly key: readonly { readonly name: string; readonly type: 'text' | 'bytea' | 'uuid' }[];
  /** Whether its value is bound to no user and no registration, and the table has no columns for them. */
  readonly isUnowned?: true;
  /** SQL expression over the row: the generation that its value is bound to. */
  readonly generation: string;
  /** Columns of the row that its value is bound to as well, in this order. */
  readonly bound?: readonly string[];
}

/** Every column with sealed values. A purpose without one does not compile, so that no re-encryption can skip it. */
export const sealedColumns = {
  'connections.sealed': {
    table: 'connections',
    column: 'sealed',
    key: [
      { name: 'user_id', type: 'text' },
      { name: 'provider', type: 'text' },
    ],
    generation: 'secret_gen',
  },
  'links.sealed': {
    table: 'links',
    column: 'sealed',
    key: [{ name: 'state_hash', type: 'bytea' }],
    // The sealed values of a link, one after the other: `LinkVault` has the same numbers.
    generation: `CASE held_for WHEN 'binding' THEN 1 WHEN 'confirmation' THEN 2 ELSE 0 END`,
    // Every column on which the finish of the link, the browser's next page, or the stored values depend (AR-27).
    bound: [
      'state_hash',
      'provider',
      'registration_hash',
      'return_url',
      'scopes',
      'require_confirmation',
      'on_account_change',
      'browser_hash',
      'held_hash',
      'expires_at',
    ],
  },
  'revocations.sealed': {
    table: 'revocations',
    column: 'sealed',
    key: [{ name: 'id', type: 'uuid' }],
    generation: '0',
  },
  'grant_migrations.sealed': {
    table: 'grant_migrations',
    column: 'sealed',
    key: [
      { name: 'user_id', type: 'text' },
      { name: 'provider', type: 'text' },
    ],
    generation: '0',
  },
  'events.sealed': {
    table: 'events',
    column: 'sealed',
    key: [{ name: 'id', type: 'uuid' }],
    isUnowned: true,
    generation: '0',
  },
  'webhook_endpoints.sealed': {
    table: 'webhook_endpoints',
    column: 'sealed',
    key: [{ name: 'id', type: 'uuid' }],
    isUnowned: true,
    generation: '0',
    // The destination and the choice of events.
    bound: ['url', 'event_types', 'providers'],
  },
  'idempotency_keys.sealed': {
    table: 'idempotency_keys',
    column: 'sealed',
    key: [{ name: 'digest', type: 'bytea' }],
    isUnowned: true,
    generation: '0',
    bound: ['digest', 'body_hash'],
  },
  'subscriptions.sealed': {
    table: 'subscriptions',
    column: 'sealed',
    key: [{ name: 'id', type: 'uuid' }],
    isUnowned: true,
    generation: '0',
    bound: ['provider'],
  },
} as const satisfies Record<SealPurpose, SealedColumn>;
