import { hash, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import pg from 'pg';
import { planOnce } from '../../src/database/plan-once.ts';
import { built } from '../built.ts';
import { openTrail, readKeys } from '../guarantees.ts';

/**
 * `GET .../token` with the guarantees of the service, by hand: `node:http` and `pg`, no framework. It checks the API key
 * and its row, counts address and caller, opens the real envelope, writes a chained audit entry that is committed
 * before the response, and sends the same headers and body. A token that is due for a refresh gets status 503.
 */
process.on('disconnect', () => process.exit(0));
const { MicroBatch } = await built<typeof import('../../src/database/micro-batch.ts')>('database/micro-batch.js');
const { encodeBound } = await built<typeof import('../../src/vault/associated-data.ts')>('vault/associated-data.js');
const {
  DATABASE_URL: connectionString,
  DATABASE_POOL_SIZE: poolSize,
  ENCRYPTION_ROOT_KEY: rootKey = '',
  ENVIRONMENT_NAME: environment = '',
  PORT: port,
} = process.env;
const keyCacheMs = 5_000;
const minuteLimit = 10_000_000;
const marginMs = 300_000;
const headers = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'content-type': 'application/json; charset=utf-8',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
};

const pool = new pg.Pool({
  connectionString,
  max: Number(poolSize),
  options: `${planOnce} -c statement_timeout=10s`,
});
const keys = await readKeys(pool, rootKey, environment);
const record = await openTrail(pool, keys, environment);

interface ApiKey {
  readonly actor: string;
  readonly secretHash: Buffer;
  readonly mayReadTokens: boolean;
  readonly providers: readonly string[] | null;
  readonly trustedUntil: number;
}
const apiKeys = new Map<string, ApiKey>();

async function findApiKey(id: string): Promise<ApiKey | undefined> {
  const cached = apiKeys.get(id);
  if (cached !== undefined && performance.now() < cached.trustedUntil) {
    return cached;
  }
  const { rows } = await pool.query<{
    name: string;
    secret_hash: Buffer;
    scopes: string[];
    providers: string[] | null;
    created_at: Date;
    expires_at: Date | null;
    mac: Buffer | null;
  }>({
    name: 'find-key',
    text: `SELECT name, secret_hash, scopes, providers, created_at, expires_at, mac FROM api_keys
           WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`,
    values: [id],
  });
  const [row] = rows;
  apiKeys.delete(id);
  if (row === undefined) {
    return undefined;
  }
  const { name, secret_hash: secretHash, scopes, providers, created_at: createdAt, expires_at: expiresAt } = row;
  const bound = encodeBound([id, name, secretHash, scopes, providers, createdAt, expiresAt]);
  const mac = keys.mac('api_keys.mac', ['vault/v1/row', 'api_keys.mac', environment, bound]);
  // The id of the key that vouches is in front.
  if (row.mac?.length !== 48 || !timingSafeEqual(mac, row.mac.subarray(16))) {
    return undefined;
  }
  const trustedUntil = performance.now() + keyCacheMs;
  const mayReadTokens = scopes.includes('tokens:read');
  const key = { actor: `api-key:${id}`, secretHash, mayReadTokens, providers, trustedUntil };
  apiKeys.set(id, key);
  return key;
}

interface Row {
  readonly place: number;
  readonly id: string;
  readonly registration_id: string;
  readonly secret_gen: number;
  readonly sealed: Buffer | null;
}
const rows = new MicroBatch<{ readonly userId: string; readonly provider: string }, Row | undefined>(
  async (asked) => {
    const found = await pool.query<Row>({
      name: 'find-rows',
      text: `SELECT place::int4, id, registration_id, secret_gen, sealed
             FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (u, p, place)
             JOIN connections ON user_id = u AND provider = p`,
      values: [asked.map(({ userId }) => userId), asked.map(({ provider }) => provider)],
    });
    const byPlace = new Map(found.rows.map((row) => [row.place, row]));
    return asked.map((_, index) => byPlace.get(index + 1));
  },
  { maxItems: 200, maxWaiting: 10_000 },
);

const counts = new Map<string, number>();
setInterval(() => counts.clear(), 60_000).unref();

/** Returns whether there were too many of these within a minute. */
function isTooOften(who: string): boolean {
  const count = (counts.get(who) ?? 0) + 1;
  counts.set(who, count);
  return count > minuteLimit;
}

const addresses = new Map<string, string>();

/** Stands for an address in the trail, as the service has it. */
function describe(address: string): string {
  let digest = addresses.get(address);
  if (digest === undefined) {
    digest = `digest:${keys.mac('access.address', ['digest', environment, address]).toString('hex', 0, 12)}`;
    addresses.set(address, digest);
  }
  return digest;
}

/** @returns the status, and the body where it is 200 */
async function handOut(request: IncomingMessage, requestId: string): Promise<readonly [number, string?]> {
  const [, userId = '', provider = ''] =
    /^\/v1\/users\/([A-Za-z0-9._-]{1,128})\/connections\/([a-z0-9-]{1,64})\/token$/.exec(request.url ?? '') ?? [];
  const address = request.socket.remoteAddress ?? '';
  if (isTooOften(address)) {
    return [429];
  }
  const [, id = '', secret = ''] =
    /^Bearer cuff_([0-9a-f]{18})_([A-Za-z0-9_-]{43})$/.exec(request.headers.authorization ?? '') ?? [];
  const key = await findApiKey(id);
  if (key === undefined || !timingSafeEqual(hash('sha256', secret, 'buffer'), key.secretHash)) {
    return [401];
  }
  if (!key.mayReadTokens || key.providers?.includes(provider) === false) {
    return [403];
  }
  if (isTooOften(key.actor)) {
    return [429];
  }
  const row = await rows.add({ userId, provider });
  if (row === undefined || row.sealed === null) {
    return [404];
  }
  const tokens = keys.open(row.sealed, {
    purpose: 'connections.sealed',
    rowId: row.id,
    userId,
    registrationId: row.registration_id,
    generation: row.secret_gen,
  }) as { accessToken: string; expiresAt: string; grantedScopes: string[] };
  if (!(Date.parse(tokens.expiresAt) - Date.now() > marginMs)) {
    return [503];
  }
  const outcome = ['token.handed_out', 'success', key.actor, provider, row.id, requestId, describe(address)];
  await record({ userId, content: JSON.stringify(outcome) });
  const body = JSON.stringify({
    token_type: 'bearer',
    access_token: tokens.accessToken,
    expires_at: tokens.expiresAt,
    fingerprint: hash('sha256', tokens.accessToken, 'hex'),
    scopes: tokens.grantedScopes,
    api: { base_url: 'https://www.strava.com/api/v3' },
  });
  return [200, body];
}

function respondWith(response: ServerResponse, requestId: string, status: number, body = ''): void {
  const length = Buffer.byteLength(body);
  response.writeHead(status, { ...headers, 'x-request-id': requestId, 'content-length': length }).end(body);
}

const server = createServer((request, response) => {
  const requestId = randomUUID();
  if (request.url === '/health/ready') {
    respondWith(response, requestId, 200);
    return;
  }
  handOut(request, requestId).then(
    ([status, body]) => respondWith(response, requestId, status, body),
    () => respondWith(response, requestId, 500),
  );
});
server.keepAliveTimeout = 72_000;
server.listen(Number(port), '127.0.0.1');
