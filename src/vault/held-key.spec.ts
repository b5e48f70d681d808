import { generateKeySync, randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { HeldKey } from './held-key.js';
import type { StoredKey } from './key-store.js';

function stored(operations: number): StoredKey {
  return { kid: randomUUID(), operations } as StoredKey;
}

describe('HeldKey', () => {
  it('counts sealed values without a gap while a report is in flight (CR-04)', () => {
    const held = new HeldKey(stored(7), generateKeySync('aes', { length: 256 }), 0);
    held.countOperation();
    held.countOperation();
    expect(held.operations).toBe(9);

    expect(held.takeUnreported()).toBe(2);
    expect(held.operations).toBe(9);
    held.countOperation();
    expect(held.operations).toBe(10);

    held.stored = stored(9);
    expect(held.operations).toBe(10);
    expect(held.takeUnreported()).toBe(1);
  });

  it('repeats a failed report (CR-04)', () => {
    const held = new HeldKey(stored(0), generateKeySync('aes', { length: 256 }), 0);
    held.countOperation();
    held.giveBack(held.takeUnreported());
    expect(held.operations).toBe(1);
    expect(held.takeUnreported()).toBe(1);
  });
});
