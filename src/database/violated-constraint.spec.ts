import { describe, expect, it } from '@jest/globals';
import { violatedConstraint } from './violated-constraint.js';

describe('the violated constraint', () => {
  it('is the one that PostgreSQL names beside the message', () => {
    const error = Object.assign(new Error('duplicate key'), { constraint: 'connections_pkey' });
    expect(violatedConstraint(error)).toBe('connections_pkey');
  });

  it('is the one of all shards where Citus names the one of a shard', () => {
    const duplicate = new Error('duplicate key value violates unique constraint "connections_pkey_102010"');
    expect(violatedConstraint(duplicate)).toBe('connections_pkey');
    const orphan =
      'insert or update on table "grant_migrations_102022" violates foreign key constraint "grant_migrations_connection_102022"';
    expect(violatedConstraint(new Error(orphan))).toBe('grant_migrations_connection');
  });

  it('is none of another error', () => {
    expect(violatedConstraint(new Error('connection refused'))).toBeUndefined();
    expect(violatedConstraint('constraint "connections_pkey_1"')).toBeUndefined();
  });
});
