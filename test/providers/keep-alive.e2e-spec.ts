import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TokenResponse } from '../../src/provider-kit/token-response.js';
import { ConnectionLinker } from '../../src/tokens/connection-linker.js';
import { TokensService } from '../../src/tokens/tokens.service.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { queryDatabase } from '../support/test-database.js';

/** More than the connections that are open to one origin at once, so that some are used again. */
const users = Array.from({ length: 90 }, (_, index) => `user-${index}`);

describe('a provider that breaks each connection when it is used again (R-24)', () => {
  let provider: Server;
  let application: TestApplication;
  /** Refresh tokens in the order of their arrival, and those that came on a used connection. */
  const received: string[] = [];
  const unanswered: string[] = [];

  beforeAll(async () => {
    const used = new WeakSet<Socket>();
    provider = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        const refreshToken = new URLSearchParams(body).get('refresh_token') ?? 'none';
        received.push(refreshToken);
        if (used.has(request.socket)) {
          unanswered.push(refreshToken);
          request.socket.resetAndDestroy();
          return;
        }
        used.add(request.socket);
        const tokens = { access_token: `next-${refreshToken}`, refresh_token: `new-${refreshToken}` };
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ token_type: 'bearer', expires_in: 3600, ...tokens }));
      });
    }).listen(0, '127.0.0.1');
    await once(provider, 'listening');
    application = await startApplication({
      environment: {
        WHOOP_CLIENT_ID: 'client',
        WHOOP_CLIENT_SECRET: 'not-a-real-secret',
        WHOOP_TOKEN_URL: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/token`,
      },
    });
  });
  afterAll(async () => {
    await application.close();
    provider.close();
    provider.closeAllConnections();
  });

  it('sees every refresh token once; those it did not respond to are in doubt, the others are stored', async () => {
    const tokens = application.app.get(TokensService, { strict: false });
    const linker = application.app.get(ConnectionLinker, { strict: false });
    for (const userId of users) {
      const link = { userId, provider: 'whoop', registrationId: 'whoop:test', scopes: [] };
      const grant = { accessToken: 'first', refreshToken: `of-${userId}`, expiresInSeconds: 3600 };
      await linker.connect(
        { ...link, onAccountChange: 'refuse' },
        new TokenResponse({ ...grant, requestedAt: application.clock.now() }),
      );
    }
    const outcomes = await Promise.allSettled(users.map((userId) => tokens.refreshNow(userId, 'whoop')));

    expect([...received].sort()).toEqual(users.map((userId) => `of-${userId}`).sort());
    expect(unanswered.length).toBeGreaterThan(0);
    const failed = users.filter((_, index) => outcomes[index]?.status === 'rejected');
    expect(failed.map((userId) => `of-${userId}`).sort()).toEqual([...unanswered].sort());
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject(
        outcome.status === 'rejected' ? { reason: { code: 'PROVIDER_UNAVAILABLE', fate: 'unknown' } } : {},
      );
    }
    const inDoubt = await queryDatabase<{ user_id: string; secret_gen: number }>(
      application.databaseUrl,
      'SELECT user_id, secret_gen FROM connections WHERE attempt_started_at IS NOT NULL ORDER BY user_id',
    );
    expect(inDoubt).toEqual([...failed].sort().map((userId) => ({ user_id: userId, secret_gen: 1 })));
  });
});
