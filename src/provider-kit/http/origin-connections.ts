import type { Dispatcher } from 'undici';

/** The parts of a request that {@link OriginConnections} needs. */
export interface PooledRequest extends Dispatcher.DispatchHandler {
  /** Resolves with the complete response, rejects on any failure. */
  readonly response: Promise<unknown>;
  /** Whether it was canceled or has ended. */
  isOver(): boolean;
}

/** Limits of the connections to one origin. */
export interface ConnectionLimits {
  /** How many requests run at once; more wait in turn. */
  readonly connections: number;
  /** How long a connection may have been idle to be used again, in milliseconds. */
  readonly maxIdleMs: number;
}

interface IdleConnection {
  readonly client: Dispatcher;
  /** By `performance.now()`. */
  readonly since: number;
}

/**
 * The connections to one origin: one request at a time on each, the latest idle one first.
 *
 * A connection is used again only right after a complete response. A provider closes idle connections, but none within
 * `maxIdleMs`. After a request at the moment of closing, nobody would know whether it was received. The time is checked
 * right before the request is sent, not by a timer. So a process that has stalled does not use an old connection. A
 * failed request closes its connection.
 */
export class OriginConnections {
  private readonly idle: IdleConnection[] = [];
  private readonly waiting: { options: Dispatcher.DispatchOptions; request: PooledRequest }[] = [];
  private readonly running = new Set<Promise<unknown>>();

  /**
   * @param limits - of this origin
   * @param open - makes a client with one connection, opened when it is needed
   */
  constructor(
    private readonly limits: ConnectionLimits,
    private readonly open: () => Dispatcher,
  ) {}

  /** Returns the number of requests that wait for a connection, without canceled ones. */
  countWaiting(): number {
    return this.waiting.filter(({ request }) => !request.isOver()).length;
  }

  /** Sends a request as soon as a connection is free, unless it is over by then. */
  dispatch(options: Dispatcher.DispatchOptions, request: PooledRequest): void {
    if (this.running.size >= this.limits.connections) {
      this.waiting.push({ options, request });
    } else {
      this.run(this.takeFresh() ?? this.open(), options, request);
    }
  }

  /** Waits for the requests that run or wait, then closes all connections. */
  async close(): Promise<void> {
    while (this.running.size > 0) {
      await Promise.allSettled(this.running);
    }
    await Promise.all(this.idle.splice(0).map(({ client }) => client.destroy()));
  }

  private run(client: Dispatcher, options: Dispatcher.DispatchOptions, request: PooledRequest): void {
    const run: Promise<void> = request.response.then(
      () => this.release(run, client),
      () => {
        void client.destroy();
        this.release(run, undefined);
      },
    );
    this.running.add(run);
    client.dispatch(options, request);
  }

  private release(run: Promise<void>, client: Dispatcher | undefined): void {
    this.running.delete(run);
    if (client !== undefined) {
      this.idle.push({ client, since: performance.now() });
    }
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      if (!next.request.isOver()) {
        this.dispatch(next.options, next.request);
        return;
      }
    }
  }

  /** Takes the latest idle connection, if it is fresh. The others have been idle for longer. */
  private takeFresh(): Dispatcher | undefined {
    const latest = this.idle.pop();
    if (latest === undefined || performance.now() - latest.since <= this.limits.maxIdleMs) {
      return latest?.client;
    }
    for (const { client } of [latest, ...this.idle.splice(0)]) {
      void client.destroy();
    }
    return undefined;
  }
}
