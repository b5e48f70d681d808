import { generateKeySync, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { KeySources } from './key-sources.js';
import { LocalKeySource } from './local-key-source.js';
import { describeKeySourceContract } from './testing/key-source-contract.js';

const context = { kid: '3f1a8f0e-5d1b-4f57-9a55-0a86c2f3d101', purpose: 'connections.sealed', environment: 'test' };

describeKeySourceContract('LocalKeySource', async () => ({
  source: new LocalKeySource(randomBytes(32)),
  other: new LocalKeySource(randomBytes(32)),
  stop: () => Promise.resolve(),
}));

describeKeySourceContract('KeySources', async () => ({
  source: new KeySources(new LocalKeySource(randomBytes(32)), [new LocalKeySource(randomBytes(32))]),
  other: new KeySources(new LocalKeySource(randomBytes(32)), []),
  stop: () => Promise.resolve(),
}));

describe('LocalKeySource', () => {
  it('names the root key that a key was wrapped by when it is another one', async () => {
    const wrapped = await new LocalKeySource(randomBytes(32)).wrap(generateKeySync('aes', { length: 256 }), context);
    await expect(new LocalKeySource(randomBytes(32)).unwrap(wrapped, context)).rejects.toThrow(wrapped.keyRef);
  });
});

describe('KeySources', () => {
  it('unwraps what the former root key wrapped, and wraps with the new one', async () => {
    const [former, current] = [new LocalKeySource(randomBytes(32)), new LocalKeySource(randomBytes(32))];
    const key = generateKeySync('aes', { length: 256 });
    const wrapped = await former.wrap(key, context);
    const sources = new KeySources(current, [former]);
    expect((await sources.unwrap(wrapped, context)).equals(key)).toBe(true);
    expect(current.keeps((await sources.wrap(key, context)).keyRef)).toBe(true);
  });
});
