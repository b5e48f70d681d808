import { createSecretKey, generateKeySync, randomBytes, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KeyUnwrapError } from '../key-source.errors.js';
import type { KeySource, WrapContext } from '../key-source.js';

/** A key source under test. */
export interface TestedSource {
  readonly source: KeySource;
  /** A source with another root key. */
  readonly other: KeySource;
  stop(): Promise<void>;
}

const context: WrapContext = {
  kid: '3f1a8f0e-5d1b-4f57-9a55-0a86c2f3d101',
  purpose: 'connections.sealed',
  environment: 'test',
};

function newKey(): KeyObject {
  return generateKeySync('aes', { length: 256 });
}

/** The contract of every key source (CR-13). */
export function describeKeySourceContract(name: string, start: () => Promise<TestedSource>): void {
  describe(`key source contract of ${name}`, () => {
    let tested: TestedSource;

    beforeAll(async () => {
      tested = await start();
    });

    afterAll(() => tested.stop());

    it('unwraps its own wrapping, which reveals nothing of the key (CR-13)', async () => {
      const { source } = tested;
      const key = newKey();
      const wrapped = await source.wrap(key, context);
      expect((await source.unwrap(wrapped, context)).equals(key)).toBe(true);
      expect(wrapped.blob.includes(key.export())).toBe(false);
      expect([source.keeps(wrapped.keyRef), tested.other.keeps(wrapped.keyRef)]).toEqual([true, false]);
    });

    it('wraps the same key differently each time', async () => {
      const key = newKey();
      const [first, second] = [await tested.source.wrap(key, context), await tested.source.wrap(key, context)];
      expect(first.blob.equals(second.blob)).toBe(false);
    });

    it.each([
      ['another key id', { kid: '3f1a8f0e-5d1b-4f57-9a55-0a86c2f3d102' }],
      ['another purpose', { purpose: 'links.sealed' }],
      ['another environment', { environment: 'production' }],
    ])('does not unwrap for %s (CR-03)', async (_name, change) => {
      const wrapped = await tested.source.wrap(newKey(), context);
      await expect(tested.source.unwrap(wrapped, { ...context, ...change })).rejects.toThrow(KeyUnwrapError);
    });

    it('does not unwrap a key of another root key, nor one with a forged reference', async () => {
      const wrapped = await tested.other.wrap(newKey(), context);
      const { keyRef } = await tested.source.wrap(newKey(), context);
      await expect(tested.source.unwrap(wrapped, context)).rejects.toThrow(KeyUnwrapError);
      await expect(tested.source.unwrap({ ...wrapped, keyRef }, context)).rejects.toThrow(KeyUnwrapError);
    });

    it('does not unwrap altered or cut bytes', async () => {
      const wrapped = await tested.source.wrap(newKey(), context);
      const altered = Buffer.from(wrapped.blob);
      const at = altered.length - 3;
      altered.writeUInt8(altered.readUInt8(at) ^ 1, at);
      for (const blob of [altered, wrapped.blob.subarray(0, -1), wrapped.blob.subarray(0, 10), Buffer.alloc(0)]) {
        await expect(tested.source.unwrap({ ...wrapped, blob }, context)).rejects.toThrow(KeyUnwrapError);
      }
    });

    it('refuses a key that does not have 256 bits', async () => {
      const wrapped = await tested.source.wrap(createSecretKey(randomBytes(16)), context);
      await expect(tested.source.unwrap(wrapped, context)).rejects.toThrow(KeyUnwrapError);
    });
  });
}
