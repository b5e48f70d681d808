/** The key service does not respond now: a time-out, a broken line, 429, 5xx. A later try can help. */
export class KeySourceUnavailableError extends Error {
  override readonly name = 'KeySourceUnavailableError';
}

/** The root key is disabled, or this service may not use it any more. Keys that it wrapped must not be used either. */
export class RootKeyDisabledError extends Error {
  override readonly name = 'RootKeyDisabledError';
}

/** Root key, context or bytes differ from those of the wrapping. Does not say which. */
export class KeyUnwrapError extends Error {
  override readonly name = 'KeyUnwrapError';
}
