import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below 32768 and 49152: systems give higher ports to any process, so such a port would soon be taken. */
const [firstPort, endPort] = [20_000, 32_000];
const attempts = 100;

/** Returns a port that was free a moment ago, and that the system does not give to a process without a choice. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = firstPort + Math.floor(Math.random() * (endPort - firstPort));
    const listener = createServer().listen(port, '127.0.0.1');
    try {
      await once(listener, 'listening');
    } catch {
      continue;
    }
    listener.close();
    await once(listener, 'close');
    return port;
  }
  throw new Error('Cannot find a free port on 127.0.0.1.');
}
