import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { LocalKeySource } from './local-key-source.js';

const context = { kid: '3f1a8f0e-5d1b-4f57-9a55-0a86c2f3d101', purpose: 'connections.sealed', environment: 'test' };

describe('LocalKeySource', () => {
  it('unwraps what it wrapped, and the wrapping shows nothing of the key', async () => {
    const source = new LocalKeySource(randomBytes(32));
    const key = randomBytes(32);
    const wrapped = await source.wrap(key, context);
    expect(await source.unwrap(wrapped, context)).toEqual(key);
    expect(wrapped.blob.includes(key)).toBe(false);
  });

  it.each([
    ['another key id', { kid: '3f1a8f0e-5d1b-4f57-9a55-0a86c2f3d102' }],
    ['another purpose', { purpose: 'links.sealed' }],
    ['another environment', { environment: 'production' }],
  ])('CR-03 does not unwrap for %s', async (_name, change) => {
    const source = new LocalKeySource(randomBytes(32));
    const wrapped = await source.wrap(randomBytes(32), context);
    await expect(source.unwrap(wrapped, { ...context, ...change })).rejects.toThrow();
  });

  it('does not unwrap with another root key, and says which one it was', async () => {
    const wrapped = await new LocalKeySource(randomBytes(32)).wrap(randomBytes(32), context);
    await expect(new LocalKeySource(randomBytes(32)).unwrap(wrapped, context)).rejects.toThrow(wrapped.keyRef);
  });

  it('does not unwrap altered bytes, nor under a forged root key name', async () => {
    const source = new LocalKeySource(randomBytes(32));
    const other = new LocalKeySource(randomBytes(32));
    const wrapped = await source.wrap(randomBytes(32), context);
    const { keyRef } = await other.wrap(randomBytes(32), context);
    const altered = Buffer.from(wrapped.blob);
    altered.writeUInt8(altered.readUInt8(20) ^ 1, 20);
    await expect(source.unwrap({ ...wrapped, blob: altered }, context)).rejects.toThrow();
    await expect(other.unwrap({ ...wrapped, keyRef }, context)).rejects.toThrow();
  });
});
