import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import { ProviderHttpClient } from '../http/http-client.js';
import type { ProviderResponse } from '../http/http-message.js';
import { ProviderClocks } from './provider-clocks.js';
import { exampleOAuth1 } from '../testing/example-definition.js';
import { startRecordingServer, type PreparedResponse, type RecordingServer } from '../testing/recording-server.js';

const now = new Date('2026-03-01T12:00:00Z');
const minute = 60;

let http: ProviderHttpClient;
let server: RecordingServer;
let clocks: ProviderClocks;
let responses: PreparedResponse[];

beforeEach(async () => {
  responses = [];
  server = await startRecordingServer(() => responses.shift() ?? { body: 'ok' });
  http = new ProviderHttpClient();
  clocks = new ProviderClocks(Object.assign(new Clock(), { now: () => now }));
});
afterEach(async () => {
  await http.onApplicationShutdown();
  await server.close();
});

/** `Date` of a clock that is so many seconds ahead of ours. */
function dateAhead(seconds: number): string {
  return new Date(now.getTime() + seconds * 1_000).toUTCString();
}

function send(definition = exampleOAuth1): Promise<ProviderResponse> {
  return clocks.send(definition, (at) =>
    http.send({ method: 'GET', url: `${server.url}/${at.getTime() - now.getTime()}`, timeoutMs: 5_000 }),
  );
}

/** By how many seconds each request was signed ahead of our time. */
function signedAhead(): number[] {
  return server.requests.map(({ target }) => Math.floor(Number(target.slice(1)) / 1_000));
}

const refused = 'oauth_problem=timestamp_refused';

describe('ProviderClocks (O1-09)', () => {
  it.each<[title: string, response: PreparedResponse]>([
    ['names it in the body', { status: 401, headers: { date: dateAhead(10 * minute) }, body: refused }],
    [
      'names it in the header',
      {
        status: 401,
        headers: {
          date: dateAhead(10 * minute),
          'www-authenticate': 'OAuth realm="x", oauth_problem="timestamp_refused"',
        },
      },
    ],
    ['names it with HTTP 400', { status: 400, headers: { date: dateAhead(10 * minute) }, body: refused }],
    ['has the oldest form of a date', { status: 401, headers: { date: 'Sun Mar  1 12:10:00 2026' }, body: refused }],
    ['gives no reason and has another time', { status: 401, headers: { date: dateAhead(10 * minute) }, body: 'no' }],
  ])('corrects the time once when the refusal %s, and keeps to it', async (_title, response) => {
    responses = [response];
    expect((await send()).body).toBe('ok');
    await send();
    expect(signedAhead()).toEqual([0, 600, 600]);
    expect(Math.floor((clocks.now(exampleOAuth1.slug).getTime() - now.getTime()) / 1_000)).toBe(600);
    expect(clocks.now('another')).toEqual(now);
  });

  it.each<[title: string, response: PreparedResponse]>([
    ['success', { status: 200, headers: { date: dateAhead(10 * minute) } }],
    ['HTTP 403', { status: 403, headers: { date: dateAhead(10 * minute) } }],
    ['HTTP 503', { status: 503, headers: { date: dateAhead(10 * minute) } }],
    [
      'another problem',
      { status: 401, headers: { date: dateAhead(10 * minute) }, body: 'oauth_problem=token_rejected' },
    ],
    ['no reason, and about our time', { status: 401, headers: { date: dateAhead(30) } }],
    ['a Date that is none', { status: 401, headers: { date: 'soon' }, body: refused }],
    ['a Date without a zone', { status: 401, headers: { date: '2026-03-01 12:10:00' }, body: refused }],
  ])('neither repeats nor learns from %s', async (_title, response) => {
    responses = [response];
    expect((await send()).status).toBe(response.status);
    await send();
    expect(signedAhead()).toEqual([0, 0]);
  });

  it('returns the second refusal as it is', async () => {
    responses = Array.from({ length: 3 }, () => ({
      status: 401,
      headers: { date: dateAhead(10 * minute) },
      body: refused,
    }));
    expect((await send()).status).toBe(401);
    expect(signedAhead()).toEqual([0, 600]);
  });

  it.each([
    ['a refusal', 401],
    ['an outage', 503],
  ])('does not learn from a Date by which the second request gets %s', async (_title, status) => {
    const wrong = { status: 401, headers: { date: dateAhead(30 * minute) }, body: 'dead token' };
    responses = [wrong, { ...wrong, status }];
    expect((await send()).status).toBe(status);
    await send();
    expect(signedAhead()).toEqual([0, 1_800, 0]);
    expect(clocks.now(exampleOAuth1.slug)).toEqual(now);
  });

  it("returns a refusal without a reason as it is where the provider's Date is hours away", async () => {
    responses = [{ status: 400, headers: { date: dateAhead(90 * minute) }, body: 'no such day' }];
    expect(await send()).toMatchObject({ status: 400, body: 'no such day' });
    await send();
    expect(signedAhead()).toEqual([0, 0]);
  });

  it.each([3_601, -3_601, 172_800])(
    'refuses a clock that is %i s ahead, and keeps its earlier correction',
    async (seconds) => {
      responses = [
        { status: 401, headers: { date: dateAhead(10 * minute) }, body: refused },
        { body: 'ok' },
        { status: 401, headers: { date: dateAhead(seconds) }, body: refused },
      ];
      await send();
      await expect(send()).rejects.toMatchObject({ code: 'PROVIDER_MISCONFIGURED' });
      await send();
      expect(signedAhead()).toEqual([0, 600, 600, 600]);
    },
  );

  it('finds back to our time when the clocks agree again', async () => {
    responses = [
      { status: 401, headers: { date: dateAhead(10 * minute) }, body: refused },
      { body: 'ok' },
      { status: 401, headers: { date: dateAhead(0) }, body: refused },
    ];
    await send();
    await send();
    expect(signedAhead()).toEqual([0, 600, 600, 0]);
  });

  it('keeps the clocks of providers apart', async () => {
    responses = [{ status: 401, headers: { date: dateAhead(10 * minute) }, body: refused }];
    await send();
    await send({ ...exampleOAuth1, slug: 'another' });
    expect(signedAhead()).toEqual([0, 600, 0]);
  });
});
