import { isNativeError } from 'node:util/types';
import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import type { KeyPurpose } from './associated-data.js';
import type { WrappedKey } from './key-source.js';
import type { Suite } from './message-key.js';
import { processGeneration } from './process-generation.js';

/**
 * States of a key:
 * - `pending`: every replica loads it, none seals under it.
 * - `active`: it seals new values.
 * - `decrypt_only`: it still opens values that it has sealed.
 * - `destroyed`: only the record is left.
 */
export type KeyState = 'pending' | 'active' | 'decrypt_only' | 'destroyed';

/** A branch key as stored. */
export interface StoredKey {
  readonly kid: string;
  readonly purpose: KeyPurpose;
  readonly state: KeyState;
  /** How the keys of its messages are derived. */
  readonly suite: Suite;
  /** `null` once destroyed. */
  readonly wrappedKey: Buffer | null;
  readonly rootKeyRef: string;
  /** `null` for a key of a deployment that is older than key checks. */
  readonly keyCheck: Buffer | null;
  /** Values sealed under it, as reported by the replicas so far. */
  readonly operations: number;
  readonly createdAt: Date;
  readonly activatedAt: Date | null;
  readonly retiredAt: Date | null;
  readonly destroyedAt: Date | null;
  /** Seconds since it became active, on the database's clock; 0 when it never did. */
  readonly activeForSeconds: number;
}

/** A new key, ready to be stored. */
export interface NewKey extends WrappedKey {
  readonly kid: string;
  readonly purpose: KeyPurpose;
  readonly suite: Suite;
  readonly keyCheck: Buffer;
}

/** SQLSTATE of a statement that the role may not run. */
const insufficientPrivilege = '42501';

const lacksKey = `live_until > now() AND NOT $1::uuid = ANY (kids)`;

const statements = {
  list: {
    name: 'vault-select-keys',
    text: `SELECT kid, purpose, state, suite, wrapped_key AS "wrappedKey", root_key_ref AS "rootKeyRef", key_check AS "keyCheck",
             operations::float8 AS operations, created_at AS "createdAt", activated_at AS "activatedAt",
             retired_at AS "retiredAt", destroyed_at AS "destroyedAt",
             coalesce(extract(epoch FROM now() - activated_at), 0)::float8 AS "activeForSeconds"
           FROM vault_keys ORDER BY purpose, created_at, kid`,
  },
  insertActive: {
    name: 'vault-insert-active-key',
    text: `INSERT INTO vault_keys (kid, purpose, wrapped_key, root_key_ref, key_check, suite, state, activated_at)
           VALUES ($1, $2, $3, $4, $5, $6, 'active', now()) ON CONFLICT (purpose) WHERE state = 'active' DO NOTHING`,
  },
  insertPending: {
    name: 'vault-insert-pending-key',
    text: `INSERT INTO vault_keys (kid, purpose, wrapped_key, root_key_ref, key_check, suite, state)
           VALUES ($1, $2, $3, $4, $5, $6, 'pending')`,
  },
  setKeyCheck: {
    name: 'vault-set-key-check',
    text: 'UPDATE vault_keys SET key_check = $2 WHERE kid = $1 AND key_check IS NULL',
  },
  promote: {
    name: 'vault-promote-key',
    text: `WITH chosen AS (
             SELECT purpose FROM vault_keys WHERE kid = $1 AND state = 'pending'
               AND ($2 OR NOT EXISTS (SELECT FROM vault_replicas WHERE ${lacksKey}))
               AND NOT EXISTS (SELECT FROM vault_replicas WHERE live_until > now() AND generation < vault_keys.suite)
           ), former AS (
             UPDATE vault_keys SET state = 'decrypt_only', retired_at = now()
             WHERE purpose = (SELECT purpose FROM chosen) AND state = 'active' RETURNING purpose
           )
           UPDATE vault_keys SET state = 'active', activated_at = now() FROM former
           WHERE kid = $1 AND state = 'pending' RETURNING kid`,
  },
  destroy: {
    name: 'vault-destroy-key',
    text: `UPDATE vault_keys SET state = 'destroyed', wrapped_key = NULL, destroyed_at = now()
           WHERE kid = $1 AND state = 'decrypt_only' AND retired_at <= now() - $2 * interval '1 second' RETURNING kid`,
  },
  rewrap: {
    name: 'vault-rewrap-key',
    text: `UPDATE vault_keys SET wrapped_key = $3, root_key_ref = $4 WHERE kid = $1 AND wrapped_key = $2 RETURNING kid`,
  },
  countOperations: {
    name: 'vault-count-operations',
    text: 'UPDATE vault_keys SET operations = operations + $2 WHERE kid = $1',
  },
  lacking: {
    name: 'vault-replicas-lacking',
    text: `SELECT id FROM vault_replicas WHERE ${lacksKey} ORDER BY id`,
  },
  older: {
    name: 'vault-replicas-older',
    text: 'SELECT id FROM vault_replicas WHERE live_until > now() AND generation < $1 ORDER BY id',
  },
  beat: {
    name: 'vault-replicas-beat',
    text: `WITH dead AS (DELETE FROM vault_replicas WHERE live_until < now() - interval '1 hour' AND id <> $1)
           INSERT INTO vault_replicas (id, kids, live_until, generation)
           VALUES ($1, $2, now() + $3 * interval '1 millisecond', ${processGeneration})
           ON CONFLICT (id) DO UPDATE SET kids = excluded.kids, live_until = excluded.live_until`,
  },
  leave: { name: 'vault-replicas-leave', text: 'DELETE FROM vault_replicas WHERE id = $1' },
} satisfies Record<string, Statement>;

/** The stored branch keys, and the keys that each running process has in memory. */
@Injectable()
export class KeyStore {
  constructor(private readonly database: Database) {}

  /** Returns all keys, also destroyed ones, by purpose and age. */
  list(): Promise<StoredKey[]> {
    return this.database.query<StoredKey>(statements.list);
  }

  /**
   * Stores the first key of a purpose; does nothing when it has an active one already.
   *
   * @throws Error with the next step, when this role of the database may not make keys (LOG-11)
   */
  async insertActive(key: NewKey): Promise<void> {
    try {
      await this.database.query(statements.insertActive, newKeyValues(key));
    } catch (error) {
      if (isNativeError(error) && 'code' in error && error.code === insufficientPrivilege) {
        throw new Error(
          `There is no key for ${key.purpose} yet, and the database role of this process may not create one. ` +
            'Run `npm run cli -- keys list` once with the operator role to create it (docs/database-roles.md).',
          { cause: error },
        );
      }
      throw error;
    }
  }

  async insertPending(key: NewKey): Promise<void> {
    await this.database.query(statements.insertPending, newKeyValues(key));
  }

  /** Stores the check value of a key that has none. */
  async setKeyCheck(kid: string, keyCheck: Buffer): Promise<void> {
    await this.database.query(statements.setKeyCheck, [kid, keyCheck]);
  }

  /**
   * Makes a pending key the active one of its purpose, and the former one decrypt-only, in one statement.
   *
   * @param force - also when a live replica has not loaded it
   * @returns false when it is not pending, a live replica lacks it, or a live process does not know its suite; nothing
   *   was changed
   */
  async promote(kid: string, force: boolean): Promise<boolean> {
    return (await this.database.query(statements.promote, [kid, force])).length === 1;
  }

  /**
   * Erases a key that has been decrypt-only for this long. Returns false when it is not decrypt-only, or not for long
   * enough.
   */
  async destroy(kid: string, retiredForSeconds: number): Promise<boolean> {
    return (await this.database.query(statements.destroy, [kid, retiredForSeconds])).length === 1;
  }

  /** Replaces the wrapping of a key. Returns false when the former wrapping is not the stored one any more. */
  async rewrap(kid: string, former: Buffer, { blob, keyRef }: WrappedKey): Promise<boolean> {
    return (await this.database.query(statements.rewrap, [kid, former, blob, keyRef])).length === 1;
  }

  /** Adds to the number of values sealed under a key. */
  async countOperations(kid: string, operations: number): Promise<void> {
    await this.database.query(statements.countOperations, [kid, operations]);
  }

  /** Returns the live replicas that do not have the key in memory. */
  async findReplicasLacking(kid: string): Promise<string[]> {
    return (await this.database.query<{ id: string }>(statements.lacking, [kid])).map(({ id }) => id);
  }

  /** Returns the live processes of an earlier generation of stored values. */
  async findOlderProcesses(generation: number): Promise<string[]> {
    return (await this.database.query<{ id: string }>(statements.older, [generation])).map(({ id }) => id);
  }

  /**
   * Records that a replica lives, and the keys that it has in memory. Tables are distributed only while no replica is
   * recorded, so they are checked afterwards.
   *
   * @throws Error when the tables were distributed since this process started
   */
  async beat(replicaId: string, kids: readonly string[], liveForMs: number): Promise<void> {
    await this.database.query(statements.beat, [replicaId, kids, liveForMs]);
    await this.database.checkDistribution();
  }

  /** Records that a replica ends. */
  async leave(replicaId: string): Promise<void> {
    await this.database.query(statements.leave, [replicaId]);
  }
}

function newKeyValues({ kid, purpose, blob, keyRef, keyCheck, suite }: NewKey): unknown[] {
  return [kid, purpose, blob, keyRef, keyCheck, suite];
}
