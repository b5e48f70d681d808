import { createCipheriv, createDecipheriv, createHash, randomBytes, type KeyObject } from 'node:crypto';
import { KeyUnwrapError } from './key-source.errors.js';
import { KeySource, type WrapContext, type WrappedKey } from './key-source.js';
import { encodeWrapContext } from './wrap-context.js';

const ivBytes = 12;
const tagBytes = 16;

/** A root key held in memory, read from the environment or a file: AES-256-GCM with the context as associated data. */
export class LocalKeySource extends KeySource {
  readonly #rootKey: Buffer;
  readonly #keyRef: string;

  /** @param rootKey - 32 bytes */
  constructor(rootKey: Buffer) {
    super();
    this.#rootKey = rootKey;
    const check = createHash('sha256').update('vault/v1/root-key-ref').update(rootKey).digest('hex');
    this.#keyRef = `local:${check.slice(0, 16)}`;
  }

  override keeps(keyRef: string): boolean {
    return keyRef === this.#keyRef;
  }

  override async wrap(key: KeyObject, context: WrapContext): Promise<WrappedKey> {
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#rootKey, iv, { authTagLength: tagBytes });
    cipher.setAAD(encodeWrapContext(context));
    const plain = key.export();
    const wrapped = Buffer.concat([cipher.update(plain), cipher.final()]);
    plain.fill(0);
    return { blob: Buffer.concat([iv, wrapped, cipher.getAuthTag()]), keyRef: this.#keyRef };
  }

  protected override async unwrapBytes({ blob, keyRef }: WrappedKey, context: WrapContext): Promise<Buffer> {
    if (!this.keeps(keyRef)) {
      throw new KeyUnwrapError(`The key was wrapped by root key ${keyRef}, this one is ${this.#keyRef}.`);
    }
    if (blob.length <= ivBytes + tagBytes) {
      throw new KeyUnwrapError('The wrapped key is too short.');
    }
    const iv = blob.subarray(0, ivBytes);
    const decipher = createDecipheriv('aes-256-gcm', this.#rootKey, iv, { authTagLength: tagBytes });
    decipher.setAAD(encodeWrapContext(context));
    decipher.setAuthTag(blob.subarray(blob.length - tagBytes));
    const key = decipher.update(blob.subarray(ivBytes, blob.length - tagBytes));
    try {
      decipher.final();
      return key;
    } catch (error) {
      key.fill(0);
      throw new KeyUnwrapError('The wrapped key does not open.', { cause: error });
    }
  }
}
