import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { buildConnector, Client, type Dispatcher, ProxyAgent } from 'undici';
import { decompress } from './decompress.js';
import { abandoned, fateOfUnreadable, refused, unavailable } from './http-errors.js';
import { Exchange } from './http-exchange.js';
import { defaultMaxResponseBytes, type ProviderRequest, type ProviderResponse } from './http-message.js';
import { OriginConnections } from './origin-connections.js';
import { OutboundPolicy } from './outbound-policy.js';

/** Servers close idle connections after a second at the earliest, most after 5 s or more. */
const maxIdleMs = 200;

/** A client with one connection. If there is none, or the provider has closed it, the next request opens one. */
const keptConnection: Client.Options = {
  pipelining: 1,
  allowH2: false,
  // Closes idle connections; also the longest time that a `Keep-Alive` header can ask for.
  keepAliveTimeout: maxIdleMs,
  keepAliveMaxTimeout: maxIdleMs,
  // A `Keep-Alive` of less than a second is not worth the risk.
  keepAliveTimeoutThreshold: 1_000 - maxIdleMs,
};

/**
 * Sends single requests to providers' endpoints.
 *
 * A connection is used again only within {@link maxIdleMs}. A provider may close an idle connection at the moment of a
 * POST. Then nobody knows whether a refresh token was spent.
 *
 * It repeats no request, follows no redirect and takes no proxy from the usual variables. It always verifies TLS
 * certificates, even with `NODE_TLS_REJECT_UNAUTHORIZED=0`. The {@link OutboundPolicy} decides where requests may go.
 */
@Injectable()
export class ProviderHttpClient implements OnApplicationShutdown {
  readonly #open: (origin: string) => Dispatcher;
  readonly #origins = new Map<string, OriginConnections>();
  #closed = false;
  /**
   * Most requests that run at once at one origin. More requests wait, within their total time, so that a slow provider
   * cannot take all resources.
   */
  protected readonly connections: number = 64;
  /** Requests that may wait for one origin. Callers limit their requests for tokens themselves. */
  protected readonly maxWaiting: number = Infinity;

  /** Called with each response that is read as text. Only a command sets it, to show a provider's responses. */
  onResponse: ((request: ProviderRequest, response: ProviderResponse) => void) | undefined;

  constructor(private readonly policy: OutboundPolicy = new OutboundPolicy()) {
    const tls = { rejectUnauthorized: true, minVersion: 'TLSv1.2', allowH2: false } as const;
    const { proxyUrl } = policy.settings;
    if (proxyUrl === undefined) {
      // One connector for all clients, so that they share TLS sessions.
      const connect = buildConnector({ ...tls, lookup: policy.lookup });
      this.#open = (origin) => new Client(origin, { ...keptConnection, connect });
    } else {
      // No proxy promises how long it keeps a tunnel, so each request gets a new one.
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
   * Every status except 1xx and 3xx is a response, not an error. 304 is a response to a conditional request. Errors
   * name the host only, never the path, query, headers or body. They contain neither request nor response.
   *
   * @param request - what to send
   * @returns the response, with a body of at most `maxResponseBytes` after decompression
   * @throws {@link ProviderUnavailableError} with one of these values of `fate`:
   *   - `not-sent`: no byte of the request was written. There was no connection, no TLS, no time left, the caller
   *     abandoned it, or too many requests wait.
   *   - `unknown`: time and patience ran out, or the connection broke, after the request was written.
   *   - `answered`: a redirect, a body that is too large, or an unreadable encoding. For a 2xx of a request with
   *     `mustBeRead` the last two are `unknown`.
   * @throws {@link ProviderMisconfiguredError} when the {@link OutboundPolicy} does not allow the request; nothing was
   *   sent
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
        // The total time is the only time limit.
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

  /** Waits for the requests in flight, then closes; later calls of {@link send} fail as `not-sent`. */
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

/** Whether the response to the request may be 304 (RFC 9110 section 13). */
function isConditional({ headers = {} }: ProviderRequest): boolean {
  return Object.keys(headers).some((name) => /^if-(none-match|modified-since)$/i.test(name));
}
