import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeLengthPrefixed } from './associated-data.js';

describe('encodeLengthPrefixed', () => {
  it('CR-03 writes the number of fields, then each length and its bytes', () => {
    expect(encodeLengthPrefixed(['ab', Buffer.from([0xff]), '']).toString('hex')).toBe(
      '00000003' + '00000002' + '6162' + '00000001' + 'ff' + '00000000',
    );
  });

  it('CR-03 gives different bytes for different lists, wherever the fields are cut', () => {
    const fields = fc.array(fc.string({ maxLength: 4 }), { maxLength: 4 });
    fc.assert(
      fc.property(fields, fields, (left, right) => {
        const sameBytes = encodeLengthPrefixed(left).equals(encodeLengthPrefixed(right));
        expect(sameBytes).toBe(JSON.stringify(left) === JSON.stringify(right));
      }),
      { seed: 20261122, numRuns: 2_000 },
    );
    expect(encodeLengthPrefixed(['a', 'bc']).equals(encodeLengthPrefixed(['ab', 'c']))).toBe(false);
  });
});
