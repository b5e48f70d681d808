/** One HTTP request to a provider. */
export interface ProviderRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute http or https URL. Sent as `new URL(url)` serializes it; existing percent-escapes stay as they are. */
  readonly url: string;
  /** Names are sent as given. These headers replace the client's own `user-agent` and `accept-encoding`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A text is sent as UTF-8. The caller sets its `content-type`. */
  readonly body?: string | Buffer;
  /** Total time in milliseconds, from the wait in the queue to the end of the body. */
  readonly timeoutMs: number;
  /** Keeps reading the response after that time, once the request is written. */
  readonly patience?: Patience | undefined;
  /**
   * Limit of the response's body in bytes, before and after decompression; {@link defaultMaxResponseBytes} when absent.
   */
  readonly maxResponseBytes?: number;
  /**
   * Set if the response may be the only copy of new tokens. A 2xx that cannot be read then has the fate `unknown`.
   */
  readonly mustBeRead?: true;
  /** Set to get a redirect as a response, with its `location`. It is not followed. */
  readonly mayRedirect?: true;
  /** Cancels the request unless it has been written. A written request runs to completion. */
  readonly abandoned?: AbortSignal;
  /** Called right before the request is written. If it throws, nothing is sent, and the error is passed on. */
  readonly beforeSending?: () => void;
}

/** Waits for a response longer than the time limit of its request. */
export interface Patience {
  /** Called when the time limit has passed, the request is written and its response is not complete. */
  readonly onOverdue: () => void;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/** A provider's complete response; a redirect only if the request allows one. The body is decompressed. */
export interface ProviderResponse<Body extends string | Buffer = string> {
  /**
   * 200 to 299 or 400 to 599. Also 304 if the request has `if-none-match` or `if-modified-since`, and 300 to 399 if it
   * has `mayRedirect`.
   */
  readonly status: number;
  /** Names in lower case; values of a repeated header are joined by `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** A text was decoded as UTF-8. */
  readonly body: Body;
}

/** Token responses have a few KiB; some have large further fields. */
export const defaultMaxResponseBytes = 1024 * 1024;
