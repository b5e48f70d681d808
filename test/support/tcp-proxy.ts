import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between the application and a server, so that a test can cut the line and mend it. */
export class TcpProxy {
  /** From the application to the server. */
  private readonly lines = new Map<Socket, Socket>();
  private isCut = false;

  private constructor(private readonly server: Server) {}

  /** Listens on a free port of this machine and passes everything on to the host and port of the URL. */
  static async start(target: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(target);
    const server = createServer();
    const proxy = new TcpProxy(server);
    server.on('connection', (incoming) => proxy.pass(incoming, Number(port), hostname));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  /** The same URL with this proxy in place of its host. */
  through(target: string): string {
    const url = new URL(target);
    url.hostname = '127.0.0.1';
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  /** Ends every connection in the middle of its work, and every new one until {@link mend}. */
  cut(): void {
    this.isCut = true;
    for (const [incoming, outgoing] of this.lines) {
      outgoing.unpipe(incoming);
      incoming.unpipe(outgoing);
      outgoing.destroy();
      hangUp(incoming);
    }
  }

  mend(): void {
    this.isCut = false;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const [incoming, outgoing] of this.lines) {
      outgoing.destroy();
      incoming.destroy();
    }
    await closed;
  }

  private pass(incoming: Socket, port: number, host: string): void {
    incoming.on('error', () => incoming.destroy());
    if (this.isCut) {
      hangUp(incoming);
      return;
    }
    const outgoing = connect(port, host);
    outgoing.on('error', () => outgoing.destroy());
    this.lines.set(incoming, outgoing);
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on('close', () => {
      this.lines.delete(incoming);
      outgoing.destroy();
    });
  }
}

/** Says goodbye and reads what still comes: unread bytes would turn the end into a reset. */
function hangUp(socket: Socket): void {
  socket.resume();
  socket.end();
}
