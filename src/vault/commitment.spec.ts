import { createCipheriv, createHash, createHmac, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decryptAead } from './aead.js';
import { encodeLengthPrefixed, type SealContext } from './associated-data.js';
import { EnvelopeError, openEnvelope } from './envelope.js';
import type { Suite } from './message-key.js';

const kid = '3f1a8f0e-5d1b-4f57-9a55-0a86c2f3d101';
const kidBytes = Buffer.from(kid.replaceAll('-', ''), 'hex');
const place: SealContext = {
  purpose: 'connections.sealed',
  rowId: '3f1a8f0e-5d1b-4f57-9a55-0a86c2f3d102',
  userId: 'user-1',
  registrationId: 'acme:0011223344556677',
  generation: 7,
};

const reduction = 0xe1n << 120n;

/** Multiplies in GF(2^128) as GCM writes it: the first bit is the coefficient of 1. */
function multiply(left: bigint, right: bigint): bigint {
  let product = 0n;
  let shifted = right;
  for (let bit = 127n; bit >= 0n; bit -= 1n) {
    product ^= ((left >> bit) & 1n) === 1n ? shifted : 0n;
    shifted = (shifted & 1n) === 1n ? (shifted >> 1n) ^ reduction : shifted >> 1n;
  }
  return product;
}

/** x to the power of 2^128 - 2. */
function invert(value: bigint): bigint {
  let result = 1n << 127n;
  let square = value;
  for (let bit = 1; bit < 128; bit += 1) {
    square = multiply(square, square);
    result = multiply(result, square);
  }
  return result;
}

const toNumber = (block: Buffer): bigint => BigInt(`0x${block.toString('hex')}`);
const toBlock = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(32, '0'), 'hex');

function toBlocks(bytes: Buffer): bigint[] {
  const padded = Buffer.concat([bytes, Buffer.alloc((16 - (bytes.length % 16)) % 16)]);
  return Array.from({ length: padded.length / 16 }, (_, at) => toNumber(padded.subarray(at * 16, at * 16 + 16)));
}

function encryptBlock(key: Buffer, block: Buffer): bigint {
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  return toNumber(Buffer.concat([cipher.update(block), cipher.final()]));
}

/** Finds one ciphertext of two blocks, and its tag, that both keys take (recipe of section 4.7). */
function craft(keys: readonly [Buffer, Buffer], iv: Buffer, associatedData: Buffer): Buffer {
  const first = randomBytes(16);
  const lengths = (BigInt(associatedData.length * 8) << 64n) | 256n;
  const blocks = [...toBlocks(associatedData), toNumber(first), 0n, lengths];
  const sides = keys.map((key) => {
    const hashKey = encryptBlock(key, Buffer.alloc(16));
    const hash = blocks.reduce((sum, block) => multiply(sum ^ block, hashKey), 0n);
    const mask = encryptBlock(key, Buffer.concat([iv, Buffer.from([0, 0, 0, 1])]));
    return { rest: hash ^ mask, power: multiply(hashKey, hashKey) };
  });
  const [left, right] = sides as [(typeof sides)[0], (typeof sides)[0]];
  const free = multiply(left.rest ^ right.rest, invert(left.power ^ right.power));
  const tag = left.rest ^ multiply(free, left.power);
  return Buffer.concat([first, toBlock(free), toBlock(tag)]);
}

/** The formats of ADR 4 and ADR 16, written a second time. */
function derive(
  suite: Suite,
  branchKey: Buffer,
  salt: Buffer,
  associatedData: Buffer,
): { messageKey: Buffer; commitment: Buffer } {
  const label = Buffer.from('vault/v1/record');
  if (suite === 2) {
    const input = Buffer.concat([
      Buffer.from('00000001', 'hex'),
      label,
      Buffer.from('0200', 'hex'),
      salt,
      associatedData,
    ]);
    const block = createHmac('sha512', branchKey).update(input).update(Buffer.from('00000200', 'hex')).digest();
    return { messageKey: block.subarray(0, 32), commitment: block.subarray(32) };
  }
  const digest = createHash('sha256').update(associatedData).digest();
  const info = Buffer.concat([label, Buffer.from([1]), kidBytes, digest]);
  const derived = Buffer.from(hkdfSync('sha256', branchKey, salt, info, 64));
  return { messageKey: derived.subarray(0, 32), commitment: derived.subarray(32) };
}

describe.each([1, 2] as const)('a ciphertext of suite %i that is valid under two keys (CR-06)', (suite) => {
  const [iv, salt] = [randomBytes(12), randomBytes(32)];
  const branchKeys = [randomBytes(32), randomBytes(32)] as const;
  const associatedData = encodeLengthPrefixed([
    Buffer.from([1, suite]),
    kidBytes,
    place.purpose,
    'test',
    place.rowId,
    place.userId,
    place.registrationId,
    String(place.generation),
  ]);
  const [one, two] = branchKeys.map((key) => derive(suite, key, salt, associatedData)) as [
    ReturnType<typeof derive>,
    ReturnType<typeof derive>,
  ];
  const sealed = craft([one.messageKey, two.messageKey], iv, associatedData);
  const envelopeWith = (commitment: Buffer): Buffer =>
    Buffer.concat([Buffer.from('CL'), Buffer.from([1, suite]), kidBytes, salt, commitment, iv, sealed]);
  const open = (envelope: Buffer, key: Buffer): Buffer =>
    openEnvelope(envelope, { kid, key: createSecretKey(key), suite }, 'test', place);

  it('is taken by plain GCM under both', () => {
    const opened = [one, two].map(({ messageKey }) =>
      decryptAead(createSecretKey(messageKey), iv, associatedData, sealed),
    );
    expect(opened[0]).toHaveLength(32);
    expect(opened[0]?.equals(opened[1] ?? Buffer.alloc(0))).toBe(false);
  });

  it('opens under the key that it commits to only', () => {
    expect(open(envelopeWith(one.commitment), branchKeys[0])).toHaveLength(32);
    expect(() => open(envelopeWith(one.commitment), branchKeys[1])).toThrow(EnvelopeError);
    expect(open(envelopeWith(two.commitment), branchKeys[1])).toHaveLength(32);
    expect(() => open(envelopeWith(two.commitment), branchKeys[0])).toThrow(EnvelopeError);
  });
});
