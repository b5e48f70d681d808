import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeTestCertificate } from '../../src/provider-kit/testing/test-certificate.js';

/** One request that a browser sent. */
export interface BrowserRequest {
  readonly url: string;
  readonly method: string;
  readonly referer: string | undefined;
  readonly cookie: string | undefined;
  readonly origin: string | undefined;
}

/**
 * A server on this machine that a browser takes for several https sites: some are passed on to a server without TLS,
 * the others respond with a page of the test.
 */
export class HttpsFront {
  readonly requests: BrowserRequest[] = [];

  private constructor(
    private readonly server: Server,
    private readonly upstreams: Readonly<Record<string, string>>,
    private readonly pages: ReadonlyMap<string, string>,
  ) {}

  /**
   * @param upstreams - by host name, the server that a site is passed on to; redirects to it are written as the site's
   * @param pages - by host name, the HTML of a site
   */
  static async start(
    upstreams: Readonly<Record<string, string>>,
    pages: ReadonlyMap<string, string>,
  ): Promise<HttpsFront> {
    const server = createServer(makeTestCertificate({ dns: 'link.example.com' }));
    const front = new HttpsFront(server, upstreams, pages);
    front.listen();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return front;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private listen(): void {
    this.server.on('request', (incoming, outgoing) => {
      const { host = '', referer, cookie, origin } = incoming.headers;
      const { method = 'GET', url = '/' } = incoming;
      this.requests.push({ url: `https://${host}${url}`, method, referer, cookie, origin });
      const upstream = this.upstreams[host];
      if (upstream === undefined) {
        const page = this.pages.get(host) ?? '<h1>Arrived</h1>';
        outgoing.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
        return;
      }
      const passedOn = httpRequest(new URL(url, upstream), { method, headers: incoming.headers }, (response) => {
        const { location } = response.headers;
        const headers =
          location === undefined ? response.headers : { ...response.headers, location: this.seen(location) };
        outgoing.writeHead(response.statusCode ?? 502, headers);
        response.pipe(outgoing);
      });
      passedOn.on('error', () => outgoing.destroy());
      incoming.pipe(passedOn);
    });
  }

  /** A URL as browsers see it. */
  private seen(url: string): string {
    const [host, upstream] = Object.entries(this.upstreams).find(([, each]) => url.startsWith(`${each}/`)) ?? [];
    return host === undefined || upstream === undefined ? url : `https://${host}${url.slice(upstream.length)}`;
  }
}
