import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Version 3.0 of PostgreSQL's protocol, as it stands in the first message of a client. */
const protocolVersion = 196_608;

/** Faults for clients that reach a statement. */
type Fault =
  /** The statement waits in front of the database. */
  | { readonly kind: 'hold'; readonly point: HoldPoint }
  /** The database runs the statement; its response waits. */
  | { readonly kind: 'hold-response'; readonly point: HoldPoint }
  /** The connection breaks before the database has seen the statement. */
  | { readonly kind: 'cut' }
  /** The database runs the statement, and the connection breaks before the client has its response. */
  | { readonly kind: 'lose-response' }
  /** An error in place of the database's response; the statement does not run. */
  | { readonly kind: 'refuse'; readonly sqlState: string };

interface Order {
  readonly statement: string;
  readonly fault: Fault;
  times: number;
}

/** Where clients of one statement wait until they are let go. */
export class HoldPoint {
  private readonly held: (() => void)[] = [];
  private readonly watchers: { readonly count: number; readonly resolve: () => void }[] = [];
  private arrivals = 0;

  /** Waits until this many clients have got here. */
  async reached(count: number, limitMs = 180_000): Promise<void> {
    if (this.arrivals >= count) {
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.watchers.push({ count, resolve });
    const timer = setTimeout(
      () => reject(new Error(`${this.arrivals} of ${count} clients reached the statement within ${limitMs} ms.`)),
      limitMs,
    );
    await promise.finally(() => clearTimeout(timer));
  }

  /** Lets go of those who wait. */
  release(): void {
    this.held.splice(0).forEach((resume) => resume());
  }

  /** Called by the proxy. */
  arrive(resume: () => void): void {
    this.arrivals += 1;
    this.held.push(resume);
    this.watchers.filter(({ count }) => count <= this.arrivals).forEach(({ resolve }) => resolve());
  }
}

/**
 * Stands between one client process and PostgreSQL and knows the statements that pass by their names, so that a test
 * can choose the very moment of a fault without a trace of it in the program.
 *
 * The names are in the Parse and Bind messages of the extended query protocol.
 *
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class StatementProxy {
  private readonly lines = new Set<Line>();
  private orders: Order[] = [];

  private constructor(
    private readonly server: Server,
    private readonly target: () => string,
  ) {}

  /** @param target - URL of the database; asked for each connection, because a restarted server has another port */
  static async start(target: () => string): Promise<StatementProxy> {
    const server = createServer();
    const proxy = new StatementProxy(server, target);
    server.on('connection', (client) => proxy.accept(client));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  /** The database's URL with this proxy in place of its host. */
  get url(): string {
    const url = new URL(this.target());
    url.hostname = '127.0.0.1';
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  /** Keeps everybody waiting who sends the statement, until the point is released. */
  hold(statement: string): HoldPoint {
    const point = new HoldPoint();
    this.add(statement, { kind: 'hold', point }, Infinity);
    return point;
  }

  /** Lets the statement run, and keeps its response back until the point is released. */
  holdResponse(statement: string): HoldPoint {
    const point = new HoldPoint();
    this.add(statement, { kind: 'hold-response', point }, Infinity);
    return point;
  }

  /** Breaks the connection in front of the statement. */
  cut(statement: string, times = 1): void {
    this.add(statement, { kind: 'cut' }, times);
  }

  /** Breaks the connection when the statement has run. */
  loseResponse(statement: string, times = 1): void {
    this.add(statement, { kind: 'lose-response' }, times);
  }

  /** Responds to the statement with an error of this SQLSTATE. */
  refuse(statement: string, sqlState: string, times = 1): void {
    this.add(statement, { kind: 'refuse', sqlState }, times);
  }

  /** How many faults are still ordered and have met nobody; of those that hold, none is counted. */
  get outstanding(): number {
    return this.orders.reduce((sum, { times }) => sum + (times === Infinity ? 0 : times), 0);
  }

  /** Takes every order back, and releases those who wait. */
  clear(): void {
    const orders = this.orders;
    this.orders = [];
    for (const { fault } of orders) {
      if ('point' in fault) {
        fault.point.release();
      }
    }
  }

  /** Breaks every connection and drops those who wait, as the end of the client process does. */
  sever(): void {
    this.lines.forEach((line) => line.cut());
    this.clear();
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.lines.forEach((line) => line.cut());
    await closed;
  }

  private add(statement: string, fault: Fault, times: number): void {
    this.orders.push({ statement, fault, times });
  }

  private take(statement: string): Fault | undefined {
    const order = this.orders.find((each) => each.statement === statement);
    if (order === undefined) {
      return undefined;
    }
    order.times -= 1;
    if (order.times === 0) {
      this.orders.splice(this.orders.indexOf(order), 1);
    }
    return order.fault;
  }

  private accept(client: Socket): void {
    const { hostname, port } = new URL(this.target());
    const line = new Line(client, connect(Number(port), hostname), (statement) => this.take(statement));
    this.lines.add(line);
    client.on('close', () => this.lines.delete(line));
  }
}

/** One connection of a client to the database. */
class Line {
  private fromClient: Buffer = Buffer.alloc(0);
  private fromServer: Buffer = Buffer.alloc(0);
  private started = false;
  private held = false;
  /** The fault of the response under way; `undefined` passes it on. */
  private response: 'lose' | HoldPoint | undefined;
  /** The statement whose fault is dealt with: its name comes twice when it is prepared and run in one go. */
  private current: string | undefined;
  /** The response to the messages up to the next Sync was given here. */
  private refused = false;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly take: (statement: string) => Fault | undefined,
  ) {
    client.on('error', () => this.cut());
    server.on('error', () => this.cut());
    client.on('close', () => this.cut());
    server.on('close', () => this.cut());
    client.on('data', (chunk) => {
      this.fromClient = Buffer.concat([this.fromClient, chunk]);
      this.passOn();
    });
    server.on('data', (chunk) => this.passBack(chunk));
  }

  cut(): void {
    this.client.destroy();
    this.server.destroy();
  }

  private passOn(): void {
    while (!this.held) {
      const lengthAt = this.started ? 1 : 0;
      if (this.fromClient.length < lengthAt + 4) {
        return;
      }
      const end = lengthAt + this.fromClient.readInt32BE(lengthAt);
      if (this.fromClient.length < end) {
        return;
      }
      const message = this.fromClient.subarray(0, end);
      if (this.started && this.meet(message)) {
        return;
      }
      this.fromClient = this.fromClient.subarray(end);
      this.started ||= message.readInt32BE(4) === protocolVersion;
      if (!this.refused) {
        this.server.write(message);
      } else if (isSync(message)) {
        this.refused = false;
        this.client.write(readyForQuery);
      }
      if (isSync(message)) {
        this.current = undefined;
      }
    }
  }

  /** Does what was ordered for the statement of the message. Returns true when the message stays where it is. */
  private meet(message: Buffer): boolean {
    const statement = statementOf(message);
    if (statement === undefined || statement === this.current) {
      return false;
    }
    const fault = this.take(statement);
    this.current = statement;
    switch (fault?.kind) {
      case undefined:
        return false;
      case 'hold':
        this.held = true;
        fault.point.arrive(() => {
          this.held = false;
          this.passOn();
        });
        return true;
      case 'hold-response':
        this.response = fault.point;
        return false;
      case 'cut':
        this.cut();
        return true;
      case 'lose-response':
        this.response = 'lose';
        return false;
      case 'refuse':
        this.refused = true;
        this.client.write(errorResponse(fault.sqlState));
        return false;
    }
  }

  private passBack(chunk: Buffer): void {
    if (this.response === undefined) {
      this.client.write(chunk);
      return;
    }
    this.fromServer = Buffer.concat([this.fromServer, chunk]);
    if (!endsWithReadyForQuery(this.fromServer)) {
      return;
    }
    const { response, fromServer } = this;
    this.response = undefined;
    this.fromServer = Buffer.alloc(0);
    if (response === 'lose') {
      this.cut();
      return;
    }
    response.arrive(() => this.client.write(fromServer));
  }
}

/** The name in a Parse or Bind message; `undefined` for other messages and unnamed statements. */
function statementOf(message: Buffer): string | undefined {
  const type = String.fromCharCode(message[0] ?? 0);
  if (type !== 'P' && type !== 'B') {
    return undefined;
  }
  const first = message.subarray(5);
  const start = type === 'P' ? first : first.subarray(first.indexOf(0) + 1);
  return start.subarray(0, start.indexOf(0)).toString() || undefined;
}

function isSync(message: Buffer): boolean {
  return message.length === 5 && message[0] === 'S'.charCodeAt(0);
}

const readyForQuery = Buffer.from([...Buffer.from('Z'), 0, 0, 0, 5, ...Buffer.from('I')]);

function endsWithReadyForQuery(response: Buffer): boolean {
  return response.length >= readyForQuery.length && response.subarray(-6, -1).equals(readyForQuery.subarray(0, -1));
}

function errorResponse(sqlState: string): Buffer {
  const fields = Buffer.from(`SERROR\0VERROR\0C${sqlState}\0Mrefused by the test\0\0`);
  const head = Buffer.alloc(5, 'E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
