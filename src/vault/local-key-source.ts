import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { encodeLengthPrefixed } from './associated-data.js';
import { KeySource, type WrapContext, type WrappedKey } from './key-source.js';

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

  override async wrap(key: Buffer, context: WrapContext): Promise<WrappedKey> {
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#rootKey, iv, { authTagLength: tagBytes });
    cipher.setAAD(encodeWrapContext(context));
    const wrapped = Buffer.concat([cipher.update(key), cipher.final()]);
    return { blob: Buffer.concat([iv, wrapped, cipher.getAuthTag()]), keyRef: this.#keyRef };
  }

  override async unwrap(wrapped: WrappedKey, context: WrapContext): Promise<Buffer> {
    if (wrapped.keyRef !== this.#keyRef) {
      throw new Error(`The key was wrapped by root key ${wrapped.keyRef}, this one is ${this.#keyRef}.`);
    }
    const { blob } = wrapped;
    const iv = blob.subarray(0, ivBytes);
    const decipher = createDecipheriv('aes-256-gcm', this.#rootKey, iv, { authTagLength: tagBytes });
    decipher.setAAD(encodeWrapContext(context));
    decipher.setAuthTag(blob.subarray(blob.length - tagBytes));
    const key = decipher.update(blob.subarray(ivBytes, blob.length - tagBytes));
    return Buffer.concat([key, decipher.final()]);
  }
}

function encodeWrapContext(context: WrapContext): Buffer {
  return encodeLengthPrefixed(['vault/v1/wrap', context.kid, context.purpose, context.environment]);
}
