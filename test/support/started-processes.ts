import { chmod, mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import { request } from '../../src/sandbox/testing/request.js';
import type { ServiceProcess } from './service-process.js';

/** Kills the processes of each test around it. Returns the function that registers a process. */
export function useProcesses(): (service: ServiceProcess) => ServiceProcess {
  const processes: ServiceProcess[] = [];
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((each) => each.stop('SIGKILL')));
  });
  return (service) => {
    processes.push(service);
    return service;
  };
}

/** A directory that PostgreSQL's own user can enter when we are root. */
export async function makeReachableDirectory(): Promise<string> {
  const path = await mkdtemp(join(await realpath(tmpdir()), 'cufflink-start-'));
  await chmod(path, 0o755);
  return path;
}

/** Calls a process. Returns status and JSON body. */
export async function call(
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  key?: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const { statusCode, body } = await request(url, { method, headers });
  return { status: statusCode, body: (await body.json()) as Record<string, unknown> };
}

/** The status of a GET. */
export async function statusOf(url: string): Promise<number> {
  const { statusCode, body } = await request(url);
  await body.dump();
  return statusCode;
}
