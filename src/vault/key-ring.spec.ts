import { createSecretKey, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DatabaseUnavailableError } from '../errors/request.errors.js';
import { keyPurposes } from './key-purposes.js';
import { KeyRing } from './key-ring.js';
import type { KeyStore, NewKey, StoredKey } from './key-store.js';
import { LocalKeySource } from './local-key-source.js';
import { readVaultConfig } from './vault.config.js';

const rootKey = randomBytes(32);
const config = readVaultConfig({ ENCRYPTION_ROOT_KEY: rootKey.toString('base64') });

/** Keeps keys in memory; throws `failure` in place of reading them. */
class KeysInMemory {
  failure: Error | undefined;
  readonly keys: StoredKey[] = [];

  async list(): Promise<StoredKey[]> {
    if (this.failure !== undefined) {
      throw this.failure;
    }
    return this.keys;
  }

  async insertActive({ blob, keyRef, ...key }: NewKey): Promise<void> {
    this.keys.push({
      ...key,
      state: 'active',
      wrappedKey: blob,
      rootKeyRef: keyRef,
      operations: 0,
      activeForSeconds: 0,
    } as unknown as StoredKey);
  }
}

describe('a key ring that starts while the database is slow', () => {
  beforeAll(() => void Logger.overrideLogger(false));
  afterAll(() => void Logger.overrideLogger(true));

  function ringOn(store: KeysInMemory): KeyRing {
    return new KeyRing(store as unknown as KeyStore, new LocalKeySource(createSecretKey(rootKey)), config);
  }

  it('starts without a key, seals nothing, and makes the keys once they can be read', async () => {
    const store = new KeysInMemory();
    store.failure = new DatabaseUnavailableError('slow');
    const ring = ringOn(store);

    await ring.onModuleInit();
    expect(ring.usableKids()).toEqual([]);
    expect(() => ring.takeForSeal('connections.sealed')).toThrow(expect.objectContaining({ code: 'KEY_UNAVAILABLE' }));
    await expect(ring.reload()).rejects.toBe(store.failure);
    expect(store.keys).toEqual([]);

    store.failure = undefined;
    await ring.reload();
    expect(ring.usableKids()).toHaveLength(keyPurposes.length);
    const { kid } = ring.takeForSeal('connections.sealed');
    expect(store.keys.find((key) => key.kid === kid)?.purpose).toBe('connections.sealed');
  });

  it('ends the start on any other failure, and on a root key that does not open the keys (CR-10)', async () => {
    const store = new KeysInMemory();
    store.failure = new Error('a mistake of ours');
    await expect(ringOn(store).onModuleInit()).rejects.toBe(store.failure);

    store.failure = undefined;
    await ringOn(store).onModuleInit();
    const other = new LocalKeySource(createSecretKey(randomBytes(32)));
    const wrong = new KeyRing(store as unknown as KeyStore, other, config);
    await expect(wrong.onModuleInit()).rejects.toThrow('is not the one that this database was set up with');
  });
});
