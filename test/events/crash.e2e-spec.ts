import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../src/development/free-port.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { readEvents } from '../support/event-stream.js';
import { linkAccount } from '../support/linking.js';
import { SecretSearch } from '../support/secret-search.js';
import { checkout, type ServiceProcess, startProcess } from '../support/service-process.js';
import { Subject } from '../support/subject.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const timeoutMs = 300_000;
const waitMs = 120_000;

let application: TestApplication;
let receiver: WebhookReceiver;
let directory: string;
let secret: string;
const workers: ServiceProcess[] = [];

beforeAll(async () => {
  application = await startApplication();
  directory = await mkdtemp(join(tmpdir(), 'cufflink-events-'));
}, timeoutMs);
beforeEach(async () => {
  receiver = await WebhookReceiver.start();
  const response = await application.api
    .post('/v1/webhook-endpoints')
    .send({ url: receiver.url, event_types: ['connection.linked', 'connection.unlinked'] })
    .expect(201);
  ({ secret } = response.body as { secret: string });
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop('SIGKILL')));
  await receiver.stop();
});
afterAll(async () => {
  await application.close();
  await rm(directory, { recursive: true });
});

/** Starts a worker process of the built program on the same database. */
async function startWorker(): Promise<ServiceProcess> {
  const worker = startProcess([join(checkout, 'dist/main.js'), 'worker'], directory, {
    NODE_ENV: 'test',
    PORT: String(await findFreePort()),
    DATABASE_URL: application.databaseUrl,
    ENCRYPTION_ROOT_KEY: application.rootKey,
    SANDBOX_URL: application.sandbox.url,
  });
  workers.push(worker);
  await worker.waitFor('Listening on');
  return worker;
}

/** Lets the time pass after which a delivery counts as lost with its process. */
async function expireDeliveries(): Promise<void> {
  await queryDatabase(
    application.databaseUrl,
    `UPDATE cufflink_jobs.job SET started_on = started_on - interval '5 minutes' WHERE state = 'active'`,
  );
}

const receivedIds = (): Set<string> => new Set(receiver.received.map(({ headers }) => String(headers['webhook-id'])));

describe('kill -9', () => {
  it(
    'between a change and its delivery loses no event, whether the event was not sent yet or the response was lost',
    async () => {
      const start = (await readEvents(application, { limit: '1000' })).next_cursor;
      // The first worker gets no response, and dies while it waits.
      receiver.respond = () => undefined;
      const victim = await startWorker();
      const subject = await Subject.link(application, 'whoop');
      await until('the first delivery is under way', () => receiver.received.length > 0, waitMs);
      const access = await subject.token();
      const { refreshToken = '' } = await subject.stored();
      await victim.stop('SIGKILL');
      // Changes while no worker runs.
      await linkAccount(application, 'crash-1', 'oura');
      await subject.unlink().expect(200);

      receiver.respond = (response) => response.writeHead(204).end();
      await expireDeliveries();
      await startWorker();
      const wanted = await readEvents(application, { after: start, types: 'connection.linked,connection.unlinked' });
      expect(wanted.events.map(({ type }) => type)).toEqual([
        'connection.linked',
        'connection.linked',
        'connection.unlinked',
      ]);
      await until(
        'every event is delivered',
        () => wanted.events.every(({ id }) => receivedIds().has(id)) && receiver.received.length > wanted.events.length,
        waitMs,
      );
      // At least once: the first one twice, with the same content and a valid signature each time.
      const delivered = receiver.verifyAll(secret);
      expect(new Set(delivered.map((event) => JSON.stringify(event)))).toEqual(
        new Set(wanted.events.map((event) => JSON.stringify(event))),
      );
      const search = new SecretSearch([
        { kind: 'access token', value: access },
        { kind: 'refresh token', value: refreshToken },
        { kind: 'signing secret', value: secret },
      ]);
      expect(search.find(receiver.received.map(({ body }) => body).join('\n'))).toEqual([]);
    },
    timeoutMs,
  );
});
