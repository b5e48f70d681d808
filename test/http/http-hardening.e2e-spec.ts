import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from '../support/application.js';

const nothing = "default-src 'none';frame-ancestors 'none'";

describe('a response', () => {
  let application: TestApplication;
  beforeAll(async () => {
    application = await startApplication({ environment: { CORS_ORIGINS: 'https://app.example.com' } });
  });
  afterAll(() => application.close());

  const withoutSpaces = (policy: string | undefined): string | undefined => policy?.replaceAll('; ', ';');

  it.each([
    ['/v1/providers', 200],
    ['/v1/users/user-1/connections/whoop/token', 404],
    ['/%76%31/providers', 200],
    ['/v1/nothing', 404],
    ['/v1/oauth/whoop/callback?state=x&code=y', 403],
    ['/health/live', 200],
    ['/%', 400],
  ])('of %s cannot be framed, sniffed or run', async (path, status) => {
    const { headers } = await application.api.get(path).expect(status);
    expect(withoutSpaces(headers['content-security-policy'])).toBe(nothing);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      // For browsers that know no frame-ancestors.
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'origin-agent-cluster': '?1',
      'x-dns-prefetch-control': 'off',
      'x-download-options': 'noopen',
      'x-permitted-cross-domain-policies': 'none',
      'x-xss-protection': '0',
    });
    expect(headers['strict-transport-security']).toBeUndefined();
    expect(headers['x-powered-by']).toBeUndefined();
    if (decodeURI(path === '/%' ? '' : path).startsWith('/v1/')) {
      expect(headers['cache-control']).toBe('no-store');
    }
  });

  it('asks for https only in production', async () => {
    const { databaseUrl, rootKey } = application;
    const environment = {
      NODE_ENV: 'production',
      ENVIRONMENT_NAME: 'test',
      PUBLIC_URL: 'https://link.example.com',
      SANDBOX_URL: undefined,
    };
    const production = await startApplication({ environment, databaseUrl, rootKey });
    try {
      const { headers } = await production.browser.get('/health/live').expect(200);
      expect(headers['strict-transport-security']).toMatch(/^max-age=\d{8,}; includeSubDomains$/);
    } finally {
      await production.close();
    }
  });

  it('of the OpenAPI page lets the page do what it needs, and no more', async () => {
    const { headers, text } = await application.browser.get('/docs').expect(200);
    const policy = headers['content-security-policy'] ?? '';
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(text).not.toMatch(/<script>[^<]*\S[^<]*<\/script>|<script[^>]+src="(https?:)?\/\//);
    const scripts = [...text.matchAll(/<script src="\.?\/?([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(scripts.length).toBeGreaterThan(0);
    for (const script of scripts) {
      await application.browser.get(`/${script.replace(/^\.?\//, '')}`).expect(200);
    }
  });

  it('may be read by pages of the listed origins only', async () => {
    const ask = (origin: string) => application.api.get('/v1/providers').set('origin', origin);
    const allowed = await ask('https://app.example.com').expect(200);
    expect(allowed.headers['access-control-allow-origin']).toBe('https://app.example.com');
    expect(allowed.headers['access-control-allow-credentials']).toBeUndefined();
    for (const origin of ['https://evil.example', 'https://app.example.com.evil.example', 'null']) {
      const { headers } = await ask(origin).expect(200);
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('to a preflight exists only where origins are listed', async () => {
    const preflight = (of: TestApplication) =>
      of.browser
        .options('/v1/providers')
        .set({ origin: 'https://app.example.com', 'access-control-request-method': 'GET' });
    await preflight(application).expect(204);
    const closed = await startApplication();
    try {
      const { headers } = await preflight(closed).expect(405);
      expect(headers['access-control-allow-origin']).toBeUndefined();
      const response = await closed.api.get('/v1/providers').set('origin', 'https://app.example.com').expect(200);
      expect(response.headers['access-control-allow-origin']).toBeUndefined();
    } finally {
      await closed.close();
    }
  });
});

describe('a request', () => {
  let application: TestApplication;
  beforeAll(async () => {
    application = await startApplication();
  });
  afterAll(() => application.close());

  /** Writes bytes and returns the response until the server closes. */
  async function raw(...chunks: string[]): Promise<string> {
    const socket = connect(Number(new URL(await application.app.getUrl()).port), '127.0.0.1');
    let response = '';
    socket.setEncoding('utf8').on('data', (text: string) => (response += text));
    socket.on('error', () => undefined);
    for (const chunk of chunks) {
      socket.write(chunk);
    }
    await once(socket, 'close');
    return response;
  }

  it('with endless headers is given up after 5 seconds', async () => {
    expect(await raw('GET /health/live HTTP/1.1\r\nHost: x\r\n', 'X-Slow: 1\r\n')).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('with an endless body is given up after 15 seconds', async () => {
    const head = 'POST /v1/oauth/whoop/callback HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n';
    expect(await raw(`${head}Content-Type: application/x-www-form-urlencoded\r\n\r\n`, 'state=')).toMatch(
      /^HTTP\/1\.1 408 /,
    );
  });

  it.each([
    ['a header', `GET /health/live HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(17_000)}\r\n\r\n`],
    ['a URL', `GET /health/live?${'a'.repeat(17_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
  ])('with %s of more than 16 KiB is refused', async (_, bytes) => {
    expect(await raw(bytes)).toMatch(/^HTTP\/1\.1 431 /);
  });
});
