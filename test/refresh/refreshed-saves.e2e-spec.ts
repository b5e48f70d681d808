import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import type { ConnectionKey, SealedTokenSet } from '../../src/tokens/store/connection.js';
import { startApplication, type TestApplication } from '../support/application.js';

const users = Array.from({ length: 40 }, (_, index) => `user-${index}`);

function tokens(text: string, scopesGranted: string[] | null = null): SealedTokenSet {
  const expiresAt = new Date('2030-01-02T03:04:05.678Z');
  const rest = { scopesUnknown: false, refreshable: true, refreshExpiresAt: null, refreshDueInMs: 60_000 };
  return { sealed: Buffer.from(text), scopesGranted, expiresAt, ...rest };
}

describe('saves of refreshed tokens that come together', () => {
  let application: TestApplication;
  let store: ConnectionStore;

  beforeAll(async () => {
    application = await startApplication();
    store = application.app.get(ConnectionStore, { strict: false });
  });
  afterAll(() => application.close());

  async function insertAll(provider: string): Promise<ConnectionKey[]> {
    const keys = users.map((userId) => ({ userId, provider, id: randomUUID(), secretGen: 1 }));
    const rest = { registrationId: `${provider}:test`, scopesRequested: [] };
    await Promise.all(
      keys.map((key) =>
        store.insert({ ...key, ...rest }, tokens('old'), {
          digest: null,
          formerDigest: null,
          exclusive: false,
          isPending: false,
        }),
      ),
    );
    return keys;
  }

  it('are each compared with their own generation, and each get their own result', async () => {
    const keys = await insertAll('whoop');
    const isStale = (index: number): boolean => index % 3 === 0;
    const saved = await Promise.all(
      keys.map((key, index) =>
        store.saveRefreshed({ ...key, secretGen: isStale(index) ? 2 : 1 }, tokens(`new-${key.userId}`)),
      ),
    );
    expect(saved).toEqual(keys.map((_, index) => !isStale(index)));
    for (const [index, { userId, provider }] of keys.entries()) {
      expect(await store.find(userId, provider)).toMatchObject(
        isStale(index)
          ? { secretGen: 1, sealed: Buffer.from('old') }
          : { secretGen: 2, sealed: Buffer.from(`new-${userId}`), expiresAt: new Date('2030-01-02T03:04:05.678Z') },
      );
    }
  });

  it('of one generation have one winner, which learns it', async () => {
    const [key] = await insertAll('oura');
    if (key === undefined) {
      throw new Error('There is no connection.');
    }
    const names = ['one', 'two', 'three'];
    const saved = await Promise.all(names.map((name) => store.saveRefreshed(key, tokens(name))));
    expect(saved.filter(Boolean)).toHaveLength(1);
    const winner = names[saved.indexOf(true)] ?? '';
    expect(await store.find(key.userId, key.provider)).toMatchObject({ secretGen: 2, sealed: Buffer.from(winner) });
  });

  it('keep any scopes as they are', async () => {
    const keys = await insertAll('fitbit');
    const lists = [null, [], ['a'], ['a b', 'c,d'], ['"quoted"', '{braced}', 'NULL', 'back\\slash', '']];
    const saved = lists.map((scopes, index) =>
      store.saveRefreshed(keys[index] as ConnectionKey, tokens('new', scopes)),
    );
    expect(await Promise.all(saved)).toEqual(lists.map(() => true));
    for (const [index, scopesGranted] of lists.entries()) {
      expect(await store.find(users[index] ?? '', 'fitbit')).toMatchObject({ scopesGranted });
    }
  });

  it('keep which scopes are unknown (TE-04)', async () => {
    const keys = await insertAll('garmin');
    const saved = keys.map((key, index) =>
      store.saveRefreshed(key, { ...tokens('new'), scopesUnknown: index % 2 === 1 }),
    );
    expect(await Promise.all(saved)).toEqual(keys.map(() => true));
    for (const [index, user] of users.entries()) {
      expect(await store.find(user, 'garmin')).toMatchObject({ scopesUnknown: index % 2 === 1 });
    }
  });

  it('are not kept back by one that PostgreSQL refuses', async () => {
    const keys = await insertAll('strava');
    const results = await Promise.allSettled(
      keys.map((key, index) => store.saveRefreshed(key, tokens('new', index === 7 ? ['zero \0 byte'] : null))),
    );
    expect(results.map(({ status }) => status)).toEqual(
      keys.map((_, index) => (index === 7 ? 'rejected' : 'fulfilled')),
    );
    expect(await store.find(users[7] ?? '', 'strava')).toMatchObject({ secretGen: 1 });
    expect(await store.find(users[8] ?? '', 'strava')).toMatchObject({ secretGen: 2 });
  });
});
