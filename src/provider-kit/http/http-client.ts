import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { buildConnector, Client, type Dispatcher, ProxyAgent } from 'undici';
import {
  ProviderMisconfiguredError,
  ProviderUnavailableError,
  type RequestFate,
} from '../../errors/provider.errors.js';
import { OriginConnections, type PooledRequest } from './origin-connections.js';
import { addressRefused, OutboundPolicy } from './outbound-policy.js';

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
  /** Gives the request up, unless it has been written by then; what was written goes on to its end. */
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

/** Servers close idle connections after a second at the earliest, most after 5 s or more. */
const maxIdleMs = 200;

/** A client that has one connection. Where it has none, or the provider has closed it, the next request opens one. */
const keptConnection: Client.Options = {
  pipelining: 1,
  allowH2: false,
  // Closes what nobody asks for any more; also the most that a `Keep-Alive` header can ask for.
  keepAliveTimeout: maxIdleMs,
  keepAliveMaxTimeout: maxIdleMs,
  // A `Keep-Alive` of less than a second is not worth the risk.
  keepAliveTimeoutThreshold: 1_000 - maxIdleMs,
};

/**
 * Sends single requests to providers' endpoints.
 *
 * A connection is used again only within {@link maxIdleMs}: an idle one may be closed by the provider at the very
 * moment a POST is written to it, which leaves unknown whether a refresh token was spent. Nothing is ever repeated, no
 * redirect is followed, no proxy is taken from the usual variables, and TLS certificates are verified whatever
 * `NODE_TLS_REJECT_UNAUTHORIZED` says. Requests go only where the {@link OutboundPolicy} lets them.
 */
@Injectable()
export class ProviderHttpClient implements OnApplicationShutdown {
  readonly #open: (origin: string) => Dispatcher;
  readonly #origins = new Map<string, OriginConnections>();
  #closed = false;
  /**
   * Requests that run at once at one origin. More wait, within their total time, so that one slow provider stays
   * bounded.
   */
  protected readonly connections: number = 64;
  /** Requests that may wait for one origin. Whoever sends those for tokens sees to it that there are not too many. */
  protected readonly maxWaiting: number = Infinity;

  /** Is told of each response that is read as text. Only a command sets it, to show what a provider sends. */
  onResponse: ((request: ProviderRequest, response: ProviderResponse) => void) | undefined;

  constructor(private readonly policy: OutboundPolicy = new OutboundPolicy()) {
    const tls = { rejectUnauthorized: true, minVersion: 'TLSv1.2', allowH2: false } as const;
    const { proxyUrl } = policy.settings;
    if (proxyUrl === undefined) {
      // One for all, so that they share TLS sessions.
      const connect = buildConnector({ ...tls, lookup: policy.lookup });
      this.#open = (origin) => new Client(origin, { ...keptConnection, connect });
    } else {
      // How long the proxy keeps a tunnel is nobody's promise: each request gets one of its own.
      const options = { pipelining: 0, connections: 1, allowH2: false, uri: proxyUrl, proxyTunnel: true };
      this.#open = () => new ProxyAgent({ ...options, requestTls: tls, proxyTls: tls });
    }
  }

  /**
   * Sends one request and reads the whole response as text.
   *
   * @param request - what to send
   * @throws as {@link exchange}
   */
  async send(request: ProviderRequest): Promise<ProviderResponse> {
    const { status, headers, body } = await this.exchange(request);
    const response = { status, headers, body: new TextDecoder().decode(body) };
    this.onResponse?.(request, response);
    return response;
  }

  /**
   * Sends one request and reads the whole response.
   *
   * Every status but 1xx and 3xx is a response, not an error; 304 is one to a request that asked for it. Errors name
   * the host only, never the path, query, headers or body, and carry neither request nor response.
   *
   * @param request - what to send
   * @returns the response, with a body of at most `maxResponseBytes` after decompression
   * @throws {@link ProviderUnavailableError} with `fate` `not-sent` when no byte of the request was written: no
   *   connection, no TLS, the time ran out before, it was abandoned, or too many wait already;
   *   `unknown` when the time and the patience ran out or the connection broke after that; `answered` on a redirect, a
   *   body that is too large, or one whose encoding cannot be read; the last two are
   *   `unknown` with HTTP 2xx when the request sets `mustBeRead`
   * @throws {@link ProviderMisconfiguredError} when the {@link OutboundPolicy} does not let the request out; nothing
   *   was sent
   * @throws Error when the URL is malformed or a header holds characters that HTTP does not allow
   */
  async exchange(request: ProviderRequest): Promise<ProviderResponse<Buffer>> {
    const url = URL.canParse(request.url) ? new URL(request.url) : undefined;
    if (url === undefined) {
      throw new Error('The URL of a provider request is malformed.');
    }
    const objection = this.policy.findObjection(url);
    if (objection !== undefined) {
      throw refused(url.host, objection);
    }
    if (request.abandoned?.aborted) {
      throw abandoned(url.host);
    }
    if (this.#closed) {
      throw unavailable(url.host, 'was not called: this instance is shutting down', 'not-sent', 'CLOSED');
    }
    const connections = this.#connectionsTo(url.origin);
    if (this.maxWaiting !== Infinity && connections.countWaiting() >= this.maxWaiting) {
      throw unavailable(
        url.host,
        'was not called: too many requests to it are waiting',
        'not-sent',
        'TOO_MANY_WAIT',
        1,
      );
    }
    const { maxResponseBytes = defaultMaxResponseBytes } = request;
    const exchange = new Exchange(url.host, request, {
      maxResponseBytes,
      mayBeUnmodified: isConditional(request),
      mayRedirect: request.mayRedirect === true,
    });
    connections.dispatch(
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.method,
        headers: { 'user-agent': 'cufflink', 'accept-encoding': 'identity', ...request.headers },
        body: request.body ?? null,
        // The total time is the only clock.
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      exchange,
    );
    const { status, headers, body } = await exchange.response;
    const plain = await decompress(body, headers['content-encoding'], {
      host: url.host,
      maxBytes: maxResponseBytes,
      fate: fateOfUnreadable(request, status),
    });
    return { status, headers, body: plain };
  }

  /** Waits for the requests under way, then closes; later calls of {@link send} fail as `not-sent`. */
  async onApplicationShutdown(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#origins.values()].map((connections) => connections.close()));
  }

  #connectionsTo(origin: string): OriginConnections {
    let connections = this.#origins.get(origin);
    if (connections === undefined) {
      connections = new OriginConnections({ connections: this.connections, maxIdleMs }, () => this.#open(origin));
      this.#origins.set(origin, connections);
    }
    return connections;
  }
}

/** Whether the response may be that nothing has changed (RFC 9110 section 13). */
function isConditional({ headers = {} }: ProviderRequest): boolean {
  return Object.keys(headers).some((name) => /^if-(none-match|modified-since)$/i.test(name));
}

/** What a response may be like. */
interface ResponseTerms {
  readonly maxResponseBytes: number;
  readonly mayBeUnmodified: boolean;
  readonly mayRedirect: boolean;
}

/**
 * Follows one request from the queue to the last byte of its response.
 *
 * Written on `dispatch` because `undici.request` neither tells whether the request left nor gives up while it still
 * connects.
 */
class Exchange implements PooledRequest {
  readonly response: Promise<ProviderResponse<Buffer>>;
  readonly #resolve: (response: ProviderResponse<Buffer>) => void;
  readonly #reject: (error: Error) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbandoned = (): void => this.#fail(abandoned(this.host));
  readonly #onPatienceOver = (): void => afterReading(() => this.#giveUp());
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #over = false;
  #status = 0;
  #headers: Record<string, string | undefined> = {};
  #bodyBytes = 0;

  constructor(
    private readonly host: string,
    private readonly request: Pick<
      ProviderRequest,
      'timeoutMs' | 'patience' | 'abandoned' | 'beforeSending' | 'mustBeRead'
    >,
    private readonly terms: ResponseTerms,
  ) {
    const { promise, resolve, reject } = Promise.withResolvers<ProviderResponse<Buffer>>();
    this.response = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => afterReading(() => this.#onTimeout()), request.timeoutMs);
    request.abandoned?.addEventListener('abort', this.#onAbandoned);
  }

  isOver(): boolean {
    return this.#over;
  }

  /** Called right before the request is written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#over || this.#controller !== undefined) {
      controller.abort(new Error('Canceled before it was sent, or sent already.'));
      return;
    }
    try {
      this.request.beforeSending?.();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error('A value that is not an Error was thrown.'));
      controller.abort(new Error('Must not be sent.'));
      return;
    }
    this.#controller = controller;
    this.request.abandoned?.removeEventListener('abort', this.#onAbandoned);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: WireHeaders): void {
    const { mayBeUnmodified, mayRedirect } = this.terms;
    if (status >= 300 && status < 400 && !mayRedirect && !(status === 304 && mayBeUnmodified)) {
      this.#fail(
        unavailable(this.host, 'responded with a redirect, which is not followed', 'answered', `HTTP ${status}`),
      );
      return;
    }
    this.#status = status;
    this.#headers = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name.toLowerCase(),
        Array.isArray(value) ? value.join(', ') : value,
      ]),
    );
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes > this.terms.maxResponseBytes) {
      const fate = fateOfUnreadable(this.request, this.#status);
      this.#fail(bodyTooLarge(this.host, this.terms.maxResponseBytes, fate));
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#end();
    this.#resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) });
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const code = errorCode(error);
    if (code === 'UND_ERR_INVALID_ARG') {
      this.#fail(
        new Error(
          `The request to ${this.host} cannot be sent: a header or the URL has characters that HTTP does not allow.`,
        ),
      );
      return;
    }
    if (code === addressRefused) {
      this.#fail(refused(this.host, error.message));
      return;
    }
    this.#fail(unavailable(this.host, 'could not be reached', this.#fate(), code));
  }

  #onTimeout(): void {
    const { patience } = this.request;
    if (patience === undefined || patience.signal.aborted || this.#controller === undefined) {
      this.#giveUp();
    } else if (!this.#over) {
      patience.signal.addEventListener('abort', this.#onPatienceOver);
      patience.onOverdue();
    }
  }

  #giveUp(): void {
    this.#fail(unavailable(this.host, 'did not respond in time', this.#fate(), 'TIMEOUT'));
  }

  #fate(): RequestFate {
    return this.#controller === undefined ? 'not-sent' : 'unknown';
  }

  #fail(error: Error): void {
    if (this.#over) {
      return;
    }
    this.#end();
    this.#reject(error);
    this.#controller?.abort(new Error('Canceled.'));
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.request.patience?.signal.removeEventListener('abort', this.#onPatienceOver);
    this.request.abandoned?.removeEventListener('abort', this.#onAbandoned);
  }
}

/**
 * After a freeze of this process timers run before sockets are read: a response that has arrived would be thrown away.
 */
function afterReading(giveUp: () => void): void {
  setImmediate(giveUp);
}

type WireHeaders = Readonly<Record<string, string | string[] | undefined>>;

const decoders = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

/** Undoes `content-encoding`, which some servers apply although we ask for `identity`; stops at the size limit. */
async function decompress(
  body: Buffer,
  encoding: string | undefined,
  { host, maxBytes, fate }: { readonly host: string; readonly maxBytes: number; readonly fate: RequestFate },
): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? 'identity';
  if (name === 'identity' || name === '' || body.length === 0) {
    return body;
  }
  if (!isDecoderName(name)) {
    throw unavailable(host, 'responded with an unknown content encoding', fate, 'CONTENT_ENCODING');
  }
  // Some servers send `deflate` without the zlib header, whose first byte has 8 in its lower half (RFC 1950 section
  // 2.2).
  const decode = name === 'deflate' && ((body[0] ?? 0) & 0x0f) !== 8 ? promisify(inflateRaw) : decoders[name];
  try {
    return await decode(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if (errorCode(error) === 'ERR_BUFFER_TOO_LARGE') {
      throw bodyTooLarge(host, maxBytes, fate);
    }
    throw unavailable(host, 'responded with a body that cannot be decompressed', fate, errorCode(error));
  }
}

function isDecoderName(name: string): name is keyof typeof decoders {
  return Object.hasOwn(decoders, name);
}

/** An error is one whatever its body says; a 2xx may have brought what nobody can ask for again. */
function fateOfUnreadable({ mustBeRead }: Pick<ProviderRequest, 'mustBeRead'>, status: number): RequestFate {
  return mustBeRead === true && status < 300 ? 'unknown' : 'answered';
}

function bodyTooLarge(host: string, maxBytes: number, fate: RequestFate): ProviderUnavailableError {
  return unavailable(host, `responded with more than ${maxBytes} bytes`, fate, 'BODY_TOO_LARGE');
}

/** Nobody waits for what becomes of it. */
function abandoned(host: string): ProviderUnavailableError {
  return unavailable(host, 'was not called: the caller has disconnected', 'not-sent', 'ABANDONED');
}

/** Only the operator can say that the host is meant. */
function refused(host: string, objection: string): ProviderMisconfiguredError {
  return new ProviderMisconfiguredError(`No request was sent to ${host}: it ${objection}.`, { detail: addressRefused });
}

/**
 * Builds the error from fixed text, the host and a code; the error underneath may quote what was sent, so it stays
 * behind.
 */
function unavailable(
  host: string,
  what: string,
  fate: RequestFate,
  code: string,
  retryAfterSeconds?: number,
): ProviderUnavailableError {
  const detail = `${code}, ${fate}`;
  return new ProviderUnavailableError(`The provider at ${host} ${what}.`, { fate, detail, retryAfterSeconds });
}

/** Returns an error's `code` where it has the shape of one, such as `ECONNRESET`. */
function errorCode(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : 'UNNAMED';
}
