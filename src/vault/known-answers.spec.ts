import { createCipheriv, createSecretKey, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { AeadError, decryptAead, encryptAead } from './aead.js';
import type { SealContext } from './associated-data.js';
import { openEnvelope } from './envelope.js';
import { LocalKeySource } from './local-key-source.js';
import type { Suite } from './message-key.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

/** AES-256 test cases 13 to 16 of McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B. */
const gcmVectors = [
  {
    name: 'test case 13',
    key: '00'.repeat(32),
    iv: '00'.repeat(12),
    associatedData: '',
    plaintext: '',
    ciphertext: '',
    tag: '530f8afbc74536b9a963b4f1c4cb738b',
  },
  {
    name: 'test case 14',
    key: '00'.repeat(32),
    iv: '00'.repeat(12),
    associatedData: '',
    plaintext: '00'.repeat(16),
    ciphertext: 'cea7403d4d606b6e074ec5d3baf39d18',
    tag: 'd0d1c8a799996bf0265b98b5d48ab919',
  },
  {
    name: 'test case 16',
    key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308',
    iv: 'cafebabefacedbaddecaf888',
    associatedData: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    plaintext: `d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
      1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39`,
    ciphertext: `522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
      8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662`,
    tag: '76fc6ece0f4e1768cddf8853bb2d551b',
  },
].map(({ name, ...values }) => ({
  name,
  key: createSecretKey(hex(values.key)),
  iv: hex(values.iv),
  associatedData: hex(values.associatedData),
  plaintext: hex(values.plaintext),
  sealed: hex(values.ciphertext + values.tag),
}));

describe.each(gcmVectors)('AES-256-GCM, $name (CR-18)', ({ key, iv, associatedData, plaintext, sealed }) => {
  it('encrypts to the published bytes and decrypts them', () => {
    expect(encryptAead(key, iv, associatedData, plaintext)).toEqual(sealed);
    expect(decryptAead(key, iv, associatedData, sealed)).toEqual(plaintext);
  });

  it('refuses every tag with one changed bit', () => {
    for (let bit = 0; bit < 128; bit += 1) {
      const changed = Buffer.from(sealed);
      const at = changed.length - 16 + (bit >> 3);
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << (bit & 7)), at);
      expect(() => decryptAead(key, iv, associatedData, changed)).toThrow(AeadError);
    }
  });

  it('refuses the tags 0 and all ones, a cut one, and other associated data', () => {
    const body = sealed.subarray(0, -16);
    for (const tag of [Buffer.alloc(16), Buffer.alloc(16, 0xff), sealed.subarray(-16, -4), Buffer.alloc(0)]) {
      expect(() => decryptAead(key, iv, associatedData, Buffer.concat([body, tag]))).toThrow(AeadError);
    }
    expect(() => decryptAead(key, iv, Buffer.concat([associatedData, Buffer.alloc(1)]), sealed)).toThrow(AeadError);
  });

  it.each([0, 1, 8, 11, 13, 16])('refuses an IV of %i bytes', (length) => {
    expect(() => encryptAead(key, Buffer.alloc(length), associatedData, plaintext)).toThrow(RangeError);
    expect(() => decryptAead(key, Buffer.alloc(length), associatedData, sealed)).toThrow(AeadError);
  });
});

describe('HKDF-SHA-256 (CR-18)', () => {
  it.each([
    [
      'RFC 5869 A.1',
      '0b'.repeat(22),
      '000102030405060708090a0b0c',
      'f0f1f2f3f4f5f6f7f8f9',
      `3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865`,
    ],
    [
      'RFC 5869 A.3',
      '0b'.repeat(22),
      '',
      '',
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    ],
  ])('gives the bytes of %s', (_name, key, salt, info, expected) => {
    const derived = hkdfSync('sha256', createSecretKey(hex(key)), hex(salt), hex(info), expected.length / 2);
    expect(Buffer.from(derived).toString('hex')).toBe(expected);
  });
});

describe('AES key wrap (CR-13)', () => {
  it('gives the bytes of RFC 3394 4.6', () => {
    const wrap = createCipheriv(
      'id-aes256-wrap',
      hex('000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F'),
      hex('A6A6A6A6A6A6A6A6'),
    );
    const wrapped = Buffer.concat([
      wrap.update(hex('00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F')),
      wrap.final(),
    ]);
    expect(wrapped.toString('hex')).toBe(
      '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
    );
  });
});

/** Written by the first release of each format; never changed, only added to. */
interface FrozenFormats {
  readonly environment: string;
  readonly envelopes: readonly {
    readonly format: string;
    readonly suite: Suite;
    readonly kid: string;
    readonly branchKey: string;
    readonly context: SealContext;
    readonly plaintext: string;
    readonly envelope: string;
  }[];
  readonly wrappings: readonly {
    readonly rootKey: string;
    readonly keyRef: string;
    readonly context: { readonly kid: string; readonly purpose: string; readonly environment: string };
    readonly blob: string;
    readonly key: string;
  }[];
}

describe('values of every release (CR-18)', () => {
  const frozen = JSON.parse(
    readFileSync(new URL('fixtures/frozen-formats.json', import.meta.url), 'utf8'),
  ) as FrozenFormats;

  it.each(frozen.envelopes)('opens: $format', ({ suite, kid, branchKey, context, plaintext, envelope }) => {
    const key = { kid, key: createSecretKey(hex(branchKey)), suite };
    expect(openEnvelope(hex(envelope), key, frozen.environment, context).toString()).toBe(plaintext);
  });

  it.each(frozen.wrappings)('unwraps under root key $keyRef', async ({ rootKey, keyRef, context, blob, key }) => {
    const unwrapped = await new LocalKeySource(createSecretKey(hex(rootKey))).unwrap(
      { keyRef, blob: hex(blob) },
      context,
    );
    expect(unwrapped.export().toString('hex')).toBe(key);
  });
});
