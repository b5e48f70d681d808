import { createServer } from 'node:http';
import { once } from 'node:events';
import { respond } from './respond.ts';

/**
 * A provider that responds to every POST at once with a new token pair, and counts them. Only the response that begins
 * a grant names the user.
 */
let issued = 0;
const accessTail = 'aB3_-9'.repeat(104);
const refreshTail = 'zY8-_1'.repeat(31);

const server = createServer((request, response) => {
  let isRefresh = false;
  request.on('data', (chunk: Buffer) => (isRefresh ||= chunk.includes('grant_type=refresh_token')));
  request.on('end', () => {
    issued += 1;
    const athlete = isRefresh ? '' : `,"athlete":{"id":${issued}}`;
    const body =
      `{"token_type":"Bearer","access_token":"access-${issued}-${accessTail}","expires_in":21600,` +
      `"refresh_token":"refresh-${issued}-${refreshTail}"${athlete}}`;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
}).listen(0, '127.0.0.1');
await once(server, 'listening');

respond(async (command: { ask: 'url' | 'issued' }) => {
  const address = server.address();
  return command.ask === 'url' && typeof address === 'object' ? `http://127.0.0.1:${address?.port}` : issued;
});
