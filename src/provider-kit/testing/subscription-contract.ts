import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../clock/clock.js';
import type { FakeProvider } from '../../sandbox/fake-provider.js';
import type { Notifications } from '../definition/notifications.js';
import { Secret } from '../definition/secret.js';
import type { ApiSubscriptions } from '../definition/subscriptions.js';
import type { GrantTokens, HealthProvider } from '../health-provider.js';
import { ProviderHttpClient } from '../http/http-client.js';
import { findHandshake, respondToHandshake } from '../notifications/handshakes.js';
import {
  SubscriptionClient,
  type Subscribable,
  type SubscriptionReport,
} from '../notifications/subscription-client.js';

/** The part of the contract's bench that the cases about subscriptions need. */
export interface SubscriptionBench {
  readonly fake: FakeProvider;
  provider(): HealthProvider;
  link(options: { readonly account: string }): Promise<GrantTokens>;
}

const dayMs = 86_400_000;

/**
 * The contract of an API of subscriptions: the fake accepts the calls of the definition, and our hook responds to the
 * fake's check.
 */
export function describeSubscriptions(
  { channels }: Notifications,
  api: ApiSubscriptions,
  bench: SubscriptionBench,
): void {
  describe('subscriptions', () => {
    const http = new ProviderHttpClient();
    const clock = new MovableClock();
    const client = new SubscriptionClient(http, clock);
    let hook: Server;
    let tokens: GrantTokens | undefined;
    let secrets: string[] = [];

    beforeAll(async () => {
      hook = createServer((request, response) => {
        void respond(bench.provider(), channels, request).then(({ status, body }) => {
          response.writeHead(status).end(body === undefined ? '' : JSON.stringify(body));
        });
      });
      hook.listen(0, '127.0.0.1');
      await once(hook, 'listening');
      const granted = api.scope === 'user' ? await bench.link({ account: '70017003' }) : undefined;
      tokens = granted && { ...granted, scopes: bench.provider().definition.defaultScopes };
    });
    beforeEach(() => {
      secrets = [];
      clock.aheadMs = 0;
    });
    afterAll(async () => {
      hook.close();
      await http.onApplicationShutdown();
    });

    it('are created once, each with a check of our URL', async () => {
      const first = await ensure(providerAt('hooks'));
      expect(first).toMatchObject({ wanted: api.topics.length, active: api.topics.length, isBlocked: false });
      expect(first.failure).toBeUndefined();
      expect(secrets).toHaveLength(api.response.secret === undefined ? 0 : 1);
      const before = calls();
      const second = await ensure(providerAt('hooks'), true);
      // The list names the only subscription of an app. The response to its creation may name it too.
      expect(second).toEqual({ ...first, onlyId: api.isOnlyOne === true ? expect.any(String) : undefined });
      expect([undefined, second.onlyId]).toContain(first.onlyId);
      // One call lists them.
      expect(calls() - before).toBe(1);
    });

    it('are replaced when the URL has another path secret, and left alone at another URL', async () => {
      await ensure(providerAt('hooks'), true);
      const moved = await ensure(providerAt('hooks', 'not-a-real-path-secret'), true);
      expect(moved).toMatchObject({ active: api.topics.length, isBlocked: false });
      const other = await ensure(providerAt('hooks-of-another-deployment'), true);
      // An app with at most one subscription keeps the existing one.
      expect(other.isBlocked).toBe(api.isOnlyOne === true);
      const isShared = api.isOnlyOne !== true && api.scope === 'user';
      expect(other.active).toBe(isShared ? api.topics.length : 0);
      expect((await ensure(providerAt('hooks', 'not-a-real-path-secret'), true)).active).toBe(api.topics.length);
    });

    it('are not created when the check of the URL fails', async () => {
      await removeOurs(providerAt('hooks'));
      await removeOurs(providerAt('hooks-of-another-deployment'));
      const refused = await ensure(providerAt('wrong-hooks'));
      expect(refused).toMatchObject({ active: 0, isBlocked: false });
      expect(refused.failure).toMatchObject({ code: 'AUTHORIZATION_FAILED' });
      expect(secrets).toEqual([]);
    });

    it('are created again when the provider has lost them', async () => {
      expect((await ensure(providerAt('hooks'))).active).toBe(api.topics.length);
      await removeOurs(providerAt('hooks'));
      expect((await ensure(providerAt('hooks'), true)).active).toBe(api.topics.length);
    });

    if (api.renew !== undefined) {
      it('are renewed a week before they expire', async () => {
        const { expiresAt } = await ensure(providerAt('hooks'), true);
        clock.aheadMs = (expiresAt?.getTime() ?? 0) - Date.now() - 6 * dayMs;
        const before = calls();
        await ensure(providerAt('hooks'), true);
        expect(calls() - before).toBe(1 + api.topics.length);
      });
    }

    if (api.response.secret !== undefined) {
      it('are replaced when the secret of their signatures is not known', async () => {
        await ensure(providerAt('hooks'), true);
        expect(secrets).toEqual([]);
        expect(await ensure(providerAt('hooks'))).toMatchObject({ active: api.topics.length });
        expect(secrets).toEqual([expect.any(String)]);
      });
    }

    /** The provider under test, whose hook is below a path of the server of this contract. */
    function providerAt(path: string, pathSecret?: string): Subscribable {
      const { definition, settings } = bench.provider();
      const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/${path}`;
      const secret = pathSecret === undefined ? undefined : new Secret(pathSecret);
      const notifications = { ...settings.notifications, url, pathSecret: secret };
      return { definition, settings: { ...settings, notifications } };
    }

    function ensure(provider: Subscribable, isKnown = false): Promise<SubscriptionReport> {
      const keep = (secret: string): Promise<void> => {
        secrets.push(secret);
        return Promise.resolve();
      };
      return client.ensure(provider, tokens, { isKnown, keep });
    }

    async function removeOurs(provider: Subscribable): Promise<void> {
      await client.removeAll(provider, tokens ?? { accessToken: '' });
    }

    function calls(): number {
      return bench.fake.history.filter(({ kind }) => kind === 'endpoint').length;
    }
  });
}

class MovableClock extends Clock {
  aheadMs = 0;

  override now(): Date {
    return new Date(Date.now() + this.aheadMs);
  }
}

/** Responds as the hook of the service does; below `/wrong-hooks` as that of somebody else. */
async function respond(
  provider: HealthProvider,
  channels: Notifications['channels'],
  request: IncomingMessage,
): Promise<{ readonly status: number; readonly body?: Readonly<Record<string, string>> }> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://hook.example');
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
  }
  const method = request.method as 'GET' | 'HEAD' | 'POST';
  const received = { method, query: Object.fromEntries(searchParams), headers: {}, body: Buffer.concat(chunks) };
  const handshake = findHandshake(channels, received);
  return handshake === undefined || pathname.startsWith('/wrong-hooks')
    ? { status: 404 }
    : respondToHandshake(provider, handshake, received);
}
