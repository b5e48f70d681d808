import { afterEach, describe, expect, it } from '@jest/globals';
import { type CanActivate, type ExecutionContext, Injectable, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { AddressLimit } from '../../src/access/address-limit.hook.js';
import { RateLimits } from '../../src/access/rate-limits.js';
import { RateLimitsModule } from '../../src/access/rate-limits.module.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';

const perMinute = 10;
const attempts = 2 * perMinute;

/** Counts as this service must not: for a user whom a body names that nobody has checked. */
@Injectable()
class NamedUserGuard implements CanActivate {
  constructor(private readonly limits: RateLimits) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { method, params, body } = context.switchToHttp().getRequest<FastifyRequest>();
    const named =
      (params as { user_id?: string }).user_id ?? (body as { user_id?: unknown } | null | undefined)?.user_id;
    if (method !== 'GET' && typeof named === 'string') {
      await this.limits.countChange(named);
    }
    return true;
  }
}

@Module({ imports: [RateLimitsModule], providers: [{ provide: APP_GUARD, useClass: NamedUserGuard }] })
class NamedUserModule {}

let application: TestApplication;

afterEach(() => application.close());

async function start(defended: boolean): Promise<void> {
  application = await startApplication({
    environment: { RATE_LIMIT_USER_PER_MINUTE: String(perMinute) },
    ...(defended
      ? {}
      : {
          modules: [NamedUserModule],
          override: (builder) => builder.overrideProvider(AddressLimit).useValue({ install: () => undefined }),
        }),
  });
  await linkAccount(application, 'victim', 'whoop');
}

const bodies = [
  ['JSON', 'application/json', '{"user_id":"victim"}'],
  ['a form', 'application/x-www-form-urlencoded', 'user_id=victim'],
  ['text', 'text/plain', '{"user_id":"victim"}'],
  ['something else', 'application/x-user', '{"user_id":"victim"}'],
] as const;

/** Every route that takes a body from a stranger. */
const publicRoutes = ['/v1/oauth/whoop/callback', '/connect', '/connect/start'];

/** Returns the statuses of the five changes of a user by those who may make them. */
async function changeVictim(): Promise<Record<string, number>> {
  const connection = '/v1/users/victim/connections/whoop';
  const session = { user_id: 'victim' };
  return {
    refresh: (await application.api.post(`${connection}/refresh`)).status,
    session: (await application.api.post('/v1/link-sessions').send(session)).status,
    link: (await application.api.post(`${connection}/link`).send({})).status,
    unlink: (await application.api.delete(connection)).status,
    erasure: (await application.api.delete('/v1/users/victim')).status,
  };
}

const allDone = { refresh: 200, session: 201, link: 201, unlink: 200, erasure: 200 };

async function sendToPublicRoutes(): Promise<Set<string>> {
  const responses = new Set<string>();
  for (const route of publicRoutes) {
    for (const [name, type, body] of bodies) {
      for (let call = 0; call < attempts; call += 1) {
        const { status } = await application.browser.post(route).set('content-type', type).send(body);
        responses.add(`${name} ${status}`);
      }
    }
  }
  return responses;
}

async function confirmWrongly(): Promise<void> {
  const key = await application.createKey('links:write');
  for (let call = 0; call < attempts; call += 1) {
    await application.browser
      .post(`/v1/links/00000000-0000-4000-8000-000000000000/confirm`)
      .set('authorization', `Bearer ${key}`)
      .send({ user_id: 'victim', confirmation_code: 'x'.repeat(43) })
      .expect(403);
  }
}

describe('calls that name a user', () => {
  it('of strangers on every public route, with every kind of body, hold up no change of that user (AR-26)', async () => {
    await start(true);
    const responses = await sendToPublicRoutes();

    expect([...responses].sort()).toEqual(['JSON 415', 'a form 403', 'something else 415', 'text 415']);
    expect(await changeVictim()).toEqual(allDone);
  });

  it('of a key that confirms wrongly hold up no change of that user (AR-26)', async () => {
    await start(true);
    await confirmWrongly();

    expect(await changeVictim()).toEqual(allDone);
  });

  it('hold up even the erasure where they count for whom they name (AR-26)', async () => {
    await start(false);
    await sendToPublicRoutes();

    expect(Object.values(await changeVictim())).toEqual([429, 429, 429, 429, 429]);
  });

  it('of a key that may change the user use up their changes, and hold up neither unlink nor erasure (AR-26)', async () => {
    await start(true);
    const other = await application.createKey('links:write');
    const statuses = [];
    for (let call = 0; call < attempts; call += 1) {
      const link = application.browser.post('/v1/users/victim/connections/whoop/link');
      statuses.push((await link.set('authorization', `Bearer ${other}`).send({})).status);
    }

    expect(statuses.filter((status) => status === 201).length).toBeLessThanOrEqual(perMinute);
    expect(statuses.at(-1)).toBe(429);
    expect(await changeVictim()).toEqual({ ...allDone, refresh: 429, session: 429, link: 429 });
  });

  it('with a body that is refused count for nobody (AR-26)', async () => {
    await start(true);
    for (let call = 0; call < attempts; call += 1) {
      await application.api.post('/v1/link-sessions').send({ user_id: 'victim', return_url: 1 }).expect(400);
    }

    expect(await changeVictim()).toEqual(allDone);
  });
});
