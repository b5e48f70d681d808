import { describe, expect, it } from '@jest/globals';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import fc from 'fast-check';
import { ConnectionPath } from './user-path.dto.js';

/** Texts around the borders: empty, too long, with characters that nobody sees. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.nat(300).map((length) => 'x'.repeat(length)),
  fc.constantFrom('', 'user-42', 'a\u0000b', 'a\u2028b', 'a\u2029b', 'a\u200bb', '\ud800', 'whoop\n'),
);

describe('ConnectionPath', () => {
  it('accepts exactly the paths that its decorators let through', () => {
    fc.assert(
      fc.property(text, text, (user, provider) => {
        const path = { user_id: user, provider };
        const faults = validateSync(plainToInstance(ConnectionPath, path));
        expect(ConnectionPath.accepts(path)).toBe(faults.length === 0);
      }),
      { seed: 20261122, numRuns: 2_000 },
    );
  });
});
