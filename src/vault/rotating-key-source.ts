import type { KeyObject } from 'node:crypto';
import { KeyUnwrapError } from './key-source.errors.js';
import { KeySource, type WrapContext, type WrappedKey } from './key-source.js';

/**
 * The root keys of a deployment that moves from one to another. The first one wraps; each unwraps the keys that it has
 * wrapped. The reference stored with a key names its root key; no other is tried.
 */
export class RotatingKeySource extends KeySource {
  /** @param first - wraps new keys */
  constructor(
    private readonly first: KeySource,
    private readonly others: readonly KeySource[],
  ) {
    super();
  }

  override keeps(keyRef: string): boolean {
    return this.find(keyRef) !== undefined;
  }

  override wrap(key: KeyObject, context: WrapContext): Promise<WrappedKey> {
    return this.first.wrap(key, context);
  }

  protected override async unwrapBytes(wrapped: WrappedKey, context: WrapContext): Promise<Buffer> {
    const source = this.find(wrapped.keyRef);
    if (source === undefined) {
      throw new KeyUnwrapError(`The key was wrapped with root key ${wrapped.keyRef}, which is not configured here.`);
    }
    return (await source.unwrap(wrapped, context)).export();
  }

  private find(keyRef: string): KeySource | undefined {
    return [this.first, ...this.others].find((source) => source.keeps(keyRef));
  }
}
