import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Response } from 'supertest';
import { Database } from '../../src/database/database.js';
import type { ErrorCode } from '../../src/errors/error-code.js';
import { KeyRing } from '../../src/vault/key-ring.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { bodyOf, expectProblem } from '../support/problems.js';
import { stopClock } from '../support/stopped-clock.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { createTestDatabase, queryDatabase } from '../support/test-database.js';

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

/** A problem with the parts of the readiness beside it. */
function expectNotReady(response: Response, code: ErrorCode, part: string): void {
  const { checks, version, ...body } = response.body as Record<string, unknown>;
  expectProblem({ ...response, status: response.status, headers: response.headers, body } as Response, 503, code);
  expect({ checks, version }).toMatchObject({ checks: { [part]: { status: 'failed' } }, version: expect.any(String) });
}

describe('/health/ready', () => {
  it('queries the database at most once a second, for any number of calls', async () => {
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
    expectNotReady(await ready(), 'DATABASE_UNAVAILABLE', 'database');
    expectNotReady(await ready(), 'DATABASE_UNAVAILABLE', 'database');
    proxy.mend();
    clock.advance(1_000);
    await ready().expect(200);
    expect(pings()).toBe(3);
  });

  it('reports each part, and the version', async () => {
    stopClock().advance(300_000);
    const response = await ready().expect(200);

    expect(bodyOf(response)).toEqual({
      status: 'ok',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      checks: {
        process: { status: 'ok' },
        database: { status: 'ok' },
        migrations: { status: 'ok' },
        keys: { status: 'ok' },
        journal: { status: 'ok', detail: 'REFRESH_JOURNAL_DIRECTORY is not set' },
      },
    });
  });

  it('is 503 with the failed part while no key can be used', async () => {
    stopClock().advance(600_000);
    jest.spyOn(application.app.get(KeyRing), 'usableKids').mockReturnValue([]);

    const response = await ready();

    expectNotReady(response, 'KEY_UNAVAILABLE', 'keys');
    expect(response.body).toMatchObject({ checks: { database: { status: 'ok' } } });
  });

  it('is 503 while migrations of this version are pending, and ignores those of a later one', async () => {
    const databaseUrl = await createTestDatabase();
    const fresh = await startApplication({ databaseUrl });
    try {
      await queryDatabase(databaseUrl, `INSERT INTO migrations (timestamp, name) VALUES (1, 'OfALaterVersion')`);
      const [last] = await queryDatabase<{ id: number; timestamp: string; name: string }>(
        databaseUrl,
        `DELETE FROM migrations WHERE id = (SELECT max(id) - 1 FROM migrations) RETURNING id, timestamp, name`,
      );
      const response = await fresh.browser.get('/health/ready');
      expectNotReady(response, 'NOT_READY', 'migrations');

      await queryDatabase(databaseUrl, `INSERT INTO migrations (timestamp, name) VALUES ($1, $2)`, [
        last?.timestamp,
        last?.name,
      ]);
      await fresh.browser.get('/health/ready').expect(200);
    } finally {
      await fresh.close();
    }
  });

  it('stays 200 while the journal directory cannot be written, and says so', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cufflink-ready-'));
    const withJournal = await startApplication({ environment: { REFRESH_JOURNAL_DIRECTORY: directory } });
    try {
      await rm(directory, { recursive: true });
      const response = await withJournal.browser.get('/health/ready').expect(200);
      expect(bodyOf(response)).toMatchObject({ checks: { journal: { status: 'degraded' } } });
    } finally {
      await withJournal.close();
    }
  });
});
