import { createHash, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { linkAccount } from '../support/linking.js';
import { type ProxiedResponse, ProxyCaller } from '../support/proxied-call.js';
import { resetCircuitBreakers, Subject } from '../support/subject.js';

const user = 'the-user';
const garminPath = '/wellness-api/rest';

let application: TestApplication;
let caller: ProxyCaller;

beforeAll(async () => {
  application = await startApplication();
  caller = await ProxyCaller.of(application);
  for (const slug of ['whoop', 'garmin-oauth1', 'suunto', 'coros', 'omron', 'smart-on-fhir']) {
    await linkAccount(application, user, slug, { account: '4711' });
  }
});
afterEach(async () => {
  for (const slug of ['whoop', 'garmin-oauth1', 'oura']) {
    application.sandbox.provider(slug).behave();
  }
  await resetCircuitBreakers(application);
});
afterAll(() => application.close());

/** The request as the fake provider received it. */
function received({ json }: ProxiedResponse): Record<string, unknown> {
  return json['received'] as Record<string, unknown>;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe.each([
  ['whoop', '/developer/v2', 'cycle'],
  ['garmin-oauth1', garminPath, 'dailies'],
])('a proxied call of %s', (slug, base, path) => {
  it("reaches the provider with the user's token, and brings its response back", async () => {
    const response = await caller.call(slug, `${path}?limit=2&from=2026-01-01T00%3A00%3A00Z&x=a+b&x=%c3%bc`);
    expect(response).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none';frame-ancestors 'none'",
        'cufflink-answer-from': slug,
      },
      json: { ok: true, account_id: '4711' },
    });
    expect(received(response)).toMatchObject({
      method: 'GET',
      path: `${base}/${path}`,
      query: 'limit=2&from=2026-01-01T00%3A00%3A00Z&x=a+b&x=%c3%bc',
    });
  });

  it.each([
    ['POST', 'application/json', '{"a": 1,  "b":"ü"}'],
    ['POST', 'application/fhir+json', '{"resourceType":"Bundle"}'],
    ['POST', 'application/x-www-form-urlencoded', 'b=2&a=1+1&a=%2B%c3%bc&c'],
    ['PUT', 'application/xml; charset=utf-8', '<a>ü</a>'],
    ['PATCH', 'text/plain', 'not { json'],
    ['POST', 'application/json', 'not { json'],
    ['DELETE', 'application/octet-stream', Buffer.from([0, 255, 254, 13, 10, 0xc3])],
    ['POST', 'multipart/form-data; boundary=x', '--x--\r\n'],
    ['POST', undefined, 'untyped'],
  ])('sends the body of a %s as it came: %s (O1-01)', async (method, type, body) => {
    const headers = type === undefined ? {} : { 'content-type': type };
    const response = await caller.call(slug, `${path}/1`, { method, headers, body });
    expect(response.status).toBe(200);
    const bytes = Buffer.from(body);
    expect(received(response)).toMatchObject({
      method,
      path: `${base}/${path}/1`,
      body_bytes: bytes.length,
      body_sha256: sha256(bytes),
    });
    const sent = received(response)['headers'] as Record<string, string>;
    expect(sent['content-type']).toBe(type);
  });

  it.each(['POST', 'DELETE'])('sends a %s without a body', async (method) => {
    const response = await caller.call(slug, path, { method });
    expect(received(response)).toMatchObject({ method, body_bytes: 0 });
  });

  it('responds to HEAD with the headers alone', async () => {
    const response = await caller.call(slug, path, { method: 'HEAD' });
    expect(response).toMatchObject({ status: 200, headers: { 'cufflink-answer-from': slug } });
    expect(response.body).toHaveLength(0);
  });

  it('passes on the call, and nothing about the caller', async () => {
    const passed = {
      accept: 'application/fhir+json',
      'accept-language': 'de',
      'if-match': '"1"',
      prefer: 'return=minimal',
      'idempotency-key': 'k-1',
    };
    const kept = {
      cookie: 'session=1',
      'x-forwarded-for': '10.0.0.1',
      forwarded: 'for=10.0.0.1',
      'x-forwarded-host': 'evil.example',
      'x-http-method-override': 'DELETE',
      origin: 'https://app.example.com',
      referer: 'https://app.example.com/users/7',
      'user-agent': 'curl/8',
      'proxy-authorization': 'Basic eA==',
      te: 'trailers',
      'x-request-id': 'request-0001',
      'ocp-apim-subscription-key': 'meant for another provider',
    };
    const response = await caller.call(slug, path, { headers: { ...passed, ...kept } });
    expect(received(response)['headers']).toEqual({
      ...passed,
      'user-agent': 'cufflink',
      'accept-encoding': 'identity',
    });
  });

  it('is in the audit trail as a call, before it leaves, and not as an issued token (LOG-06)', async () => {
    const subject = await Subject.link(application, slug);
    await caller.call(slug, `${path}/secret-path?secret=query`, { user: subject.userId });
    const entries = await auditEntriesOf(application, subject.userId);
    expect(entries.slice(-1)).toEqual(['request.proxied success api-key']);
    expect(entries).not.toContain('token.handed_out success api-key');
  });

  it.each([400, 403, 404, 409, 429, 500, 503])("passes on the provider's %d, and repeats nothing", async (code) => {
    const subject = await Subject.link(application, slug);
    const before = subject.fake.history.length;
    const headers = {
      'Retry-After': '7',
      'X-RateLimit-Remaining': '0',
      'Set-Cookie': 'a=b',
      'X-Powered-By': 'provider',
    };
    const body = '{"error":"their own"}';
    subject.fake.misbehave({
      endpoint: 'api',
      type: 'status',
      code,
      body,
      contentType: 'application/vnd.provider+json',
      headers,
    });
    const response = await caller.call(slug, path, { user: subject.userId, method: 'POST' });
    expect(response).toMatchObject({
      status: code,
      headers: {
        'content-type': 'application/vnd.provider+json',
        'cufflink-answer-from': slug,
        'retry-after': '7',
        'x-ratelimit-remaining': '0',
      },
      json: { error: 'their own' },
    });
    expect(response.headers).not.toHaveProperty('set-cookie');
    expect(response.headers).not.toHaveProperty('x-powered-by');
    expect(subject.fake.history.length - before).toBe(1);
    // Neither a rate limit nor an outage of the API holds up tokens.
    expect((await subject.read()).status).toBe(200);
    expect((await caller.call(slug, path, { user: subject.userId })).status).toBe(200);
  });

  it('reports that the provider did not respond, and repeats nothing', async () => {
    const before = application.sandbox.provider(slug).history.length;
    application.sandbox.provider(slug).misbehave({ endpoint: 'api', type: 'drop', processed: true });
    const response = await caller.call(slug, path, { method: 'POST' });
    expect(response).toMatchObject({ status: 503, json: { code: 'PROVIDER_UNAVAILABLE', act: 'provider' } });
    expect(response.json['detail']).toMatch(/The call may have taken effect: check before you repeat it\.$/);
    expect(response.headers).not.toHaveProperty('cufflink-answer-from');
    expect(application.sandbox.provider(slug).history.length - before).toBe(1);
    application.sandbox.provider(slug).misbehave({ endpoint: 'api', type: 'drop' });
    expect((await caller.call(slug, path)).json['detail']).not.toContain('may have');
  });
});

describe('a call that cannot be proxied', () => {
  it('goes to a provider that takes the token in the URL only (TE-02)', async () => {
    const before = application.sandbox.provider('coros').history.length;
    const response = await caller.call('coros', 'v2/coros/sport/list');
    expect(response).toMatchObject({
      status: 409,
      json: { code: 'CALL_UNSUPPORTED', act: 'caller', detail: expect.stringContaining('GET .../token') },
    });
    expect(application.sandbox.provider('coros').history).toHaveLength(before);
  });

  it('goes to a provider without an API', async () => {
    const response = await caller.call('omron', 'measurement');
    expect(response).toMatchObject({ status: 409, json: { code: 'CALL_UNSUPPORTED' } });
  });

  it.each([
    ['nobody', 'whoop', 'CONNECTION_NOT_FOUND'],
    [user, 'unknown', 'PROVIDER_UNKNOWN'],
  ])('is for a connection that does not exist: %s, %s', async (whom, slug, code) => {
    expect(await caller.call(slug, 'cycle', { user: whom })).toMatchObject({ status: 404, json: { code } });
  });

  it('has a body that a GET cannot have', async () => {
    const response = await caller.call('whoop', 'cycle', {
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(response).toMatchObject({
      status: 400,
      json: { code: 'REQUEST_INVALID', detail: 'A GET request must not have a body.' },
    });
  });

  it('has a body above 64 KiB', async () => {
    const body = randomBytes(64 * 1024 + 1);
    const response = await caller.call('whoop', 'cycle', { method: 'POST', body });
    expect(response).toMatchObject({ status: 413, json: { code: 'REQUEST_INVALID' } });
  });
});

describe('the headers that a provider wants beside the token', () => {
  const name = 'Ocp-Apim-Subscription-Key';

  it('are passed on to that provider', async () => {
    const response = await caller.call('suunto', 'v2/workouts', { headers: { [name]: 'key-1' } });
    expect(response).toMatchObject({ status: 200, json: { ok: true } });
    // The fake has checked it, and does not tell it.
    expect(response.body.toString()).not.toContain('key-1');
  });

  it('are requested before the provider is called', async () => {
    const before = application.sandbox.provider('suunto').history.length;
    const response = await caller.call('suunto', 'v2/workouts');
    expect(response).toMatchObject({
      status: 400,
      json: { code: 'REQUEST_INVALID', detail: expect.stringContaining(name) },
    });
    expect(application.sandbox.provider('suunto').history).toHaveLength(before);
  });
});

describe('requests that are signed (O1-03)', () => {
  it('have a nonce each, so that the provider takes them one after the other', async () => {
    for (let call = 0; call < 3; call += 1) {
      expect((await caller.call('garmin-oauth1', 'dailies')).status).toBe(200);
    }
  });

  it('are not signed for a provider that has no credentials here (TE-12)', async () => {
    const off = await startApplication({
      databaseUrl: application.databaseUrl,
      rootKey: application.rootKey,
      sandbox: application.sandbox,
      clock: application.clock,
      environment: { SANDBOX_URL: undefined },
    });
    try {
      const response = await (await ProxyCaller.of(off)).call('garmin-oauth1', 'dailies');
      expect(response).toMatchObject({ status: 409, json: { code: 'PROVIDER_NOT_CONFIGURED' } });
    } finally {
      await off.close();
    }
  });
});
