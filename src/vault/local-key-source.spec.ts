import { createSecretKey, generateKeySync, type KeyObject, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { RotatingKeySource } from './rotating-key-source.js';
import { LocalKeySource } from './local-key-source.js';
import { describeKeySourceContract } from './testing/key-source-contract.js';

function randomRootKey(): KeyObject {
  return createSecretKey(randomBytes(32));
}

const context = { kid: '3f1a8f0e-5d1b-4f57-9a55-0a86c2f3d101', purpose: 'connections.sealed', environment: 'test' };

describeKeySourceContract('LocalKeySource', async () => ({
  source: new LocalKeySource(randomRootKey()),
  other: new LocalKeySource(randomRootKey()),
  stop: () => Promise.resolve(),
}));

describeKeySourceContract('RotatingKeySource', async () => ({
  source: new RotatingKeySource(new LocalKeySource(randomRootKey()), [new LocalKeySource(randomRootKey())]),
  other: new RotatingKeySource(new LocalKeySource(randomRootKey()), []),
  stop: () => Promise.resolve(),
}));

describe('LocalKeySource', () => {
  it('names the root key that a key was wrapped by when it is another one', async () => {
    const wrapped = await new LocalKeySource(randomRootKey()).wrap(generateKeySync('aes', { length: 256 }), context);
    await expect(new LocalKeySource(randomRootKey()).unwrap(wrapped, context)).rejects.toThrow(wrapped.keyRef);
  });
});

describe('RotatingKeySource', () => {
  it('unwraps keys of the former root key, and wraps with the new one', async () => {
    const [former, current] = [new LocalKeySource(randomRootKey()), new LocalKeySource(randomRootKey())];
    const key = generateKeySync('aes', { length: 256 });
    const wrapped = await former.wrap(key, context);
    const sources = new RotatingKeySource(current, [former]);
    expect((await sources.unwrap(wrapped, context)).equals(key)).toBe(true);
    expect(current.keeps((await sources.wrap(key, context)).keyRef)).toBe(true);
  });
});
