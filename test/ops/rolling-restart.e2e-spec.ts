import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../src/development/free-port.js';
import { runMigrationCommand } from '../support/migration-command.js';
import { ReadyProxy } from '../support/ready-proxy.js';
import {
  checkout,
  startProcess,
  startService,
  type ServiceProcess,
  waitUntilReady,
} from '../support/service-process.js';
import { createTestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const callers = 8;

/** Two replicas of the built service behind a load balancer that checks their readiness. */
describe('a rolling restart', () => {
  let folder: string;
  let environment: Record<string, string>;
  let urls: string[];
  let replicas: ServiceProcess[];
  let proxy: ReadyProxy;
  let key: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cufflink-rolling-'));
    const databaseUrl = await createTestDatabase();
    await runMigrationCommand(['migration:run'], databaseUrl);
    environment = {
      NODE_ENV: 'production',
      DATABASE_URL: databaseUrl,
      PUBLIC_URL: 'https://link.example.com',
      RETURN_URLS: 'https://app.example.com/devices',
      ENCRYPTION_ROOT_KEY: randomBytes(32).toString('base64'),
      LOG_LEVEL: 'warn',
      DRAIN_SECONDS: '3',
    };
    const ports = [await findFreePort(), await findFreePort()];
    urls = ports.map((port) => `http://127.0.0.1:${port}`);
    replicas = urls.map((_, at) => start(at));
    await Promise.all(replicas.map((replica, at) => waitUntilReady(replica, String(urls[at]))));
    const command = [join(checkout, 'bin/cufflink.js'), 'api-keys', 'create', '--name', 'load'];
    const creation = startProcess([...command, '--scopes', 'connections:read'], folder, environment);
    await creation.ended();
    key = creation.stdout().trim();
    proxy = await ReadyProxy.start(urls);
  });

  afterAll(async () => {
    await proxy?.stop();
    await Promise.all((replicas ?? []).map((each) => each.stop('SIGKILL')));
    await rm(folder, { recursive: true, force: true });
  });

  function start(at: number, change: Record<string, string> = {}): ServiceProcess {
    return startService(folder, { ...environment, PORT: new URL(String(urls[at])).port, ...change });
  }

  /** Calls without a pause until the work is done. Returns how the calls ended, and the bodies of those that failed. */
  async function callDuring(work: () => Promise<void>): Promise<{ calls: number; failures: string[] }> {
    const failures: string[] = [];
    let calls = 0;
    let isDone = false;
    const loops = Array.from({ length: callers }, async () => {
      while (!isDone) {
        const response = await fetch(`${proxy.url}/v1/users/user-1/connections`, {
          headers: { authorization: `Bearer ${key}` },
        });
        const text = await response.text();
        calls += 1;
        if (response.status !== 200) {
          failures.push(`${response.status} ${text}`);
        }
      }
    });
    await work().finally(() => {
      isDone = true;
    });
    await Promise.all(loops);
    return { calls, failures };
  }

  async function restart(at: number, change: Record<string, string> = {}): Promise<void> {
    await replicas[at]?.stop('SIGTERM');
    const replica = start(at, change);
    replicas[at] = replica;
    await waitUntilReady(replica, String(urls[at]));
    await until('it is in rotation', () => proxy.inRotation.includes(String(urls[at])));
  }

  it('fails no call, and takes each replica out of rotation before its port closes (R-23)', async () => {
    const seen: number[] = [];
    const { calls, failures } = await callDuring(async () => {
      for (const at of urls.keys()) {
        const rotation = setInterval(() => seen.push(proxy.inRotation.length), 20);
        await restart(at).finally(() => clearInterval(rotation));
      }
    });

    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(200);
    expect(new Set(seen)).toEqual(new Set([1, 2]));
  });

  it('without the drain time fails calls (R-23)', async () => {
    await restart(0, { DRAIN_SECONDS: '0' });

    const { failures } = await callDuring(() => restart(0));

    expect(failures.length).toBeGreaterThan(0);
  });

  it('says why during the drain time, closes each connection after its call, and serves calls (R-23)', async () => {
    const [url] = urls;
    const stopped = replicas[0]?.stop('SIGTERM');
    await until('the replica is not ready', async () => (await fetch(`${url}/health/ready`)).status === 503);

    const ready = await fetch(`${url}/health/ready`);
    const call = await fetch(`${url}/v1/users/user-1/connections`, { headers: { authorization: `Bearer ${key}` } });
    const live = await fetch(`${url}/health/live`);

    expect(ready.headers.get('content-type')).toContain('application/problem+json');
    await expect(ready.json()).resolves.toMatchObject({
      code: 'NOT_READY',
      checks: { process: { status: 'failed' }, database: { status: 'ok' } },
    });
    expect(call.status).toBe(200);
    expect(call.headers.get('connection')).toBe('close');
    expect(live.status).toBe(200);
    await stopped;
  });
});
