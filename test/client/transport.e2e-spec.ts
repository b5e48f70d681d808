import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Cufflink, CufflinkError, type CufflinkOptions } from '../../clients/typescript/src/index.js';
import {
  type PreparedResponse,
  type RecordingServer,
  startRecordingServer,
} from '../../src/provider-kit/testing/recording-server.js';

const apiKey = 'a-key-that-nobody-may-see';

let service: RecordingServer;
/** The responses to come; after these, a list of no connections. */
let responses: PreparedResponse[];
/** A response that gets lost on its way: the client receives nothing. */
const lost: PreparedResponse = { headers: { 'x-lost': 'yes' } };
beforeEach(async () => {
  responses = [];
  service = await startRecordingServer(() => responses.shift() ?? ok({ connections: [] }));
});
afterEach(() => service.close());

function client(options: Partial<CufflinkOptions> = {}): Cufflink {
  return new Cufflink({ baseUrl: service.url, apiKey, fetch: lossyFetch, ...options });
}

async function lossyFetch(...args: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...args);
  if (response.headers.has('x-lost')) {
    throw new TypeError('fetch failed');
  }
  return response;
}

function ok(body: object): PreparedResponse {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function problem(status: number, code: string, more: object = {}): PreparedResponse {
  const body = {
    type: 'x',
    title: 'x',
    status,
    detail: 'What to do.',
    code,
    act: 'user',
    request_id: 'req-1',
    ...more,
  };
  return { status, headers: { 'content-type': 'application/problem+json' }, body: JSON.stringify(body) };
}

const get = (cufflink: Cufflink): Promise<unknown> => cufflink.connections.get('user-1', 'whoop');
const post = (cufflink: Cufflink): Promise<unknown> => cufflink.links.create('user-1', 'whoop');

describe('an error of a call', () => {
  it('has the code, the actor and the ids of the problem, and not the API key', async () => {
    responses = [problem(409, 'TOKEN_REVOKED')];
    const error: unknown = await get(client()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: 'CufflinkError',
      message: 'What to do.',
      code: 'TOKEN_REVOKED',
      act: 'user',
      status: 409,
      requestId: 'req-1',
      retryAfterSeconds: undefined,
    });
    expect(CufflinkError.is(error, 'TOKEN_REVOKED')).toBe(true);
    expect(CufflinkError.is(error, 'RATE_LIMITED')).toBe(false);
    expect(service.requests[0]?.headers['authorization']).toBe(`Bearer ${apiKey}`);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(apiKey);
  });

  it('is not the client, which shows its API key to nobody', () => {
    const cufflink = client();
    const shown = inspect({ cufflink, proxy: cufflink.proxy('user-1', 'whoop') }, { depth: 9, showHidden: true });
    expect(shown + JSON.stringify(cufflink)).not.toContain(apiKey);
  });

  it('says so where another server responded in place of Cufflink', async () => {
    responses = [{ status: 500, body: '<html>' }];
    await expect(get(client())).rejects.toMatchObject({ code: 'RESPONSE_UNREADABLE', act: 'operator', status: 500 });
  });

  it('is an abort where the caller has aborted', async () => {
    const signal = AbortSignal.abort();
    await expect(client().proxy('user-1', 'whoop').fetch('/cycle', { signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(service.requests).toEqual([]);
  });
});

describe('a call that failed', () => {
  it.each([429, 502, 503, 504])('is repeated if it reads and the status is %d', async (status) => {
    responses = [problem(status, 'PROVIDER_UNAVAILABLE'), ok({ provider: 'whoop' })];
    await expect(get(client())).resolves.toEqual({ provider: 'whoop' });
    expect(service.requests).toHaveLength(2);
  });

  it.each([400, 404, 409, 410, 500])('is not repeated if the status is %d', async (status) => {
    responses = [problem(status, 'INTERNAL_ERROR')];
    await expect(get(client())).rejects.toMatchObject({ status });
    expect(service.requests).toHaveLength(1);
  });

  it('is not repeated if it writes: it may have been carried out', async () => {
    responses = [problem(503, 'DATABASE_UNAVAILABLE', { retry_after_seconds: 1 }), lost];
    await expect(post(client())).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryAfterSeconds: 1 });
    await expect(post(client())).rejects.toMatchObject({ code: 'NO_RESPONSE', act: 'operator' });
    expect(service.requests).toHaveLength(2);
  });

  it('is repeated with its body if it was refused for a rate limit, after the pause that Cufflink asks for', async () => {
    responses = [problem(429, 'RATE_LIMITED', { retry_after_seconds: 1 }), ok({ link_id: 'link-1' })];
    const before = performance.now();
    const body = { return_url: 'https://app.example.com/devices' };
    await expect(client().links.create('user-1', 'whoop', body)).resolves.toEqual({ link_id: 'link-1' });
    expect(performance.now() - before).toBeGreaterThan(950);
    expect(service.requests.map((request) => request.body)).toEqual([JSON.stringify(body), JSON.stringify(body)]);
  });

  it("is repeated if it writes with an idempotency key, but not behind the proxy, where the key is the provider's", async () => {
    responses = [lost, problem(409, 'IDEMPOTENCY_KEY_IN_PROGRESS'), ok({ link_id: 'link-1' }), lost];
    const link = client().links.create('user-1', 'whoop', {}, { idempotencyKey: 'key-1' });
    await expect(link).resolves.toEqual({ link_id: 'link-1' });
    expect(service.requests.map(({ headers }) => headers['idempotency-key'])).toEqual(['key-1', 'key-1', 'key-1']);
    const init = { method: 'POST', headers: { 'idempotency-key': 'key-2' } };
    await expect(client().proxy('user-1', 'whoop').fetch('/a', init)).rejects.toMatchObject({ code: 'NO_RESPONSE' });
    expect(service.requests).toHaveLength(4);
  });

  it('is not repeated if Cufflink asks for a longer pause than allowed', async () => {
    responses = [problem(503, 'TOKEN_REFRESH_PENDING', { retry_after_seconds: 60 })];
    await expect(get(client())).rejects.toMatchObject({ retryAfterSeconds: 60 });
    expect(service.requests).toHaveLength(1);
  });

  it('is repeated as often as allowed without a response', async () => {
    responses = [lost, lost, lost, ok({})];
    await expect(get(client({ retries: 1 }))).rejects.toMatchObject({ code: 'NO_RESPONSE' });
    expect(service.requests).toHaveLength(2);
  });
});

describe('a call through the proxy', () => {
  it('returns the response of the provider with any status', async () => {
    responses = [{ status: 503, headers: { 'cufflink-answer-from': 'whoop' }, body: 'busy' }];
    const response = await client().proxy('user/1', 'whoop').fetch('/a%20b/c?d=%2F', { method: 'POST', body: 'e' });
    expect([response.status, await response.text()]).toEqual([503, 'busy']);
    expect(service.requests).toMatchObject([
      { method: 'POST', target: '/v1/users/user%2F1/connections/whoop/proxy/a%20b/c?d=%2F', body: 'e' },
    ]);
  });

  it.each([
    ...['../token', '/../../garmin/token', 'a/..', '.', '%2e%2e/token', 'a/.%2E/b', '..?a=1', '..#a'],
    ...['//evil.example/a', 'https://evil.example/a', '..\\token', 'a\\b', '.\t./token', '\n../token'],
  ])('cannot leave the API of the provider: %j', async (path) => {
    await expect(client().proxy('user-1', 'whoop').fetch(path)).rejects.toThrow(TypeError);
    expect(service.requests).toEqual([]);
  });

  it.each(['', '.', '..'])('has no user %j, whom a URL parser would remove from the path', async (user) => {
    expect(() => client().proxy(user, 'whoop')).toThrow(TypeError);
    await expect(client().tokens.get(user, 'whoop')).rejects.toThrow(TypeError);
    await expect(client().connections.list(user).next()).rejects.toThrow(TypeError);
    expect(service.requests).toEqual([]);
  });
});

describe('the stream of events', () => {
  it('is read page by page, from the cursor on', async () => {
    const page = (cursor: string, more: boolean): PreparedResponse =>
      ok({ events: [{ id: cursor }], next_cursor: cursor, has_more: more });
    responses = [page('7', true), page('9', false)];
    const cursors: string[] = [];
    for await (const { next_cursor: cursor } of client().events.pages({
      after: '5',
      types: ['data.available'],
      limit: 2,
    })) {
      cursors.push(cursor);
    }
    expect(cursors).toEqual(['7', '9']);
    const query = 'types=data.available&limit=2';
    expect(service.requests.map(({ target }) => target)).toEqual([
      `/v1/events?${query}&after=5`,
      `/v1/events?${query}&after=7`,
    ]);
  });
});
