import { CufflinkError, readError } from './errors.js';

/** A response with this header is a provider's, and none of Cufflink's own. */
const providerHeader = 'cufflink-answer-from';

/** Statuses that mean that a later try can succeed. */
const temporary = new Set([429, 502, 503, 504]);

/** How requests are sent. */
export interface TransportOptions {
  readonly apiKey: string;
  readonly fetch: typeof globalThis.fetch;
  /** Time limit for one try. */
  readonly timeoutMs: number;
  /** Tries after the first one. */
  readonly retries: number;
  /** A longer pause is not waited for: the call fails with `retryAfterSeconds`. */
  readonly maxRetryDelayMs: number;
}

/**
 * Sends a request, and repeats it where that is safe. A GET, a HEAD or a request with an idempotency key is repeated
 * after a temporary error, or without a response. Any request is repeated that a rate limit refused before anything was
 * done.
 *
 * @returns a success of Cufflink, or any response of a provider
 * @throws {@link CufflinkError} for everything else, but for an abort by the caller's own signal
 */
export async function send(request: Request, options: TransportOptions): Promise<Response> {
  request.headers.set('authorization', `Bearer ${options.apiKey}`);
  for (let tries = 0; ; tries += 1) {
    // A body can be sent once, so the original stays unread for the next try.
    const outcome = await sendOnce(tries < options.retries ? request.clone() : request, options);
    if (outcome instanceof Response) {
      return outcome;
    }
    const pauseMs = (outcome.retryAfterSeconds ?? 0) * 1_000 || backoffMs(tries);
    if (tries >= options.retries || !isSafeToRepeat(request, outcome) || pauseMs > options.maxRetryDelayMs) {
      throw outcome;
    }
    await pause(pauseMs, request.signal);
  }
}

async function sendOnce(request: Request, { fetch, timeoutMs }: TransportOptions): Promise<Response | CufflinkError> {
  let response: Response;
  try {
    response = await fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]) });
  } catch (cause) {
    if (request.signal.aborted) {
      throw cause;
    }
    const message = 'Cufflink did not respond. The call may have been carried out.';
    return new CufflinkError(message, { code: 'NO_RESPONSE', act: 'operator' }, { cause });
  }
  return response.ok || response.headers.has(providerHeader) ? response : readError(response);
}

function isSafeToRepeat({ method, headers, url }: Request, { code, status }: CufflinkError): boolean {
  // Behind the proxy the key is the provider's, and Cufflink does not know what it does with it.
  const hasKey = headers.has('idempotency-key') && !url.includes('/proxy/');
  if (method === 'GET' || method === 'HEAD' || hasKey) {
    return status === undefined || temporary.has(status) || code === 'IDEMPOTENCY_KEY_IN_PROGRESS';
  }
  return code === 'RATE_LIMITED';
}

/** Exponential with full jitter: clients that failed together do not return together. */
function backoffMs(failures: number): number {
  return Math.random() * 250 * 2 ** failures;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
