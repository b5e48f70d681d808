import { createServer } from 'node:http';
import { once } from 'node:events';
import { respond } from './respond.ts';

/** A company's receiver: notes how old each event was when it came, in milliseconds, and responds after a while. */
const lagsMs = new Map<string, number>();
let delayMs = 0;

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { id, timestamp } = JSON.parse(Buffer.concat(chunks).toString()) as { id: string; timestamp: string };
    // A repeated delivery tells nothing about the lag.
    if (!lagsMs.has(id)) {
      lagsMs.set(id, Date.now() - Date.parse(timestamp));
    }
    setTimeout(() => response.writeHead(204).end(), delayMs);
  });
}).listen(0, '127.0.0.1');
await once(server, 'listening');

respond(async (command: { ask: 'url'; delayMs: number } | { ask: 'count' } | { ask: 'lags' }) => {
  switch (command.ask) {
    case 'url': {
      delayMs = command.delayMs;
      const address = server.address();
      return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/events`;
    }
    case 'count':
      return lagsMs.size;
    case 'lags':
      return [...lagsMs.values()];
  }
});
