/** One HTTP request to a provider. */
export interface ProviderRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute http or https URL. Sent as `new URL(url)` serializes it; existing percent-escapes stay as they are. */
  readonly url: string;
  /** Header names are sent as given; they win over the client's own `user-agent` and `accept-encoding`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A text is sent as UTF-8. Its `content-type` is the caller's to set. */
  readonly body?: string | Buffer;
  /** Total time in milliseconds for waiting in the queue, connecting, headers and body together. */
  readonly timeoutMs: number;
  /** Reads the response on after that time, once the request is written. */
  readonly patience?: Patience | undefined;
  /**
   * The most bytes read of the response's body, and the most it may expand to; {@link defaultMaxResponseBytes} when
   * absent.
   */
  readonly maxResponseBytes?: number;
  /**
   * Set where the response is the only copy of what the provider did: a 2xx that cannot be read then has the fate
   * `unknown`.
   */
  readonly mustBeRead?: true;
  /** Set to get a redirect as a response, with its `location`. It is not followed. */
  readonly mayRedirect?: true;
  /** Cancels the request unless it has been written. A written request runs to completion. */
  readonly abandoned?: AbortSignal;
  /** Called right before the request is written. What it throws is thrown instead, and nothing is sent. */
  readonly beforeSending?: () => void;
}

/** Waits for a response longer than the time limit of its request. */
export interface Patience {
  /** Called when the time limit has passed, the request is written and its response is not complete. */
  readonly onOverdue: () => void;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/** A provider's complete response; a redirect only where the request allows one. The body is decompressed. */
export interface ProviderResponse<Body extends string | Buffer = string> {
  /**
   * 200 to 299 or 400 to 599; 304 where the request asked for it with `if-none-match` or `if-modified-since`; 300 to
   * 399 where it set `mayRedirect`.
   */
  readonly status: number;
  /** Names in lower case; values of a repeated header are joined by `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** A text was decoded as UTF-8. */
  readonly body: Body;
}

/** Token responses have a few KiB, and some carry what nobody asked for. */
export const defaultMaxResponseBytes = 1024 * 1024;
