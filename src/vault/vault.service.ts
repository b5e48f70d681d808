import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { TokenUnreadableError } from '../errors/connection.errors.js';
import {
  encodeBound,
  encodeLengthPrefixed,
  type BoundValue,
  type DigestPurpose,
  type MacPurpose,
  type SealContext,
  type SealPurpose,
} from './associated-data.js';
import { EnvelopeError, formatKid, kidBytes, openEnvelope, readEnvelopeKid, sealEnvelope } from './envelope.js';
import { KeyRing } from './key-ring.js';
import { MacKey } from './mac-key.js';
import { vaultConfig, type VaultConfig } from './vault.config.js';

/** Seals values into rows and opens them. */
@Injectable()
export class VaultService {
  private readonly triedKeys = new WeakSet<KeyObject>();

  constructor(
    private readonly keyRing: KeyRing,
    @Inject(vaultConfig.KEY) private readonly config: VaultConfig,
  ) {}

  /**
   * Seals a value for one place with the active key of its purpose.
   *
   * @param value - any JSON, at most 64 KiB of it
   * @param context - the place; needed again to open the value
   * @throws {@link KeyUnavailableError} when the key may not be used
   */
  seal(value: object, context: SealContext): Buffer {
    const plaintext = Buffer.from(JSON.stringify(value), 'utf8');
    return sealEnvelope(plaintext, this.keyRing.takeForSeal(context.purpose), this.config.environmentName, context);
  }

  /**
   * Checks that a value of a purpose can be sealed now and for the next two minutes. Call it before spending anything
   * whose result must be sealed (CR-14). A key in memory is tried once, by sealing a value.
   *
   * @throws {@link KeyUnavailableError} when it cannot
   */
  ensureCanSeal(purpose: SealPurpose): void {
    const branchKey = this.keyRing.checkSeal(purpose);
    if (!this.triedKeys.has(branchKey.key)) {
      const nowhere: SealContext = { purpose, rowId: '', userId: '', registrationId: '', generation: 0 };
      sealEnvelope(Buffer.alloc(1), branchKey, this.config.environmentName, nowhere);
      this.triedKeys.add(branchKey.key);
    }
  }

  /**
   * Opens a value with the one key that its envelope names.
   *
   * @returns the parsed JSON, to be checked by the caller
   * @throws {@link TokenUnreadableError} when the key is unknown, or anything differs from the sealing
   * @throws {@link KeyUnavailableError} when the key may not be used
   */
  async open(envelope: Buffer, context: SealContext): Promise<unknown> {
    try {
      const kid = readEnvelopeKid(envelope);
      const key = await this.keyRing.find(kid);
      if (key === undefined) {
        throw new EnvelopeError(`Key ${kid} is not in the key ring.`);
      }
      return JSON.parse(openEnvelope(envelope, key, this.config.environmentName, context).toString('utf8'));
    } catch (error) {
      if (error instanceof EnvelopeError) {
        throw new TokenUnreadableError(`${context.purpose} of row ${context.rowId}: ${error.message}`);
      }
      throw error;
    }
  }

  /**
   * Returns a keyed digest, which recognizes a value and does not reveal it. Equal fields give equal digests. Nobody
   * without the key can guess values and compare.
   *
   * @param purpose - digests of different purposes have nothing in common
   * @param fields - the value, in a fixed order; joined injectively
   * @returns 32 bytes, HMAC-SHA-256
   * @throws {@link KeyUnavailableError} when the key may not be used
   * @see RFC 2104
   */
  digest(purpose: DigestPurpose, fields: readonly string[]): Buffer {
    const { key } = this.keyRing.getActive(purpose);
    const message = encodeLengthPrefixed(['vault/v1/digest', purpose, this.config.environmentName, ...fields]);
    return createHmac('sha256', key).update(message).digest();
  }

  /** Returns the key that signs new messages of a purpose. */
  getMacKey(purpose: MacPurpose): MacKey {
    const { kid, key } = this.keyRing.getActive(purpose);
    return new MacKey(kid, key);
  }

  /** Returns the key that signed an earlier message; `undefined` when there is no key with this id. */
  async findMacKey(kid: string): Promise<MacKey | undefined> {
    const branchKey = await this.keyRing.find(kid);
    return branchKey && new MacKey(kid, branchKey.key);
  }

  /**
   * Signs the columns of a row, so that nobody can write or alter it without the key (AR-27).
   *
   * @param row - every column that a decision depends on, with the primary key, in a fixed order
   * @returns the id of the key, 16 bytes, followed by the MAC
   * @throws {@link KeyUnavailableError} when the key may not be used
   */
  signRow(purpose: MacPurpose, row: readonly BoundValue[]): Buffer {
    const key = this.getMacKey(purpose);
    return Buffer.concat([kidBytes(key.kid), key.sign(this.rowMessage(purpose, row))]);
  }

  /**
   * Tells whether {@link signRow} has signed exactly this row, with the active key or a former one.
   *
   * @throws {@link KeyUnavailableError} when that key may not be used
   */
  async isSignedRow(purpose: MacPurpose, row: readonly BoundValue[], signature: Buffer): Promise<boolean> {
    const mac = signature.subarray(rowKidBytes);
    const key = mac.length === 32 ? await this.findMacKey(formatKid(signature.subarray(0, rowKidBytes))) : undefined;
    return key !== undefined && timingSafeEqual(key.sign(this.rowMessage(purpose, row)), mac);
  }

  private rowMessage(purpose: MacPurpose, row: readonly BoundValue[]): Buffer {
    return encodeLengthPrefixed(['vault/v1/row', purpose, this.config.environmentName, encodeBound(row)]);
  }
}

const rowKidBytes = 16;
