/** What a wrapped key is bound to. Holds no secret: a remote key service may log it. */
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

/** The keeper of the root key: wraps and unwraps branch keys, and never gives the root key out. */
export abstract class KeySource {
  /** Wraps a 256-bit key for one context. */
  abstract wrap(key: Buffer, context: WrapContext): Promise<WrappedKey>;

  /**
   * Unwraps a key.
   *
   * @throws Error when root key, context or blob are not those of the wrapping; says nothing about which
   */
  abstract unwrap(wrapped: WrappedKey, context: WrapContext): Promise<Buffer>;
}
