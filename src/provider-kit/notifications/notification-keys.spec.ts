import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { PublicJsonClient } from '../client/public-json-client.js';
import { exampleOAuth2 } from '../testing/example-definition.js';
import { NotificationKeys } from './notification-keys.js';
import { readTinkKeyset, tinkKeyId } from './tink-keyset.js';

const url = 'https://provider.example/keys';

/** Keys of a client that returns the number of the call, or fails while it is told to. */
function keysOf(state: { calls: number; fails?: boolean }): NotificationKeys {
  const client: Pick<PublicJsonClient, 'getPublicJson'> = {
    getPublicJson: async () => {
      state.calls += 1;
      if (state.fails === true) {
        throw new Error('The provider does not respond.');
      }
      return { call: state.calls };
    },
  };
  return new NotificationKeys(client as PublicJsonClient);
}

describe('NotificationKeys', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('fetches a document once, and for unknown keys at most once a minute', async () => {
    const state = { calls: 0 };
    const keys = keysOf(state);
    expect(await Promise.all([keys.get(exampleOAuth2, url), keys.get(exampleOAuth2, url)])).toEqual([
      { call: 1 },
      { call: 1 },
    ]);
    expect(await keys.getAgain(exampleOAuth2, url)).toBeUndefined();
    jest.advanceTimersByTime(59_999);
    expect(await keys.getAgain(exampleOAuth2, url)).toBeUndefined();
    jest.advanceTimersByTime(1);
    // Those that arrive while it is fetched wait for it.
    const newer = [keys.getAgain(exampleOAuth2, url), keys.getAgain(exampleOAuth2, url)];
    expect(await Promise.all(newer)).toEqual([{ call: 2 }, { call: 2 }]);
    expect(await keys.get(exampleOAuth2, url)).toEqual({ call: 2 });
    expect(await keys.getAgain(exampleOAuth2, url)).toBeUndefined();
    expect(state.calls).toBe(2);
  });

  it('asks for a document that it could not read again after 5 seconds, not for each notification', async () => {
    const state = { calls: 0, fails: true };
    const keys = keysOf(state);
    for (let notified = 0; notified < 3; notified += 1) {
      await expect(keys.get(exampleOAuth2, url)).rejects.toThrow('does not respond');
    }
    expect(state.calls).toBe(1);
    state.fails = false;
    jest.advanceTimersByTime(5_000);
    expect(await keys.get(exampleOAuth2, url)).toEqual({ call: 2 });
  });

  it('keeps the document that it has when a made-up key id has it fetched again and that fails', async () => {
    const state = { calls: 0, fails: false };
    const keys = keysOf(state);
    await keys.get(exampleOAuth2, url);
    state.fails = true;
    jest.advanceTimersByTime(60_000);
    await expect(keys.getAgain(exampleOAuth2, url)).rejects.toThrow('does not respond');
    expect(await keys.get(exampleOAuth2, url)).toEqual({ call: 1 });
    expect(await keys.getAgain(exampleOAuth2, url)).toBeUndefined();
    expect(state.calls).toBe(2);
  });

  it('reads a document again after a day, and uses the old one until a newer one can be read', async () => {
    const state = { calls: 0, fails: false };
    const keys = keysOf(state);
    await keys.get(exampleOAuth2, url);
    state.fails = true;
    jest.advanceTimersByTime(86_400_000);
    expect(await keys.get(exampleOAuth2, url)).toEqual({ call: 1 });
    expect(await keys.get(exampleOAuth2, url)).toEqual({ call: 1 });
    expect(state.calls).toBe(2);
    state.fails = false;
    jest.advanceTimersByTime(60_000);
    expect(await keys.get(exampleOAuth2, url)).toEqual({ call: 3 });
  });
});

describe('a keyset of Tink', () => {
  it.each([undefined, null, {}, [], { key: 'x' }, { key: [{ keyId: 1, status: 'ENABLED', keyData: {} }] }])(
    'that is malformed has no key: %j',
    (document) => {
      expect(readTinkKeyset(document).size).toBe(0);
    },
  );

  it.each(['', 'AA==', Buffer.alloc(80, 0xff).toString('base64')])(
    'leaves out a key that is no point: "%s"',
    (value) => {
      const keyData = { typeUrl: 'type.googleapis.com/google.crypto.tink.EcdsaPublicKey', value };
      expect(readTinkKeyset({ key: [{ keyId: 1, status: 'ENABLED', keyData }] }).size).toBe(0);
    },
  );

  it('is named by the four bytes behind the version of a signature', () => {
    expect(tinkKeyId(Buffer.from([1, 0, 0, 1, 2, 9]))).toBe(258);
    expect(tinkKeyId(Buffer.from([0, 0, 0, 1, 2, 9]))).toBeUndefined();
    expect(tinkKeyId(Buffer.from([1, 0, 0, 1, 2]))).toBeUndefined();
  });
});
