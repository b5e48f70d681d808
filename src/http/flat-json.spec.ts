import { describe, expect, it } from '@jest/globals';
import { findJsonObjection } from './flat-json.js';

const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
const wide = (members: number): unknown => Array.from({ length: members }, () => 0);

describe('a body of JSON (AR-14)', () => {
  it.each([
    ['null', null],
    ['a text', 'text'],
    ['a number', 1],
    ['three levels', nested(3)],
    ['100 elements', wide(100)],
    ['an object with a list', { scopes: wide(99) }],
  ])('may be %s', (_what, value) => {
    expect(findJsonObjection(value)).toBeUndefined();
  });

  it.each([
    ['four levels', nested(4)],
    ['a million levels', nested(1_000_000)],
    ['101 elements', wide(101)],
    ['101 keys', { ...(wide(101) as object) }],
    ['101 members in several lists', [wide(50), wide(49)]],
    ['four levels behind a short list', { a: [1, { b: [{}] }] }],
  ])('may not have %s', (_what, value) => {
    expect(findJsonObjection(value)).toMatch(/^The body (is nested too deeply|has too many fields)/);
  });
});
