import { describe, expect, it } from '@jest/globals';
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
  it('fetches a document once, and not again for an unknown key within a minute', async () => {
    const state = { calls: 0 };
    const keys = keysOf(state);
    expect(await keys.get(exampleOAuth2, url)).toEqual({ call: 1 });
    expect(await keys.get(exampleOAuth2, url)).toEqual({ call: 1 });
    expect(await keys.getAgain(exampleOAuth2, url)).toBeUndefined();
    expect(state.calls).toBe(1);
  });

  it('does not remember a failure', async () => {
    const state = { calls: 0, fails: true };
    const keys = keysOf(state);
    await expect(keys.get(exampleOAuth2, url)).rejects.toThrow('does not respond');
    state.fails = false;
    expect(await keys.get(exampleOAuth2, url)).toEqual({ call: 2 });
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
