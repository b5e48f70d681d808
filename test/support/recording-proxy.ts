import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** One request that went through, and its response. */
export interface RecordedExchange {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** 0 when the connection was dropped. */
  readonly status: number;
  readonly response: string;
}

/** Stands between the service and the sandbox, and writes down everything. */
export interface RecordingProxy {
  readonly url: string;
  readonly exchanges: readonly RecordedExchange[];
  stop(): Promise<void>;
}

/**
 * Starts it on loopback.
 *
 * @param target - `http://host:port`; gets every request as it came, `Host` included
 * @param tls - makes it an https server
 */
export async function startRecordingProxy(
  target: string,
  tls?: { readonly key: string; readonly cert: string },
): Promise<RecordingProxy> {
  const exchanges: RecordedExchange[] = [];
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = incoming;
    const body = await buffer(incoming);
    const record = (status: number, response: string): void =>
      void exchanges.push({ method, target: url, headers, body: body.toString(), status, response });
    try {
      const forwarded = request(new URL(url, target), { method, headers, agent: false }).end(body);
      const [upstream] = (await once(forwarded, 'response')) as [IncomingMessage];
      const response = await buffer(upstream);
      record(upstream.statusCode ?? 0, response.toString());
      const responseHeaders = { ...upstream.headers, 'content-length': response.length };
      delete responseHeaders['transfer-encoding'];
      outgoing.writeHead(upstream.statusCode ?? 502, responseHeaders);
      outgoing.end(response);
    } catch {
      record(0, '');
      outgoing.destroy();
    }
  };
  const listener = (incoming: IncomingMessage, outgoing: ServerResponse): void => void handle(incoming, outgoing);
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    exchanges,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
