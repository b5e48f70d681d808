import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net';

/** One request as it arrived. */
export interface RecordedRequest {
  readonly method: string;
  /** Path and query, as on the wire. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A response that a test server is prepared to give. */
export interface PreparedResponse {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
}

/** A server on 127.0.0.1 that records its requests. */
export interface RecordingServer {
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  /** Ends the server and every connection to it. */
  readonly close: () => Promise<void>;
}

/**
 * Starts an HTTP server that records each request and then asks for the response.
 *
 * @param response - called once per request, in order of arrival
 * @param tls - certificate and options of an https server; plain http when absent
 */
export async function startRecordingServer(
  response: (request: RecordedRequest) => PreparedResponse | Promise<PreparedResponse>,
  tls?: ServerOptions,
): Promise<RecordingServer> {
  const requests: RecordedRequest[] = [];
  const listener: RequestListener = (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method = '', url: target = '', headers } = incoming;
      const request = { method, target, headers, body: Buffer.concat(chunks).toString() };
      requests.push(request);
      void Promise.resolve(response(request)).then(({ status = 200, headers: sent = {}, body = '' }) => {
        outgoing.writeHead(
          status,
          Object.entries(sent)
            .flatMap(([name, value]) => [value].flat().map((each) => [name, each] as const))
            .flat(),
        );
        outgoing.end(body);
      });
    });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  const { url, close } = await listen(server, tls === undefined ? 'http' : 'https');
  return { url, requests, close };
}

/** Starts a server below HTTP, for peers that break the protocol. */
export async function startSocketServer(
  onConnection: (socket: Socket) => void,
  scheme: 'http' | 'https' = 'http',
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server = new NetServer((socket) => {
    socket.on('error', () => socket.destroy());
    onConnection(socket);
  });
  return listen(server, scheme);
}

async function listen(
  server: Server | NetServer,
  scheme: string,
): Promise<{ url: string; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) {
        socket.destroy();
      }
    });
  return { url: `${scheme}://127.0.0.1:${port}`, close };
}
