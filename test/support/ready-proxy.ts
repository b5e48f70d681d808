import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { Agent, request } from 'undici';

/** How often each replica is asked for its readiness, in milliseconds. */
const checkMs = 100;

/**
 * A load balancer in front of replicas: sends calls in turn to those whose `/health/ready` returns 200, and repeats
 * none. It keeps connections open, as load balancers do.
 */
export class ReadyProxy {
  private ready: readonly string[] = [];
  private next = 0;
  private readonly agent = new Agent({ connections: 20, pipelining: 1 });
  private checking: NodeJS.Timeout | undefined;

  private constructor(
    private readonly server: Server,
    private readonly replicas: readonly string[],
  ) {}

  static async start(replicas: readonly string[]): Promise<ReadyProxy> {
    const server = createServer();
    const proxy = new ReadyProxy(server, replicas);
    server.on('request', (incoming, outgoing) => void proxy.pass(incoming, outgoing));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await proxy.check();
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Replicas that get calls at the moment. */
  get inRotation(): readonly string[] {
    return this.ready;
  }

  async stop(): Promise<void> {
    clearTimeout(this.checking);
    this.checking = undefined;
    this.server.closeAllConnections();
    this.server.close();
    await this.agent.destroy();
  }

  private async check(): Promise<void> {
    const states = await Promise.all(this.replicas.map((url) => isReady(url)));
    this.ready = this.replicas.filter((_, at) => states[at]);
    if (this.server.listening) {
      this.checking = setTimeout(() => void this.check(), checkMs);
    }
  }

  private async pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const replica = this.ready[(this.next += 1) % this.ready.length];
    try {
      const { authorization = '' } = incoming.headers;
      const { statusCode, body } = await request(`${replica}${incoming.url}`, {
        dispatcher: this.agent,
        headers: { authorization },
      });
      outgoing.writeHead(statusCode);
      await pipeline(body, outgoing);
    } catch (error) {
      outgoing.writeHead(502).end(error instanceof Error ? error.message : 'unknown');
    }
  }
}

/** Over a connection of its own, as load balancers check. */
async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/ready`, { headers: { connection: 'close' } });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}
