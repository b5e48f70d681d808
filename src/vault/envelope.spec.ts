import { createSecretKey, Hmac, randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it, jest } from '@jest/globals';
import type { SealContext } from './associated-data.js';
import {
  EnvelopeError,
  maxPlaintextBytes,
  openEnvelope,
  readEnvelopeKid,
  sealEnvelope,
  type BranchKey,
} from './envelope.js';

/** How many envelopes CR-04 compares; a million in the long form. */
const envelopeCount = Number(process.env['ENVELOPE_COUNT'] ?? 500);

const place: SealContext = {
  purpose: 'connections.sealed',
  rowId: '3f1a8f0e-5d1b-4f57-9a55-0a86c2f3d101',
  userId: 'user-1',
  registrationId: 'acme:0011223344556677',
  generation: 7,
};
const secret = Buffer.from('not-a-real-token');
describe.each([1, 2] as const)('an envelope of suite %i', (suite) => {
  const newKey = (): BranchKey => ({ kid: randomUUID(), key: createSecretKey(randomBytes(32)), suite });
  const key = newKey();

  it('opens its own envelope, in the same place', () => {
    expect(openEnvelope(sealEnvelope(secret, key, 'test', place), key, 'test', place)).toEqual(secret);
  });

  it('names the key it was sealed under (CR-05)', () => {
    expect(readEnvelopeKid(sealEnvelope(secret, key, 'test', place))).toBe(key.kid);
  });

  it('has 112 bytes beside the value, none of them the value', () => {
    const envelope = sealEnvelope(secret, key, 'test', place);
    expect(envelope).toHaveLength(112 + secret.length);
    expect(envelope.includes(secret)).toBe(false);
  });

  it('leaves no derived key in the heap (CR-17)', () => {
    // HKDF gives bytes that are read through Buffer.from; the HMAC gives a buffer.
    const derivations = [jest.spyOn(Buffer, 'from'), jest.spyOn(Hmac.prototype, 'digest')] as const;
    const envelope = sealEnvelope(secret, key, 'test', place);
    openEnvelope(envelope, key, 'test', place);
    const derived = derivations
      .flatMap(({ mock }) => mock.results.map(({ value }) => value as Buffer))
      .filter(({ length }) => length === 64);
    derivations.forEach((spy) => spy.mockRestore());
    const keyAndCommitment = Buffer.concat([Buffer.alloc(32), envelope.subarray(52, 84)]);
    expect(derived).toEqual([keyAndCommitment, keyAndCommitment]);
  });

  it(
    `never gives the same salt, commitment or IV twice (${envelopeCount} envelopes) (CR-04)`,
    () => {
      const [salts, commitments, ivs] = [new Set<string>(), new Set<string>(), new Set<string>()];
      for (let sealed = 0; sealed < envelopeCount; sealed += 1) {
        const envelope = sealEnvelope(secret, key, 'test', place).toString('latin1');
        salts.add(envelope.slice(20, 52));
        commitments.add(envelope.slice(52, 84));
        ivs.add(envelope.slice(84, 96));
      }
      expect([salts.size, commitments.size, ivs.size]).toEqual([envelopeCount, envelopeCount, envelopeCount]);
    },
    30_000 + envelopeCount,
  );

  it.each([
    ['another row', { rowId: '3f1a8f0e-5d1b-4f57-9a55-0a86c2f3d102' }],
    ['another column', { purpose: 'links.sealed' }],
    ['another user', { userId: 'user-2' }],
    ['another provider registration', { registrationId: 'other:0011223344556677' }],
    ['another generation', { generation: 8 }],
  ] satisfies [string, Partial<SealContext>][])('does not open in %s (CR-03)', (_name, change) => {
    const envelope = sealEnvelope(secret, key, 'test', place);
    expect(() => openEnvelope(envelope, key, 'test', { ...place, ...change })).toThrow(EnvelopeError);
  });

  it('does not open in another environment (CR-03)', () => {
    const envelope = sealEnvelope(secret, key, 'test', place);
    expect(() => openEnvelope(envelope, key, 'production', place)).toThrow(EnvelopeError);
  });

  it('does not open under a key of the other suite', () => {
    const envelope = sealEnvelope(secret, key, 'test', place);
    const other = { ...key, suite: suite === 1 ? 2 : 1 } as const;
    expect(() => openEnvelope(envelope, other, 'test', place)).toThrow(EnvelopeError);
    envelope.writeUInt8(other.suite, 3);
    expect(() => openEnvelope(envelope, other, 'test', place)).toThrow(EnvelopeError);
    expect(() => openEnvelope(envelope, key, 'test', place)).toThrow(EnvelopeError);
  });

  it('does not open under another key, even one with the same id', () => {
    const envelope = sealEnvelope(secret, key, 'test', place);
    expect(() => openEnvelope(envelope, newKey(), 'test', place)).toThrow(EnvelopeError);
    expect(() => openEnvelope(envelope, { ...newKey(), kid: key.kid }, 'test', place)).toThrow(EnvelopeError);
  });

  it('does not open when any single bit was changed (CR-02)', () => {
    const envelope = sealEnvelope(secret, key, 'test', place);
    // The key id is what selects the key, so a change there is another key's envelope: refused by the vault, not here.
    const bits = Array.from({ length: envelope.length * 8 }, (_, bit) => bit).filter((bit) => bit < 32 || bit >= 160);
    const opened = bits.filter((bit) => {
      const changed = Buffer.from(envelope);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      try {
        openEnvelope(changed, key, 'test', place);
        return true;
      } catch (error) {
        return !(error instanceof EnvelopeError);
      }
    });
    expect(opened).toEqual([]);
  });

  it.each([1, 4, 8, 12, 15])('does not open when the tag is cut by %i bytes (CR-01)', (missing) => {
    const envelope = sealEnvelope(secret, key, 'test', place);
    expect(() => openEnvelope(envelope.subarray(0, -missing), key, 'test', place)).toThrow(EnvelopeError);
  });

  it('gives the same error for a wrong key, a wrong place and a wrong tag (CR-15)', () => {
    const envelope = sealEnvelope(secret, key, 'test', place);
    const badTag = Buffer.concat([
      envelope.subarray(0, -1),
      Buffer.from([envelope.readUInt8(envelope.length - 1) ^ 1]),
    ]);
    const messages = [
      () => openEnvelope(envelope, { ...newKey(), kid: key.kid }, 'test', place),
      () => openEnvelope(envelope, key, 'test', { ...place, userId: 'user-2' }),
      () => openEnvelope(badTag, key, 'test', place),
    ].map((open) => {
      try {
        return open().toString();
      } catch (error) {
        return error instanceof EnvelopeError ? error.message : 'another error';
      }
    });
    expect(new Set(messages)).toEqual(new Set(['The envelope does not open.']));
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    [
      'text',
      Buffer.from(
        'a plain token that somebody wrote here by hand, long enough to have room for a header and a tag, and more',
      ),
    ],
    ['the next version', Buffer.concat([Buffer.from('CL'), Buffer.from([2, 1]), Buffer.alloc(200)])],
    ['an unknown suite', Buffer.concat([Buffer.from('CL'), Buffer.from([1, 9]), Buffer.alloc(200)])],
  ])('refuses %s as an envelope', (_name, bytes) => {
    expect(() => readEnvelopeKid(bytes)).toThrow(EnvelopeError);
  });

  it('refuses to seal more than it should hold', () => {
    expect(() => sealEnvelope(Buffer.alloc(maxPlaintextBytes + 1), key, 'test', place)).toThrow(RangeError);
    expect(openEnvelope(sealEnvelope(Buffer.alloc(0), key, 'test', place), key, 'test', place)).toHaveLength(0);
  });
});
