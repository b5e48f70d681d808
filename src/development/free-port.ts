import { once } from 'node:events';
import { createServer } from 'node:net';

/** Returns a port of this machine that was free a moment ago. */
export async function findFreePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  await once(listener, 'close');
  if (address === null || typeof address === 'string') {
    throw new Error('Cannot find a free port on 127.0.0.1.');
  }
  return address.port;
}
