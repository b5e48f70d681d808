import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const checkMs = 500;

/** A TCP proxy to the primary, as HAProxy with `option httpchk GET /primary` and `on-marked-down shutdown-sessions`. */
export class LeaderProxy {
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((incoming) => this.pass(incoming));
  private readonly stopping = new AbortController();
  private readonly findLeader: () => Promise<{ readonly port: number } | undefined>;
  private leaderPort: number | undefined;
  private checking: Promise<void> = Promise.resolve();

  private constructor(findLeader: () => Promise<{ readonly port: number } | undefined>) {
    this.findLeader = findLeader;
  }

  static async start(findLeader: () => Promise<{ readonly port: number } | undefined>): Promise<LeaderProxy> {
    const proxy = new LeaderProxy(findLeader);
    proxy.leaderPort = (await findLeader())?.port;
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    proxy.checking = proxy.check();
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.checking;
    this.server.close();
    this.sockets.forEach((socket) => socket.destroy());
    await once(this.server, 'close');
  }

  private async check(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const port = (await this.findLeader())?.port;
      if (port !== this.leaderPort) {
        this.leaderPort = port;
        this.sockets.forEach((socket) => socket.destroy());
      }
      await sleep(checkMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private pass(incoming: Socket): void {
    if (this.leaderPort === undefined) {
      incoming.destroy();
      return;
    }
    const outgoing = connect(this.leaderPort, '127.0.0.1');
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}
