import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { SandboxDefinition } from '../provider-kit/definition/sandbox-definition.js';
import { Refusal, send } from './http/fake-response.js';
import { control, controlSegment } from './orders/control.js';
import { FakeProvider } from './fake-provider.js';
import { describeFake, type FakeDescription } from './fake-description.js';
import { indexPage } from './pages/index-page.js';
import { readCall } from './http/incoming-call.js';
import { onlyMethod } from './http/routing.js';

/** Storage of the fakes' grants from one start to the next. */
export interface SandboxMemory {
  /** A folder that exists. Each fake has one file in it. */
  readonly directory: string;
  /** Reports a problem with a file, in one line. */
  readonly report: (line: string) => void;
}

export interface SandboxOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** By slug. */
  readonly providers: ReadonlyMap<string, SandboxDefinition>;
  /** Milliseconds since 1970; the wall clock when absent. */
  readonly now?: () => number;
  /** Storage of the fakes' grants; in memory only if absent. */
  readonly memory?: SandboxMemory;
  /** Host name in the URLs, `127.0.0.1` when absent. The server listens on loopback in any case. */
  readonly publicHost?: string;
}

/**
 * Fake providers over real HTTP, each below `/<slug>`, for development and tests. Never part of production.
 *
 * All state is bounded, and in memory only unless {@link SandboxOptions.memory} is set.
 */
export class VendorSandbox {
  readonly #providers = new Map<string, FakeProvider>();
  readonly #stopping = new AbortController();

  private constructor(
    private readonly server: Server,
    /** `http://127.0.0.1:<port>`, without a slash at the end. */
    readonly url: string,
    private readonly now: () => number,
    private readonly memory: SandboxMemory | undefined,
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
    const sandbox = new VendorSandbox(server, url, options.now ?? Date.now, options.memory);
    for (const [slug, definition] of options.providers) {
      sandbox.add(slug, definition);
    }
    server.on('request', (request, outgoing) => void sandbox.#handle(request, outgoing));
    return sandbox;
  }

  /** Adds a fake while the server runs. With a folder for grants, it continues with those of an earlier start. */
  add(slug: string, definition: SandboxDefinition, displayName = slug): void {
    const fake = new FakeProvider({
      slug,
      displayName,
      url: `${this.url}/${slug}`,
      definition,
      now: this.now,
      findNeighbor: (wanted) => this.#providers.get(wanted),
      file: this.memory && join(this.memory.directory, `${slug}.json`),
      report: (line) => this.memory?.report(line),
    });
    this.#providers.set(slug, fake);
  }

  /** @throws Error when there is no such fake */
  provider(slug: string): FakeProvider {
    const fake = this.#providers.get(slug);
    if (fake === undefined) {
      throw new Error(`The sandbox has no provider "${slug}".`);
    }
    return fake;
  }

  /** Closes every connection, also those with a pending slow response. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.server.listening) {
      const closed = once(this.server, 'close');
      this.server.close();
      this.server.closeAllConnections();
      await closed;
    }
  }

  async #handle(request: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      await this.#route(request, outgoing);
    } catch (error) {
      if (this.#stopping.signal.aborted || outgoing.headersSent) {
        outgoing.destroy();
        return;
      }
      const refusal = error instanceof Refusal ? error : new Refusal(500, 'server_error', 'the sandbox itself failed');
      const json = { error: refusal.error, error_description: refusal.description };
      await send(outgoing, { status: refusal.status, headers: refusal.headers, content: { json } });
    }
  }

  async #route(request: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const call = await readCall(request);
    if (call.slug === '' && call.path === '') {
      onlyMethod(call, 'GET');
      await send(outgoing, indexPage(await this.#describe(), this.url));
      return;
    }
    if (call.slug === controlSegment) {
      await send(outgoing, await control(call, this.#providers));
      return;
    }
    const fake = this.#providers.get(call.slug);
    if (fake === undefined) {
      throw new Refusal(404, 'not_found', 'no such provider; GET / lists them');
    }
    await fake.serve(call, outgoing, this.#stopping.signal);
  }

  #describe(): Promise<FakeDescription[]> {
    return Promise.all([...this.#providers.values()].map(describeFake));
  }
}
