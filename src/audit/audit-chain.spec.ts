import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { MacKey } from '../vault/mac-key.js';
import { chain, type AuditFacts } from './audit-chain.js';

const key: KeyObject = createSecretKey(Buffer.alloc(32, 7));
const macKey = new MacKey('6f2b1c2e-0000-4000-8000-000000000000', key);
const previous = { sequence: 4, mac: Buffer.alloc(32, 1) };
const facts: AuditFacts = {
  recordedAt: new Date('2026-11-30T10:00:00.000Z'),
  action: 'token.handed_out',
  outcome: 'success',
  actor: 'api-key:0123',
  userDigest: Buffer.alloc(32, 2),
  provider: 'whoop',
  connectionId: null,
  subject: null,
  code: '',
  requestId: 'request-1',
  address: null,
};

/**
 * Joins fields as docs/audit.md says, apart from the code on purpose: the number of fields, then each with its length
 * in front.
 */
function macOf(fields: readonly (string | Buffer)[]): string {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const parts = fields.map((field) => Buffer.from(field)).flatMap((field) => [number(field.length), field]);
  return createHmac('sha256', key)
    .update(Buffer.concat([number(fields.length), ...parts]))
    .digest('hex');
}

const common = [
  previous.mac,
  '5',
  '2026-11-30T10:00:00.000Z',
  'token.handed_out',
  'success',
  'api-key:0123',
  Buffer.alloc(32, 2),
  '=whoop',
  '',
  '',
  '=',
  '=request-1',
];

describe('the chain of the audit trail', () => {
  it('signs an entry without an address as entries were signed before addresses were kept (LOG-05)', () => {
    expect(chain(facts, previous, macKey).mac.toString('hex')).toBe(macOf(['audit/v1/entry', ...common]));
  });

  it('signs the address of an entry that has one, an empty one included (LOG-05)', () => {
    for (const address of ['digest:3f9a1c0d5e7b2a4866d1f0c9', '']) {
      const { mac } = chain({ ...facts, address }, previous, macKey);
      expect(mac.toString('hex')).toBe(macOf(['audit/v2/entry', ...common, address]));
    }
  });
});
