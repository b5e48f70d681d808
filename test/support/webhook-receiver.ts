import { once } from 'node:events';
import { jest } from '@jest/globals';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { EventPayload } from '../../src/events/event-payload.js';

/** One request that a receiver got. */
export interface ReceivedDelivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A company's receiver on a port of this machine. It responds with 204 until a test says otherwise. */
export class WebhookReceiver {
  readonly received: ReceivedDelivery[] = [];
  /** Responds to a request. */
  respond: (response: ServerResponse, delivery: ReceivedDelivery) => void = (response) => {
    response.writeHead(204).end();
  };

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** @param wanted - the port; any free one if absent */
  static async start(wanted = 0): Promise<WebhookReceiver> {
    const server = createServer();
    server.listen(wanted, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const receiver = new WebhookReceiver(server, `http://127.0.0.1:${port}/events`);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const delivery = { headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
        receiver.received.push(delivery);
        receiver.respond(response, delivery);
      });
    });
    return receiver;
  }

  /** Verifies every delivery with the library of the specification, and returns the events in their order. */
  verifyAll(secret: string): EventPayload[] {
    const webhook = new Webhook(secret);
    return this.received.map(({ headers, body }) => {
      // The library compares the time with the clock of this machine, and tests shift that of the service.
      const now = jest.spyOn(Date, 'now').mockReturnValue(Number(headers['webhook-timestamp']) * 1_000);
      try {
        return webhook.verify(body, toHeaders(headers)) as EventPayload;
      } finally {
        now.mockRestore();
      }
    });
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** The headers that the library needs. */
export function toHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, String(headers[name])]),
  );
}
