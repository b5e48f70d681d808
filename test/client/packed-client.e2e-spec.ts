import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { transform } from '@swc/core';
import { Webhook } from 'standardwebhooks';
import { BackgroundJobs } from '../../src/clock/background-jobs.js';
import { findFreePort } from '../../src/development/free-port.js';
import { exampleEvent } from '../../src/events/event-schema.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { type ClientProject, installPackedClient } from '../support/client-project.js';
import { linkAccount, pathOf } from '../support/linking.js';
import { checkout, startProcess, type ServiceProcess } from '../support/service-process.js';
import { at, Subject } from '../support/subject.js';
import { until } from '../support/until.js';

const run = promisify(execFile);
const secret = 'whsec_QW5FeGFtcGxlU2VjcmV0T2ZUaGlydHlUd29CeXRlcyE=';
/** Compilers and npm take seconds of processor time, and machines that run tests have other things to do. */
const slowStepMs = 600_000;
/** Packages of the checkout that consumers and examples need beside the client. */
const frameworks = [
  'express',
  'reflect-metadata',
  'rxjs',
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/platform-fastify',
  '@types/node',
  'typescript',
];

/** After a refusal, the time until the second one that ends a connection. */
const confirmationSeconds = 75 * 60;
const refused = at({ type: 'error', error: 'invalid_grant', status: 400 });

let application: TestApplication;
let project: ClientProject;
let port: string;
let origin: string;
let example: ServiceProcess | undefined;

beforeAll(async () => {
  port = String(await findFreePort());
  origin = `http://localhost:${port}`;
  application = await startApplication({ environment: { RETURN_URLS: `${origin}/devices/return` } });
  application.app.get(BackgroundJobs, { strict: false }).startWorkers();
  project = await installPackedClient(frameworks);
  await compileExamples();
  await linkAccount(application, 'consumer', 'whoop');
  await linkAccount(application, 'consumer', 'garmin-oauth1');
}, slowStepMs);
afterEach(async () => {
  await example?.stop('SIGKILL');
  example = undefined;
});
afterAll(async () => {
  await application.close();
  await project.remove();
});

/** Compiles the examples as they are, beside the packed client. */
async function compileExamples(): Promise<void> {
  const options = JSON.parse(await readFile(join(checkout, '.swcrc'), 'utf8')) as object;
  await mkdir(join(project.directory, 'examples'));
  for (const name of await sources()) {
    const { code } = await transform(await readFile(join(checkout, 'examples', name), 'utf8'), {
      ...options,
      sourceMaps: false,
      swcrc: false,
    });
    await writeFile(join(project.directory, 'examples', name.replace(/\.ts$/, '.js')), code);
  }
}

async function sources(): Promise<string[]> {
  return (await readdir(join(checkout, 'examples'))).filter((name) => name.endsWith('.ts'));
}

async function start(name: string, environment: Record<string, string> = {}): Promise<ServiceProcess> {
  example = startProcess([join(project.directory, 'examples', `${name}.js`)], project.directory, {
    CUFFLINK_URL: await application.app.getUrl(),
    CUFFLINK_API_KEY: await application.createKey('links:write', 'connections:read', 'fleet:read', 'tokens:sign'),
    PORT: port,
    ...environment,
  });
  return example;
}

/** A call of a browser at the example. It follows no redirect. */
async function visit(path: string, cookie: string, init: RequestInit = {}): Promise<Response> {
  const headers = { cookie, origin, 'content-type': 'application/x-www-form-urlencoded' };
  return fetch(new URL(path, origin), { redirect: 'manual', headers, ...init });
}

function locationOf(response: Response): string {
  const location = response.headers.get('location');
  if (response.status !== 303 || location === null) {
    throw new Error(`The example responded with ${response.status} and no redirect.`);
  }
  return location;
}

/** Starts a link at the example, approves it, and returns the URL at which the browser comes back to the example. */
async function approve(cookie: string, account: string): Promise<string> {
  const link = locationOf(await visit('/devices/whoop', cookie, { method: 'POST' }));
  const callback = await consent(link, { account });
  const returned = await application.browser.get(pathOf(callback)).expect(303);
  return String(returned.headers['location']);
}

async function connectionsOf(user: string): Promise<string[]> {
  const response = await application.api.get(`/v1/users/${user}/connections`).expect(200);
  return (response.body as { connections: { provider: string }[] }).connections.map(({ provider }) => provider);
}

/** A user whose connection has ended: the provider has refused the refresh token twice. */
async function linkAndEnd(): Promise<string> {
  const subject = await Subject.link(application, 'whoop');
  subject.fake.misbehave(refused, 2);
  await subject.refresh();
  await subject.passInDatabase(confirmationSeconds);
  await subject.refresh();
  await until('the connection has ended', async () => {
    const response = await application.api.get(`/v1/users/${subject.userId}/connections/whoop`).expect(200);
    return (response.body as { needs_relink: boolean }).needs_relink;
  });
  return subject.userId;
}

/** Puts one program into the project twice: as an ES module and as CommonJS. */
async function copyConsumers(): Promise<void> {
  for (const name of ['consumer.mts', 'consumer.cts']) {
    await copyFile(join(checkout, 'test/client/consumers/consumer.mts'), join(project.directory, name));
  }
  const options = { module: 'nodenext', target: 'es2022', lib: ['es2023', 'dom', 'dom.iterable'], types: ['node'] };
  const compilerOptions = { ...options, strict: true, skipLibCheck: true, outDir: 'out' };
  await writeFile(join(project.directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.?ts'] }));
}

describe('the packed client in a project of its own', () => {
  it(
    'has types that say which calls are wrong, for ES modules and for CommonJS',
    async () => {
      await copyConsumers();
      const compiler = join(project.directory, 'node_modules/typescript/bin/tsc');
      const compiled = await run(process.execPath, [compiler], { cwd: project.directory }).catch(
        (error: unknown) => error,
      );
      expect((compiled as { stdout: string }).stdout).toBe('');
    },
    slowStepMs,
  );

  it.each(['out/consumer.mjs', 'out/consumer.cjs'])('makes calls from %s', async (file) => {
    const body = JSON.stringify(exampleEvent('connection.needs_relink'));
    const now = new Date();
    const { stdout } = await run(process.execPath, [file], {
      cwd: project.directory,
      env: {
        CUFFLINK_URL: await application.app.getUrl(),
        CUFFLINK_API_KEY: await application.createKey('connections:read', 'tokens:read', 'tokens:sign'),
        SECRET: secret,
        BODY: body,
        ID: 'event-1',
        TIMESTAMP: String(Math.floor(now.getTime() / 1_000)),
        SIGNATURE: new Webhook(secret).sign('event-1', now, body),
      },
    });
    const path: unknown = expect.stringMatching(/\/activity\/sleep$/);
    const received = { method: 'GET', path, query: 'limit=1' };
    expect(JSON.parse(stdout)).toEqual({
      hasProviders: true,
      connected: ['garmin-oauth1 active', 'whoop active'],
      types: ['bearer', 'oauth1'],
      texts: [true, true],
      called: expect.objectContaining(received) as unknown,
      generated: expect.objectContaining(received) as unknown,
      code: 'CONNECTION_NOT_FOUND',
      reason: 'grant_refused',
      nest: 'function',
    });
  });

  it('is small: less than 64 KiB to download', async () => {
    expect((await stat(project.tarball)).size).toBeLessThan(64 * 1024);
  });
});

describe('the examples', () => {
  it('have fewer than 150 lines each, and all of them are run here', async () => {
    const names = await sources();
    expect(names.sort()).toEqual([
      'event-receiver.ts',
      'express-confirmation.ts',
      'nest-application.ts',
      'nightly-job.ts',
    ]);
    for (const name of names) {
      const text = await readFile(join(checkout, 'examples', name), 'utf8');
      expect([name, text.split('\n').length < 150]).toEqual([name, true]);
    }
  });
});

describe('the Nest application', () => {
  it('links, confirms for the signed-in user, and reads', async () => {
    await (await start('nest-application')).waitFor('Listening');
    const [anna, ben] = ['example-user=nest-anna', 'example-user=nest-ben'];
    expect((await visit('/devices/whoop/cycles', anna)).status).toBe(409);
    expect((await visit('/devices/whoop', '', { method: 'POST' })).status).toBe(401);

    const back = await approve(anna, '7001');
    expect(await (await visit(back, anna)).json()).toMatchObject({ status: 'connected', provider: 'whoop' });
    const cycles = (await (await visit('/devices/whoop/cycles', anna)).json()) as { received: object };
    expect(cycles.received).toMatchObject({ method: 'GET', query: 'limit=10' });

    expect((await visit(await approve(anna, '7002'), ben)).status).toBe(403);
    expect(await connectionsOf('nest-ben')).toEqual([]);
  });
});

describe('the Express application', () => {
  async function signIn(user: string): Promise<string> {
    const response = await visit('/sign-in', '', { method: 'POST', body: `user=${user}` });
    return response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  }

  it('connects the device of the signed-in user, and keeps the code out of the history', async () => {
    await (await start('express-confirmation')).waitFor('Open');
    const cookie = await signIn('express-anna');
    const back = await approve(cookie, '7003');
    expect(back).toContain('confirmation_code=');
    const response = await visit(back, cookie);
    expect(locationOf(response)).toBe('/devices?result=connected');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(await connectionsOf('express-anna')).toEqual(['whoop']);
    expect(await (await visit('/devices?result=connected', cookie)).text()).toContain(
      '<p>Your device is connected.</p><ul><li>whoop</li></ul>',
    );
  });

  it("connects nothing for a user who has opened another user's link", async () => {
    await (await start('express-confirmation')).waitFor('Open');
    const [attacker, victim] = [await signIn('express-attacker'), await signIn('express-victim')];
    // The victim approves at the provider, and returns in a browser where the victim is signed in.
    const back = await approve(attacker, '7004');
    expect(locationOf(await visit(back, victim))).toBe('/devices?result=LINK_USER_MISMATCH');
    // Neither can the attacker use the code, if they learn it.
    expect(locationOf(await visit(back, attacker))).not.toContain('connected');
    expect([...(await connectionsOf('express-attacker')), ...(await connectionsOf('express-victim'))]).toEqual([]);
  });

  it('starts no link for a form of another site, and none without a session', async () => {
    await (await start('express-confirmation')).waitFor('Open');
    const headers = { cookie: await signIn('express-carl'), origin: 'https://evil.example' };
    expect((await visit('/devices/whoop', '', { method: 'POST', headers })).status).toBe(403);
    expect((await visit('/devices/whoop', 'session=unknown', { method: 'POST' })).status).toBe(401);
  });
});

describe('the receiver of events', () => {
  it('takes each event once, and refuses unsigned ones', async () => {
    const endpoint = await application.api
      .post('/v1/webhook-endpoints')
      .send({ url: `${origin}/events` })
      .expect(201);
    const { secret: CUFFLINK_WEBHOOK_SECRET } = endpoint.body as { secret: string };
    const receiver = await start('event-receiver', { CUFFLINK_WEBHOOK_SECRET });
    await receiver.waitFor('Listening');
    const forged = await fetch(`${origin}/events`, { method: 'POST', body: '{"id":"1","type":"data.available"}' });
    expect(forged.status).toBe(401);

    const user = await linkAndEnd();
    const line = `${user} must link whoop again: grant_refused`;
    await until('the receiver has the event', () => receiver.stdout().includes(line));
  });
});

describe('the nightly job', () => {
  it('reads every connection, and reports those that the user must link again', async () => {
    await linkAccount(application, 'night-anna', 'whoop');
    await linkAccount(application, 'night-anna', 'garmin');
    await linkAccount(application, 'night-ben', 'whoop');
    const ended = await linkAndEnd();
    const job = await start('nightly-job');
    expect(await job.ended()).toMatchObject({ status: 0 });
    // Users of other tests are read too.
    const { read, relink, failed } = JSON.parse(job.stdout()) as { read: number; relink: string[]; failed: string[] };
    expect(read).toBeGreaterThanOrEqual(2);
    expect(relink).toContain(`${ended}/whoop`);
    expect(failed).toEqual([]);
  });

  it('ends with status 1 if a call failed for another reason, and names the party that must act', async () => {
    await linkAccount(application, 'night-carl', 'whoop');
    const CUFFLINK_API_KEY = await application.createKey('fleet:read');
    const job = await start('nightly-job', { CUFFLINK_API_KEY });
    expect(await job.ended()).toMatchObject({ status: 1 });
    expect(job.stdout()).toContain('night-carl/whoop: SCOPE_MISSING, caller must act');
  });
});
