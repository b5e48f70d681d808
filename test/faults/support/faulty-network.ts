import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** How the line to a provider fails a refresh. */
export type NetworkFault =
  /** The connection is reset before the provider has read the whole request. */
  | { readonly kind: 'lose-request' }
  /** The provider has responded; nothing arrives, and the connection stays open. */
  | { readonly kind: 'swallow-response' }
  /** The connection is reset when so many bytes of the response have arrived. */
  | { readonly kind: 'reset-response'; readonly afterBytes: number }
  /** The connection is ended in good order when so many bytes of the response have arrived. */
  | { readonly kind: 'end-response'; readonly afterBytes: number };

/** A connection is idle when nothing was sent for so long; its last response has been read by then. */
const idleMs = 100;

/** A request counts as a refresh from here on. */
const refreshMark = 'grant_type=refresh_token';

/** The line between a replica and the providers. It fails refreshes as told and passes everything else on. */
export class FaultyNetwork {
  private readonly sockets = new Set<Socket>();
  private readonly faults: NetworkFault[] = [];
  private readonly port: number;
  /** Resets connections on which a response has ended, as an idle one is by a provider or a firewall. */
  resetsIdleConnections = false;

  private constructor(
    private server: Server,
    private readonly target: URL,
  ) {
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(target: string): Promise<FaultyNetwork> {
    const line = new FaultyNetwork(await listen(0), new URL(target));
    line.serve();
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Fails so many of the next refreshes. */
  fail(fault: NetworkFault, times = 1): void {
    this.faults.push(...Array.from({ length: times }, () => fault));
  }

  /** Whether a connection is open. */
  get isOpen(): boolean {
    return this.sockets.size > 0;
  }

  /** Faults that have met no refresh yet. */
  get outstanding(): number {
    return this.faults.length;
  }

  /** Refuses connections. */
  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.sockets.forEach((socket) => socket.destroy());
    await closed;
  }

  /** Accepts connections again, where it did. */
  async reopen(): Promise<void> {
    this.server = await listen(this.port);
    this.serve();
  }

  async stop(): Promise<void> {
    if (this.server.listening) {
      await this.close();
    }
  }

  private serve(): void {
    this.server.on('connection', (client) => this.accept(client));
  }

  private accept(client: Socket): void {
    const provider = connect(Number(this.target.port), this.target.hostname);
    /** Of the request under way; several may come one after the other. */
    let asked = '';
    let idle: NodeJS.Timeout | undefined;
    let fault: NetworkFault | undefined;
    let arrived = 0;
    for (const [socket, other] of [
      [client, provider],
      [provider, client],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        if (!(socket === provider && fault?.kind === 'swallow-response')) {
          other.destroy();
        }
      });
    }
    client.on('data', (chunk) => {
      clearTimeout(idle);
      const before = asked.includes(refreshMark);
      asked += chunk.toString('latin1');
      if (!before && asked.includes(refreshMark)) {
        fault = this.faults.shift();
      }
      if (fault?.kind === 'lose-request') {
        client.resetAndDestroy();
        provider.destroy();
        return;
      }
      provider.write(chunk);
    });
    provider.on('data', (chunk) => {
      if (fault?.kind === 'swallow-response') {
        return;
      }
      if (fault?.kind === 'reset-response' || fault?.kind === 'end-response') {
        const part = chunk.subarray(0, Math.max(0, fault.afterBytes - arrived));
        arrived += chunk.length;
        const { kind } = fault;
        const finish = (): void => {
          if (arrived >= (fault as { afterBytes: number }).afterBytes) {
            void (kind === 'reset-response' ? client.resetAndDestroy() : client.end());
            provider.destroy();
          }
        };
        if (part.length > 0) {
          client.write(part, finish);
        } else {
          finish();
        }
        return;
      }
      asked = '';
      client.write(chunk);
      if (this.resetsIdleConnections && isWholeResponse(chunk)) {
        idle = setTimeout(() => client.resetAndDestroy(), idleMs);
      }
    });
    provider.on('end', () => {
      if (fault?.kind !== 'swallow-response') {
        client.end();
      }
    });
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** The fakes send a response's head and body in one go. */
function isWholeResponse(chunk: Buffer): boolean {
  const [head = '', body = ''] = chunk.toString('latin1').split('\r\n\r\n');
  return Number(/^content-length: (\d+)$/im.exec(head)?.[1]) === body.length;
}
