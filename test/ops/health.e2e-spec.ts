import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { expectProblem } from '../support/problems.js';
import { stopClock } from '../support/stopped-clock.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { createTestDatabase } from '../support/test-database.js';

let proxy: TcpProxy;
let application: TestApplication;

beforeAll(async () => {
  const databaseUrl = await createTestDatabase();
  proxy = await TcpProxy.start(databaseUrl);
  application = await startApplication({ databaseUrl: proxy.through(databaseUrl) });
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(async () => {
  await application.close();
  await proxy.stop();
});

const ready = () => application.browser.get('/health/ready');

/** Returns how often the database has been asked whether it is there. */
function countPings(): () => number {
  const query = jest.spyOn(application.app.get(Database), 'query');
  return () => query.mock.calls.filter(([{ name }]) => name === 'ops-ping').length;
}

describe('/health/ready', () => {
  it('asks the database once a second, however often anybody calls it', async () => {
    const clock = stopClock();
    clock.advance(60_000);
    const pings = countPings();
    for (let call = 0; call < 20; call += 1) {
      await ready().expect(200);
    }
    await Promise.all(Array.from({ length: 20 }, () => ready().expect(200)));
    expect(pings()).toBe(1);

    clock.advance(1_000);
    await Promise.all(Array.from({ length: 20 }, () => ready().expect(200)));
    expect(pings()).toBe(2);
  });

  it('says within a second that the database is gone, and within a second that it is back', async () => {
    const clock = stopClock();
    clock.advance(120_000);
    const pings = countPings();
    await ready().expect(200);
    proxy.cut();
    clock.advance(1_000);
    expectProblem(await ready(), 503, 'DATABASE_UNAVAILABLE');
    expectProblem(await ready(), 503, 'DATABASE_UNAVAILABLE');
    proxy.mend();
    clock.advance(1_000);
    await ready().expect(200);
    expect(pings()).toBe(3);
  });
});
