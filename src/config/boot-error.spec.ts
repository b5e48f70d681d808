import { describe, expect, it } from '@jest/globals';
import { describeBootError } from './boot-error.js';

describe('describeBootError', () => {
  it('shows the message and those of the causes, each once', () => {
    const cause = new Error('it is full');
    const middle = new Error('disk: it is full', { cause });
    expect(describeBootError(new Error('no start', { cause: middle }))).toBe('no start Cause: disk: it is full');
  });

  it('says how to prepare a database that lacks the tables', () => {
    const error = Object.assign(new Error('relation "vault_keys" does not exist'), { code: '42P01' });
    expect(describeBootError(error)).toBe(
      'The database has no tables yet: run `npm run cli -- migrate` with the same DATABASE_URL. ' +
        'Cause: relation "vault_keys" does not exist',
    );
  });

  it.each(['ECONNREFUSED', 'ENOTFOUND', '28P01', '3D000'])(
    'names the variable of a database that fails with %s',
    (code) => {
      expect(describeBootError(Object.assign(new Error('why'), { code }))).toBe(
        'The database at DATABASE_URL cannot be opened. Cause: why',
      );
    },
  );

  it('reports why each address refused, where the error has no message of its own', () => {
    const error = new AggregateError([
      new Error('connect ECONNREFUSED ::1'),
      new Error('connect ECONNREFUSED 127.0.0.1'),
    ]);
    expect(describeBootError(error)).toBe('connect ECONNREFUSED ::1, connect ECONNREFUSED 127.0.0.1');
  });

  it('shows no other property, and no stack (LOG-02)', () => {
    const error = Object.assign(new Error('no start'), { detail: 'canary', config: { password: 'canary' } });
    expect(describeBootError(error)).toBe('no start');
  });

  it.each([undefined, 'canary', { message: 'canary' }])(
    'does not show a thrown value that is no error (LOG-02)',
    (thrown) => {
      expect(describeBootError(thrown)).toBe('The reason is unknown.');
    },
  );
});
