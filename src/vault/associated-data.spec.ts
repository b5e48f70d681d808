import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeBound, encodeLengthPrefixed, type BoundValue } from './associated-data.js';

describe('encodeLengthPrefixed', () => {
  it('writes the number of fields, then each length and its bytes (CR-03)', () => {
    expect(encodeLengthPrefixed(['ab', Buffer.from([0xff]), '']).toString('hex')).toBe(
      '00000003' + '00000002' + '6162' + '00000001' + 'ff' + '00000000',
    );
  });

  it('gives different bytes for different lists, wherever the fields are cut (CR-03)', () => {
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

describe('encodeBound', () => {
  const values: fc.Arbitrary<BoundValue> = fc.oneof(
    fc.constantFrom<BoundValue>(null, '', '1', 'true', 'null', 1, 0, true, false, Infinity),
    fc.string({ maxLength: 3 }),
    fc.integer({ min: 0, max: 20 }),
    fc.integer({ min: 0, max: 20 }).map((ms) => new Date(ms)),
    fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    fc.array(fc.string({ maxLength: 2 }), { maxLength: 2 }),
  );

  /** Describes the type and the content of a value, in a way of its own. */
  function describeValue(value: BoundValue): string {
    const kind = value === null ? 'null' : typeof value === 'object' ? value.constructor.name : typeof value;
    return `${kind} ${value === Infinity ? 'Infinity' : JSON.stringify(value)}`;
  }

  it('gives different bytes for different values of columns, of any type (CR-03)', () => {
    const lists = fc.array(values, { maxLength: 3 });
    fc.assert(
      fc.property(lists, lists, (left, right) => {
        const sameBytes = encodeBound(left).equals(encodeBound(right));
        expect(sameBytes).toBe(left.map(describeValue).join() === right.map(describeValue).join());
      }),
      { seed: 20261130, numRuns: 5_000 },
    );
  });
});
