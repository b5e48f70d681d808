import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { built } from '../built.ts';
import { respond } from './respond.ts';

const { AppModule } = await built<typeof import('../../src/app.module.ts')>('app.module.js');
const { ApiKeysService } =
  await built<typeof import('../../src/access/api-keys.service.ts')>('access/api-keys.service.js');
const { AuditTrail } = await built<typeof import('../../src/audit/audit-trail.ts')>('audit/audit-trail.js');
const { ConnectionReader } = await built<typeof import('../../src/tokens/store/connection-reader.ts')>(
  'tokens/store/connection-reader.js',
);
const { TokenVault } =
  await built<typeof import('../../src/tokens/store/token-vault.ts')>('tokens/store/token-vault.js');

/** The parts of the service that a hand-out needs, without its HTTP server. */
const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
const apiKeys = app.get(ApiKeysService, { strict: false });
const audit = app.get(AuditTrail, { strict: false });
const reader = app.get(ConnectionReader, { strict: false });
const vault = app.get(TokenVault, { strict: false });

const token = {
  accessToken: `access-${'x'.repeat(500)}`,
  expiresAt: new Date().toISOString(),
  grantedScopes: ['read', 'activity:read_all'],
};

/**
 * Responds to `GET .../token` with `node:http` and the first parts of the service. 1 checks the API key, 2 reads the
 * row, 3 opens it, and 4 writes the audit entry. 0 does none of these. Each number has a port of its own.
 */
async function handOut(layer: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, userId = '', provider = ''] =
    /^\/v1\/users\/([^/]+)\/connections\/([^/]+)\/token$/.exec(request.url ?? '') ?? [];
  let opened: { accessToken: string; expiresAt?: unknown; grantedScopes?: unknown } = token;
  const { actor } =
    layer < 1 ? { actor: '' } : await apiKeys.authenticate(request.headers.authorization?.slice(7) ?? '');
  const row = layer < 2 ? undefined : await reader.find(userId, provider);
  if (layer >= 3 && row !== undefined) {
    opened = await vault.open(row);
  }
  if (layer >= 4) {
    const connectionId = row?.id;
    await audit.record({ action: 'token.handed_out', outcome: 'success', actor, userId, provider, connectionId });
  }
  const body = JSON.stringify({
    token_type: 'bearer',
    access_token: opened.accessToken,
    expires_at: opened.expiresAt,
    scopes: opened.grantedScopes,
  });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
}

/** Opens a port for each number of layers, and returns the ports. */
respond(({ layers }: { layers: number }) =>
  Promise.all(
    Array.from({ length: layers }, async (_, layer) => {
      const server = createServer((request, response) => {
        handOut(layer, request, response).catch((error: unknown) => {
          process.stderr.write(`${String(error)}\n`);
          response.writeHead(500).end();
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as AddressInfo).port;
    }),
  ),
);
