import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestApplication } from './application.js';

/** Opens a connection to an application. What is not read in time is lost with it. */
export async function openSocket(application: TestApplication): Promise<Socket> {
  const socket = connect(Number(new URL(await application.app.getUrl()).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Writes bytes and returns the response until the server closes. Each character is one byte. */
export async function exchangeRaw(application: TestApplication, ...chunks: string[]): Promise<string> {
  const socket = await openSocket(application);
  let response = '';
  socket.setEncoding('utf8').on('data', (text: string) => (response += text));
  const closed = once(socket, 'close');
  for (const chunk of chunks) {
    socket.write(chunk, 'latin1');
  }
  await closed;
  return response;
}

/** A response as it came over the connection. */
export interface RawResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Takes the first response apart. */
export function parseResponse(text: string): RawResponse {
  const [head = '', body = ''] = text.split(/\r\n\r\n(.*)/s);
  const [start = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line) => {
    const [name = '', value = ''] = line.split(/: *(.*)/s);
    return [name.toLowerCase(), value] as const;
  });
  return { status: Number(start.split(' ')[1]), headers: Object.fromEntries(headers), body };
}
