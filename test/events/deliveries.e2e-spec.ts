import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { BackgroundJobs } from '../../src/clock/background-jobs.js';
import { EventRecorder } from '../../src/events/event-recorder.js';
import { makeTestCertificate } from '../../src/provider-kit/testing/test-certificate.js';
import { RetirementNotices } from '../../src/tokens/scheduler/retirement-notices.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { readEvents } from '../support/event-stream.js';
import { changeRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

interface Endpoint {
  readonly id: string;
  readonly secret: string;
  readonly status: string;
  readonly disabled_reason: string | null;
}
interface Attempt {
  readonly event_id: string;
  readonly attempt: number;
  readonly outcome: string;
  readonly http_status: number | null;
  readonly error_code: string | null;
}

const path = '/v1/webhook-endpoints';

const authorities = tls.getCACertificates('default');
const trusted = makeTestCertificate({ ip: '127.0.0.1' });
const wrongHost = makeTestCertificate({ dns: 'other.example' });
const expired = makeTestCertificate({ ip: '127.0.0.1' }, { from: '200101000000Z', to: '210101000000Z' });

let application: TestApplication;
let receiver: WebhookReceiver;

beforeAll(async () => {
  // Trusted, so that nothing but the date or the name is wrong.
  tls.setDefaultCACertificates([...authorities, trusted.cert, wrongHost.cert, expired.cert]);
  application = await startApplication();
  // Its notices are written once, and would come between the events of the tests.
  await application.app.get(RetirementNotices, { strict: false }).sweep();
  application.app.get(BackgroundJobs, { strict: false }).startWorkers();
  await untilDispatched();
});
beforeEach(async () => {
  receiver = await WebhookReceiver.start();
});
afterEach(async () => {
  const response = await application.api.get(path).expect(200);
  for (const { id } of (response.body as { endpoints: Endpoint[] }).endpoints) {
    await application.api.delete(`${path}/${id}`).expect(204);
  }
  await receiver.stop();
});
afterAll(async () => {
  await application.close();
  tls.setDefaultCACertificates(authorities);
});

async function addEndpoint(body: object = {}): Promise<Endpoint> {
  const response = await application.api
    .post(path)
    .send({ url: receiver.url, ...body })
    .expect(201);
  return response.body as Endpoint;
}

async function look(id: string): Promise<Endpoint> {
  return (await application.api.get(`${path}/${id}`).expect(200)).body as Endpoint;
}

async function attemptsOf(id: string, query: object = {}): Promise<Attempt[]> {
  const response = await application.api.get(`${path}/${id}/attempts`).query(query).expect(200);
  return (response.body as { attempts: Attempt[] }).attempts;
}

/** Writes an event of a provider, and returns its id. */
function record(provider = 'whoop'): Promise<string> {
  const recorder = application.app.get(EventRecorder, { strict: false });
  return recorder.record({ type: 'provider.restored', source: 'refresh', proof: 'confirmed' }, provider);
}

function received(): string[] {
  return receiver.received.map(({ headers }) => String(headers['webhook-id']));
}

/** Waits until every event so far is in the queues of the endpoints that want it. */
async function untilDispatched(): Promise<void> {
  const { next_cursor: cursor } = await readEvents(application, { limit: '1000' });
  await until('the events are behind the cursor', async () => {
    const [row] = await queryDatabase<{ position: number }>(
      application.databaseUrl,
      `SELECT position::float8 AS position FROM event_cursors WHERE name = 'webhooks'`,
    );
    return (row?.position ?? 0) >= Number(cursor);
  });
}

/** Lets time pass for the queues and the endpoints. */
async function passTime(hours: number): Promise<void> {
  // In one statement: a delivery that is due must not start before the endpoint has been failing for as long.
  await queryDatabase(
    application.databaseUrl,
    `WITH endpoints AS (UPDATE webhook_endpoints SET failing_since = failing_since - $1 * interval '1 hour')
     UPDATE cufflink_jobs.job SET start_after = start_after - $1 * interval '1 hour' WHERE state < 'active'`,
    [hours],
  );
}

describe('a delivery', () => {
  it('is signed so that the library of the specification verifies it, and has the same body as the stream', async () => {
    const { secret } = await addEndpoint();
    const start = (await readEvents(application, { limit: '1000' })).next_cursor;
    const id = await record();
    await until('the event is delivered', () => receiver.received.length === 1);
    const [event] = receiver.verifyAll(secret);
    expect(event).toMatchObject({ id, type: 'provider.restored', data: { provider: 'whoop', source: 'refresh' } });
    expect((await readEvents(application, { after: start })).events).toEqual([event]);
    expect(() => receiver.verifyAll('whsec_QW5vdGhlclNlY3JldE9mVGhpcnR5VHdvQnl0ZXMhISE=')).toThrow();
  });

  it('has two signatures while a secret is rotated, and one when the previous secret has expired', async () => {
    const endpoint = await addEndpoint();
    const rotated = await application.api.post(`${path}/${endpoint.id}/rotate-secret`).send().expect(200);
    const { secret } = rotated.body as { secret: string };
    expect(secret).not.toBe(endpoint.secret);
    await record();
    await until('the event is delivered', () => receiver.received.length === 1);
    receiver.verifyAll(secret);
    receiver.verifyAll(endpoint.secret);

    application.clock.advance(25 * 3_600_000);
    await record();
    await until('the second event is delivered', () => receiver.received.length === 2);
    expect(String(receiver.received[1]?.headers['webhook-signature']).split(' ')).toHaveLength(1);
  });

  it('goes only to endpoints that want the type and the provider', async () => {
    await addEndpoint({ event_types: ['connection.linked'] });
    await addEndpoint({ providers: ['oura'] });
    const wanted = await record('oura');
    await record('whoop');
    const { id } = await addEndpoint({ event_types: ['provider.restored'], providers: ['garmin'] });
    const test = await application.api.post(`${path}/${id}/test`).send().expect(202);
    const { event_id: testEvent } = test.body as { event_id: string };
    await until('both events are delivered', () => receiver.received.length === 2);
    expect(new Set(received())).toEqual(new Set([wanted, testEvent]));
    await until('the attempt is recorded', async () => (await attemptsOf(id)).length === 1);
    expect(await attemptsOf(id)).toMatchObject([{ event_id: testEvent, outcome: 'delivered', http_status: 204 }]);
  });

  it('is repeated after a failure, and not before the receiver allows it', async () => {
    const { id } = await addEndpoint();
    receiver.respond = (response) => response.writeHead(503, { 'retry-after': '3600' }).end();
    const event = await record();
    await until('the attempt is recorded', async () => (await attemptsOf(id)).length === 1);
    const [row] = await queryDatabase<{ minutes: number }>(
      application.databaseUrl,
      `SELECT extract(epoch FROM start_after - now())::int / 60 AS minutes FROM cufflink_jobs.job
       WHERE name = $1 AND state = 'created'`,
      [`webhook-${id}`],
    );
    expect(row?.minutes).toBeGreaterThanOrEqual(55);
    receiver.respond = (response) => response.writeHead(200).end();
    await passTime(2);
    await until('the event is delivered', async () => (await attemptsOf(id)).length === 2);
    expect(received()).toEqual([event, event]);
    expect(await attemptsOf(id)).toMatchObject([
      { attempt: 2, outcome: 'delivered', http_status: 200 },
      { attempt: 1, outcome: 'retrying', http_status: 503 },
    ]);
  });

  it('arrives after the receiver was down for two days', async () => {
    const { id, secret } = await addEndpoint();
    const { url } = receiver;
    await receiver.stop();
    const events = [await record(), await record()];
    for (let hours = 0; hours < 48; hours += 6) {
      await passTime(6);
      await until('what is due was tried', async () => {
        const due = await queryDatabase(
          application.databaseUrl,
          `SELECT FROM cufflink_jobs.job WHERE state = 'active' OR state < 'active' AND start_after <= now()`,
        );
        return due.length === 0;
      });
    }
    expect((await attemptsOf(id))[0]).toMatchObject({
      outcome: 'retrying',
      http_status: null,
      error_code: 'ECONNREFUSED',
    });
    receiver = await WebhookReceiver.start(Number(new URL(url).port));
    await passTime(30);
    await until('both are delivered', async () => (await attemptsOf(id, { outcome: 'delivered' })).length === 2);
    expect(new Set(received())).toEqual(new Set(events));
    expect(receiver.verifyAll(secret)).toHaveLength(2);
  });

  it.each([
    ['has expired', expired, 'CERT_HAS_EXPIRED'],
    ['is for another host', wrongHost, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['is self-signed', makeTestCertificate({ ip: '127.0.0.1' }), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ])('is kept and retried while the certificate of the receiver %s', async (_what, certificate, code) => {
    const strange = createServer(certificate, (_request, response) => response.writeHead(204).end());
    strange.listen(0, '127.0.0.1');
    await once(strange, 'listening');
    const { port } = strange.address() as AddressInfo;
    try {
      const { id } = await addEndpoint({ url: `https://127.0.0.1:${port}/events` });
      const event = await record();
      await until('the attempt is recorded', async () => (await attemptsOf(id)).length === 1);
      expect(await attemptsOf(id)).toMatchObject([
        { event_id: event, outcome: 'retrying', http_status: null, error_code: code },
      ]);
      strange.setSecureContext(trusted);
      await passTime(1);
      await until('the event is delivered', async () => (await attemptsOf(id)).length === 2);
      expect((await attemptsOf(id))[0]).toMatchObject({ event_id: event, outcome: 'delivered', http_status: 204 });
    } finally {
      strange.closeAllConnections();
      strange.close();
    }
  });

  it('gives its place to the next one at its response, while its outcome is still being recorded', async () => {
    const { id } = await addEndpoint();
    const slow = new pg.Client({ connectionString: application.databaseUrl });
    await slow.connect();
    try {
      await slow.query('BEGIN');
      await slow.query('LOCK TABLE webhook_attempts IN EXCLUSIVE MODE');
      const events = await Promise.all(Array.from({ length: 60 }, () => record()));
      await until('three times as many are delivered as may be at a time', () => received().length === events.length);
      expect(received().toSorted()).toEqual(events.toSorted());
      expect(await attemptsOf(id)).toEqual([]);
    } finally {
      await slow.end();
    }
    await until('all are recorded', async () => (await attemptsOf(id, { limit: '100' })).length === 60);
  });

  it('to an endpoint that never responds delays no other, however many wait for it', async () => {
    const slow = await WebhookReceiver.start();
    slow.respond = () => undefined;
    const atATime = 20;
    try {
      const { id } = await addEndpoint({ url: slow.url, providers: ['oura'] });
      await addEndpoint({ providers: ['whoop'] });
      // Three times as many as it may have at a time. They come first.
      await Promise.all(Array.from({ length: 3 * atATime }, () => record('oura')));
      await untilDispatched();
      await until('the slow one has as many as it may have at a time', () => slow.received.length === atATime);
      const events = await Promise.all(Array.from({ length: 50 }, () => record('whoop')));
      await until('the other endpoint has every event', () => received().length >= events.length);
      // Each event once, while at most the first ones for the slow endpoint have come to their time limit.
      expect(received().toSorted()).toEqual(events.toSorted());
      expect(slow.received.length).toBeLessThanOrEqual(2 * atATime);
      await until('the time limit has ended the first ones', async () => (await attemptsOf(id)).length >= atATime);
      expect((await attemptsOf(id))[0]).toMatchObject({ outcome: 'retrying', http_status: null });
      expect(received()).toHaveLength(events.length);
    } finally {
      await slow.stop();
    }
  });
});

describe('an endpoint', () => {
  it('that responds with 410 is disabled at once, and other endpoints get an event', async () => {
    const { id } = await addEndpoint({ event_types: ['provider.restored'] });
    const other = await WebhookReceiver.start();
    try {
      const { secret } = await addEndpoint({ url: other.url, event_types: ['webhook.disabled'] });
      receiver.respond = (response) => response.writeHead(410).end();
      await record();
      await until('the other endpoint is told', () => other.received.length === 1);
      expect(other.verifyAll(secret)).toMatchObject([
        { type: 'webhook.disabled', data: { endpoint_id: id, reason: 'gone' } },
      ]);
      expect(await look(id)).toMatchObject({ status: 'disabled', disabled_reason: 'gone' });
    } finally {
      await other.stop();
    }
  });

  it('is disabled when every delivery has failed for five days, and loses nothing', async () => {
    const { id } = await addEndpoint();
    receiver.respond = (response) => response.writeHead(500).end();
    const first = await record();
    await until('the first attempt has failed', async () => (await attemptsOf(id)).length === 1);
    await passTime(4 * 24);
    await until('the second attempt has failed', async () => (await attemptsOf(id)).length === 2);
    expect((await look(id)).status).toBe('enabled');
    await passTime(2 * 24);
    await until('it is disabled', async () => (await look(id)).status === 'disabled');
    expect((await look(id)).disabled_reason).toBe('failing');
    const second = await record();
    await untilDispatched();

    receiver.respond = (response) => response.writeHead(204).end();
    await application.api.patch(`${path}/${id}`).send({ status: 'enabled' }).expect(200);
    const resent = await application.api
      .post(`${path}/${id}/resend-failed`)
      .send({ since: '2020-01-01T00:00:00Z' })
      .expect(202);
    // The event that told of the disabling is among them.
    expect((resent.body as { queued: number }).queued).toBe(3);
    await passTime(48);
    await until('all are delivered', async () => (await attemptsOf(id, { outcome: 'delivered' })).length === 3);
    expect(received()).toEqual(expect.arrayContaining([first, second]));
  });

  it('gets one event again on request', async () => {
    const { id } = await addEndpoint();
    const event = await record();
    await until('it is delivered', async () => (await attemptsOf(id)).length === 1);
    await application.api.post(`${path}/${id}/resend`).send({ event_id: event }).expect(202);
    await until('it is delivered again', () => receiver.received.length === 2);
    expect(received()).toEqual([event, event]);
  });

  it('with an unverifiable certificate gets nothing', async () => {
    const { id } = await addEndpoint({ url: receiver.url.replace('http:', 'https:') });
    await record();
    await until('the attempt has failed', async () => (await attemptsOf(id)).length === 1);
    expect(await attemptsOf(id)).toMatchObject([{ outcome: 'retrying', http_status: null }]);
    expect(receiver.received).toEqual([]);
  });

  it('that redirects gets nothing more, and the redirect is not followed (NET-03)', async () => {
    const { id } = await addEndpoint();
    receiver.respond = (response) => response.writeHead(307, { location: '/other' }).end();
    await record();
    await until('the attempt has failed', async () => (await attemptsOf(id)).length === 1);
    expect(receiver.received).toHaveLength(1);
    expect(await attemptsOf(id)).toMatchObject([{ outcome: 'retrying', error_code: 'HTTP 307' }]);
  });

  it('gets nothing once somebody without the key has changed its URL in the database', async () => {
    const { id } = await addEndpoint();
    const thief = await WebhookReceiver.start();
    try {
      await changeRows(application.databaseUrl, 'webhook_endpoints', { url: thief.url }, { id });
      await addEndpoint();
      const event = await record();
      await until('an untouched endpoint has the event', () => received().includes(event));
      expect(thief.received).toEqual([]);
      expect(await attemptsOf(id)).toEqual([]);
    } finally {
      await thief.stop();
    }
  });

  it.each([
    ['a private address', 'https://10.0.0.1/events'],
    ['a reserved address', 'https://169.254.169.254/latest'],
    ['no TLS', 'http://app.example.com/events'],
    ['a password', 'https://user:secret@app.example.com/events'],
    ['another scheme', 'ftp://app.example.com/events'],
    ['no URL', 'events'],
  ])('with %s is refused (NET-02)', async (_, url) => {
    const response = await application.api.post(path).send({ url }).expect(400);
    expect(response.body).toMatchObject({ code: 'WEBHOOK_URL_NOT_ALLOWED' });
  });

  it('shows its secret only once, and keeps it sealed', async () => {
    const { id, secret } = await addEndpoint();
    const shown = [await application.api.get(path), await application.api.get(`${path}/${id}`)];
    const rows = await queryDatabase<{ row: string }>(
      application.databaseUrl,
      'SELECT each::text AS row FROM webhook_endpoints AS each',
    );
    for (const text of [...shown.map((response) => response.text), ...rows.map(({ row }) => row)]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString('hex'));
    }
  });
});
