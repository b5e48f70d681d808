import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { respond } from './respond.ts';

/** How many connections to open and leave idle. */
export interface IdleSockets {
  readonly port: number;
  readonly count: number;
}

export interface IdleSocketsResult {
  /** Connections that have had a response, and that the service has not closed since. */
  readonly open: number;
}

/** As many at once as the queue of new connections takes. */
const batch = 100;
const sockets: Socket[] = [];

/** Opens connections that ask once and then keep silent, as the idle ones of a proxy do. */
respond(async ({ port, count }: IdleSockets): Promise<IdleSocketsResult> => {
  while (sockets.length < count) {
    const opened = Array.from({ length: Math.min(batch, count - sockets.length) }, () => open(port));
    sockets.push(...(await Promise.all(opened)));
  }
  return { open: sockets.filter(({ destroyed }) => !destroyed).length };
});

async function open(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => socket.destroy());
  socket.write(`GET /health/live HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  socket.resume();
  return socket;
}
