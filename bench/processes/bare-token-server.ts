import { createSecretKey } from 'node:crypto';
import { createServer } from 'node:http';
import pg from 'pg';
import { plainOpen } from '../plain-gcm.ts';

/**
 * The least that can respond with a token from an encrypted row: `node:http`, one SELECT by primary key as a prepared
 * statement, one AES-256-GCM. No access check, no audit, no refresh.
 */
process.on('disconnect', () => process.exit(0));
const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: Number(process.env['POOL_SIZE']) });
const key = createSecretKey(process.env['KEY'] ?? '', 'base64');
const text = 'SELECT sealed FROM reference_connections WHERE user_id = $1';

createServer((request, response) => {
  const userId = /^\/v1\/users\/([^/]+)\//.exec(request.url ?? '')?.[1];
  if (userId === undefined) {
    response.writeHead(200).end();
    return;
  }
  pool.query<{ sealed: Buffer }>({ name: 'find', text, values: [userId] }).then(
    ({ rows: [row] }) => {
      if (row === undefined) {
        response.writeHead(404).end();
        return;
      }
      const tokens = plainOpen(key, row.sealed) as { accessToken: string; expiresAt: string; grantedScopes: string[] };
      const body = JSON.stringify({
        token_type: 'bearer',
        access_token: tokens.accessToken,
        expires_at: tokens.expiresAt,
        scopes: tokens.grantedScopes,
      });
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
      response.end(body);
    },
    () => response.writeHead(500).end(),
  );
}).listen(Number(process.env['PORT']), '127.0.0.1');
