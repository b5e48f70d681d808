import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SandboxMaker } from '../provider-kit/definition/sandbox-maker.js';
import { Refusal, send } from './answer.js';
import { control, controlSegment } from './control.js';
import { FakeMaker } from './fake-maker.js';
import { indexPage } from './html-pages.js';
import { readCall } from './incoming-call.js';
import { onlyMethod } from './routing.js';

export interface SandboxOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** By slug. */
  readonly makers: ReadonlyMap<string, SandboxMaker>;
  /** Milliseconds since 1970; the wall clock when absent. */
  readonly now?: () => number;
  /** Host name in the URLs, `127.0.0.1` when absent. The server listens on loopback in any case. */
  readonly publicHost?: string;
}

/**
 * Fake device makers over real HTTP, each below `/<slug>`, for development and tests. Never part of production.
 *
 * All state is in memory and bounded.
 */
export class VendorSandbox {
  readonly #makers = new Map<string, FakeMaker>();
  readonly #stopping = new AbortController();

  private constructor(
    private readonly server: Server,
    /** `http://127.0.0.1:<port>`, without a slash at the end. */
    readonly url: string,
    private readonly now: () => number,
  ) {}

  /**
   * Starts listening on loopback.
   *
   * @throws Error with code `EADDRINUSE` when the port is taken
   */
  static async start(options: SandboxOptions): Promise<VendorSandbox> {
    const server = createServer();
    server.listen(options.port ?? 0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const url = `http://${options.publicHost ?? '127.0.0.1'}:${port}`;
    const sandbox = new VendorSandbox(server, url, options.now ?? Date.now);
    for (const [slug, declaration] of options.makers) {
      sandbox.add(slug, declaration);
    }
    server.on('request', (request, response) => void sandbox.#handle(request, response));
    return sandbox;
  }

  /** Adds a fake while the server runs. */
  add(slug: string, declaration: SandboxMaker): void {
    const findMaker = (wanted: string): FakeMaker | undefined => this.#makers.get(wanted);
    this.#makers.set(slug, new FakeMaker(slug, `${this.url}/${slug}`, declaration, this.now, findMaker));
  }

  /** @throws Error when there is no such fake */
  maker(slug: string): FakeMaker {
    const maker = this.#makers.get(slug);
    if (maker === undefined) {
      throw new Error(`The sandbox has no maker "${slug}".`);
    }
    return maker;
  }

  /** Closes every connection, those with a slow answer pending included. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.server.listening) {
      const closed = once(this.server, 'close');
      this.server.close();
      this.server.closeAllConnections();
      await closed;
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch (error) {
      if (this.#stopping.signal.aborted || response.headersSent) {
        response.destroy();
        return;
      }
      const refusal = error instanceof Refusal ? error : new Refusal(500, 'server_error', 'the sandbox itself failed');
      const json = { error: refusal.error, error_description: refusal.description };
      await send(response, { status: refusal.status, headers: refusal.headers, content: { json } });
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await readCall(request);
    if (call.slug === '' && call.path === '') {
      onlyMethod(call, 'GET');
      const makers = [...this.#makers.values()];
      await send(
        response,
        indexPage(makers.map(({ slug, url, declaration }) => ({ slug, url, oauth: declaration.oauth }))),
      );
      return;
    }
    if (call.slug === controlSegment) {
      await send(
        response,
        control(call, (slug) => this.#makers.get(slug)),
      );
      return;
    }
    const maker = this.#makers.get(call.slug);
    if (maker === undefined) {
      throw new Refusal(404, 'not_found', 'no such maker; GET / lists them');
    }
    await maker.serve(call, response, this.#stopping.signal);
  }
}
