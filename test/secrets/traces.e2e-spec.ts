import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../src/development/free-port.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { checkout, startProcess, type ServiceProcess } from '../support/service-process.js';
import { rowsOf } from '../support/rows.js';
import { createTestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { request } from '../../src/sandbox/testing/request.js';

const user = 'user-canary-4711';

/**
 * The built service with its tracing, and an OTLP receiver on this machine. Strings are plain text in the received
 * bytes.
 */
describe('spans', () => {
  let folder: string;
  let receiver: Server;
  let received = '';
  let service: ServiceProcess;
  let url: string;
  let key: string;
  let secrets: Record<string, string>;
  let requestId: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cufflink-traces-'));
    receiver = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        received += Buffer.concat(chunks).toString('latin1');
        outgoing.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      });
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const databaseUrl = await createTestDatabase();
    const tracing = `--import=${join(checkout, 'dist/tracing.js')}`;
    service = startProcess([tracing, join(checkout, 'dist/main.js')], folder, {
      DATABASE_URL: databaseUrl,
      PORT: String(await findFreePort()),
      SANDBOX_PORT: '0',
      LOG_FORMAT: 'json',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
    });
    await service.waitFor('Start a link, then open its link_web_url in a browser');
    const credentials = await readFile(join(folder, '.cufflink/dev-credentials.json'), 'utf8');
    ({ api_url: url, api_key: key } = JSON.parse(credentials) as { api_url: string; api_key: string });

    const link = await call('POST', `/v1/users/${user}/connections/whoop/link`);
    const callback = await consent(String(link.body['link_web_url']), { account: '4711' });
    await call('GET', callback.pathname + callback.search);
    const token = await call('GET', `/v1/users/${user}/connections/whoop/token`);
    const proxied = await call('GET', `/v1/users/${user}/connections/whoop/proxy/cycle?limit=canary-query`);
    await call('POST', `/v1/users/${user}/connections/whoop/refresh`);
    const session = await call('POST', '/v1/link-sessions', { user_id: user });
    await call(
      'GET',
      new URL(String(session.body['connect_url'])).pathname + new URL(String(session.body['connect_url'])).search,
    );
    requestId = proxied.requestId;
    const [row] = await rowsOf<{ id: string }>(databaseUrl, 'connections');
    secrets = {
      'API key': key,
      'secret of the API key': key.split('_').slice(2).join('_'),
      state: String(link.body['state']),
      'state of the callback': String(callback.searchParams.get('state')),
      code: String(callback.searchParams.get('code')),
      'access token': String(token.body['access_token']),
      'link token': String(session.body['link_token']),
      'user id': user,
      'connection id': String(row?.id),
      'query of a proxied call': 'canary-query',
      'path of a proxied call': 'proxy/cycle',
      'database password': decodeURIComponent(new URL(databaseUrl).password),
      statement: 'SELECT',
      error: 'stack',
    };
    // The last request has been sent when its span has arrived.
    await until(
      'every span has arrived',
      () => received.includes('/connect') && received.includes('/v1/link-sessions'),
    );
  });

  afterAll(async () => {
    await service?.stop('SIGKILL');
    receiver?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function call(method: 'GET' | 'POST', path: string, body?: object) {
    const response = await request(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.body.text();
    const isJson = String(response.headers['content-type']).includes('json');
    return {
      body: (isJson ? JSON.parse(text) : {}) as Record<string, unknown>,
      requestId: String(response.headers['x-request-id']),
    };
  }

  it('have route, status, statement names and the called host', () => {
    for (const text of [
      'GET /v1/oauth/:provider/callback',
      'POST /v1/users/:user_id/connections/:provider/link',
      '/v1/users/:user_id/connections/:provider/proxy/*',
      'http.response.status_code',
      'pg.query:audit-append',
      '@opentelemetry/instrumentation-undici',
    ]) {
      expect(received).toContain(text);
    }
  });

  it('hold no secret, no id and no query (LOG-01)', () => {
    expect(Object.values(secrets).every((secret) => secret.length >= 5)).toBe(true);
    const found = Object.entries(secrets).filter(([, secret]) => received.includes(secret));
    expect(found.map(([what]) => what)).toEqual([]);
  });

  it('share their ids with the log and the response', async () => {
    expect(received).toContain(requestId);
    const line = service
      .stdout()
      .split('\n')
      .find((each) => each.includes(requestId) && each.includes('trace_id'));
    const { trace_id: traceId = '' } = JSON.parse(line ?? '{}') as { trace_id?: string };
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(received).toContain(Buffer.from(traceId, 'hex').toString('latin1'));
  });
});
