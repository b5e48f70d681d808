import { createHash, randomBytes, type KeyObject } from 'node:crypto';
import { AeadError, decryptAead, encryptAead, ivBytes } from './aead.js';
import { KeyUnwrapError } from './key-source.errors.js';
import { KeySource, type WrapContext, type WrappedKey } from './key-source.js';
import { encodeWrapContext } from './wrap-context.js';

/** A root key held in memory, read from the environment or a file: AES-256-GCM with the context as associated data. */
export class LocalKeySource extends KeySource {
  readonly #rootKey: KeyObject;
  readonly #keyRef: string;

  /** @param rootKey - 256 bits */
  constructor(rootKey: KeyObject) {
    super();
    this.#rootKey = rootKey;
    const bytes = rootKey.export();
    const check = createHash('sha256').update('vault/v1/root-key-ref').update(bytes).digest('hex');
    bytes.fill(0);
    this.#keyRef = `local:${check.slice(0, 16)}`;
  }

  override keeps(keyRef: string): boolean {
    return keyRef === this.#keyRef;
  }

  override async wrap(key: KeyObject, context: WrapContext): Promise<WrappedKey> {
    const iv = randomBytes(ivBytes);
    const plain = key.export();
    const wrapped = encryptAead(this.#rootKey, iv, encodeWrapContext(context), plain);
    plain.fill(0);
    return { blob: Buffer.concat([iv, wrapped]), keyRef: this.#keyRef };
  }

  protected override async unwrapBytes({ blob, keyRef }: WrappedKey, context: WrapContext): Promise<Buffer> {
    if (!this.keeps(keyRef)) {
      throw new KeyUnwrapError(`The key was wrapped with root key ${keyRef}, not with ${this.#keyRef}.`);
    }
    try {
      const iv = blob.subarray(0, ivBytes);
      return decryptAead(this.#rootKey, iv, encodeWrapContext(context), blob.subarray(ivBytes));
    } catch (error) {
      if (error instanceof AeadError) {
        throw new KeyUnwrapError('The wrapped key cannot be decrypted.', { cause: error });
      }
      throw error;
    }
  }
}
