import type { IncomingMessage, Server } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Logger } from '@nestjs/common';
import type { ConnectionError } from 'fastify';
import { problemHeaders, requestProblem, type ProblemResponse } from '../errors/app-error.filter.js';
import { newRequestId } from './request-id.js';

const logger = new Logger('HttpParser');

/** Status and sentence for errors of Node's parser. Every other error means that a request cannot be read. */
const parserErrors: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time. Send it again.'],
  HPE_HEADER_OVERFLOW: [431, 'The request line and the headers are too large. The limit is 16 KiB.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions of the body are too large. Send none.'],
};
const unreadable = [400, 'The request is not valid HTTP/1.1. Correct the request line, headers or chunks.'] as const;

/**
 * Responds to requests that Node's parser refuses. The response is a problem document, with the usual headers and an id
 * that is also in the log.
 *
 * @param headers - those of every response
 */
export function respondToParserErrors(
  headers: Readonly<Record<string, string>>,
): (error: ConnectionError, socket: Socket) => void {
  return (error, socket) => {
    if (error.code !== 'ECONNRESET' && socket.writable) {
      const [status, detail] = parserErrors[error.code] ?? unreadable;
      writeProblem(socket, headers, status, detail);
    }
    socket.destroy();
  };
}

/**
 * Responds to requests that Node would drop or answer without a body. These are `CONNECT`, and expectations other than
 * `100-continue`, which are ignored (RFC 9110 section 10.1.1).
 */
export function respondToOddRequests(server: Server, headers: Readonly<Record<string, string>>): void {
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    writeProblem(socket, headers, 405, 'CONNECT is not supported: this service is not a proxy for other hosts.');
    socket.destroy();
  });
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

function writeProblem(socket: Duplex, headers: Readonly<Record<string, string>>, status: number, detail: string): void {
  const requestId = newRequestId();
  const problem = requestProblem(status, detail, requestId);
  const body = Buffer.from(JSON.stringify(problem));
  const lines = Object.entries({
    ...headers,
    ...problemHeaders(problem),
    'x-request-id': requestId,
    'content-length': String(body.length),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body.toString()}`);
  logUnserved(problem);
}

/** Writes the log line of a request that no hook sees, so that its id can be found. */
export function logUnserved({ request_id: requestId, status, detail }: ProblemResponse): void {
  logger.log(`${requestId} ${status}: ${detail}`);
}
