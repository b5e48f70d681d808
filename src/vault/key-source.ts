import { createSecretKey, type KeyObject } from 'node:crypto';
import { KeyUnwrapError } from './key-source.errors.js';

/**
 * The context to which a wrapped key is bound. It holds no secret and nothing about a person, because a remote key
 * service logs it.
 */
export interface WrapContext {
  readonly kid: string;
  readonly purpose: string;
  readonly environment: string;
}

/** A key in the form in which the database keeps it. */
export interface WrappedKey {
  readonly blob: Buffer;
  /** Names the root key that wrapped it. */
  readonly keyRef: string;
}

/** The place of the root key: wraps and unwraps branch keys, and never reveals the root key. */
export abstract class KeySource {
  private readonly unwrapping = new Map<string, Promise<KeyObject>>();

  /** Says whether this source has the root key that wrapped the key with this reference. */
  abstract keeps(keyRef: string): boolean;

  /**
   * Wraps a 256-bit key for one context.
   *
   * @throws {@link KeySourceUnavailableError}, {@link RootKeyDisabledError}
   */
  abstract wrap(key: KeyObject, context: WrapContext): Promise<WrappedKey>;

  /**
   * Unwraps a key. Callers that want the same key at the same moment share one call to the key service.
   *
   * @throws {@link KeyUnwrapError} when root key, context or blob differ from those of the wrapping
   * @throws {@link KeySourceUnavailableError}, {@link RootKeyDisabledError}
   */
  unwrap(wrapped: WrappedKey, context: WrapContext): Promise<KeyObject> {
    const call = JSON.stringify([wrapped.keyRef, wrapped.blob.toString('base64'), context]);
    let running = this.unwrapping.get(call);
    if (running === undefined) {
      running = this.unwrapOnce(wrapped, context).finally(() => this.unwrapping.delete(call));
      this.unwrapping.set(call, running);
    }
    return running;
  }

  private async unwrapOnce(wrapped: WrappedKey, context: WrapContext): Promise<KeyObject> {
    const bytes = await this.unwrapBytes(wrapped, context);
    try {
      if (bytes.length !== 32) {
        throw new KeyUnwrapError('The unwrapped key does not have 256 bits.');
      }
      return createSecretKey(bytes);
    } finally {
      bytes.fill(0);
    }
  }

  /** Unwraps a key to bytes of its own, which the caller overwrites with zeros. Throws as {@link unwrap}. */
  protected abstract unwrapBytes(wrapped: WrappedKey, context: WrapContext): Promise<Buffer>;
}
