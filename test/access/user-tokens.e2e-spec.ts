import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Test } from 'supertest';
import { RefusalRecorder } from '../../src/audit/refusal-recorder.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { CompanyLogin } from '../support/company-login.js';
import { linkAccount, pathOf } from '../support/linking.js';
import { queryDatabase } from '../support/test-database.js';

describe('a user with a token of the company', () => {
  let login: CompanyLogin;
  let application: TestApplication;
  let token: string;

  beforeAll(async () => {
    login = await CompanyLogin.start();
    application = await startApplication({ environment: login.environment });
    token = await login.tokenFor('user-1');
    await linkAccount(application, 'user-2', 'whoop');
  });
  afterAll(async () => {
    await application.close();
    await login.stop();
  });

  type Method = 'get' | 'post' | 'delete';
  const call = (method: Method, path: string, as = token): Test =>
    application.browser[method](path).set('authorization', `Bearer ${as}`);

  it('links, lists, sees and ends connections of their own', async () => {
    const start = await call('post', '/v1/users/user-1/connections/whoop/link').send({}).expect(201);
    const { link_web_url: linkWebUrl } = start.body as { link_web_url: string };
    await application.browser.get(pathOf(await consent(linkWebUrl))).expect(200);
    const list = await call('get', '/v1/users/user-1/connections').expect(200);
    expect(list.body).toMatchObject({ connections: [{ provider: 'whoop', user_id: 'user-1' }] });
    await call('get', '/v1/users/user-1/connections/whoop').expect(200);
    await call('delete', '/v1/users/user-1/connections/whoop').expect(200);
    await call('get', '/v1/users/user-1/connections/whoop').expect(404);
  });

  it('gets no token, refreshes nothing, erases nobody and operates nothing, which a key may (TE-07)', async () => {
    await linkAccount(application, 'user-1', 'oura');
    const refused: [Method, string][] = [
      ['get', '/v1/users/user-1/connections/oura/token'],
      ['post', '/v1/users/user-1/connections/oura/refresh'],
      ['delete', '/v1/users/user-1'],
      ['get', '/metrics'],
    ];
    for (const [method, path] of refused) {
      const response = await call(method, path).expect(403);
      expect(response.body).toMatchObject({ code: 'ACCESS_DENIED' });
      expect(response.text).not.toContain('access_token');
    }
    await application.api.get('/v1/users/user-1/connections/oura/token').expect(200);
  });

  it('gets the same response for another user, whether that user exists or not (TE-08)', async () => {
    const users = ['user-2', 'nobody', 'user-1%00', 'user-1%20', 'User-1', '%75ser-2', 'user-1/../user-2'];
    const calls: [Method, string][] = [
      ['get', ''],
      ['get', '/whoop'],
      ['delete', '/whoop'],
      ['post', '/whoop/link'],
      ['get', '/nothing'],
    ];
    const bodies = new Set<string>();
    for (const user of users) {
      for (const [method, rest] of calls) {
        const response = await call(method, `/v1/users/${user}/connections${rest}`);
        if (response.status !== 404) {
          bodies.add(JSON.stringify({ ...(response.body as object), request_id: '' }));
        } else {
          expect(response.body).toMatchObject({ code: 'ROUTE_NOT_FOUND' });
        }
      }
    }
    expect([...bodies].map((body) => JSON.parse(body) as object)).toMatchObject([{ code: 'ACCESS_DENIED' }]);
    await application.api.get('/v1/users/user-2/connections/whoop/token').expect(200);
  });

  it('leaves entries of denials, and does not fill the audit trail with them (AR-25, TE-08)', async () => {
    const countDenials = async (): Promise<{ entries: number; calls: number } | undefined> => {
      await application.app.get(RefusalRecorder).flush();
      const sql = `SELECT count(*)::int AS entries, coalesce(sum(coalesce(substring(subject FROM '^calls:(.*)')::int, 1)), 0)::int AS calls
        FROM audit_entries WHERE action = 'access.denied' AND actor = 'user'`;
      return (await queryDatabase<{ entries: number; calls: number }>(application.databaseUrl, sql))[0];
    };
    const pester = async (as: string, calls: number): Promise<void> => {
      for (let left = calls; left > 0; left -= 20) {
        await Promise.all(
          Array.from({ length: 20 }, () => call('get', '/v1/users/user-2/connections', as).expect(403)),
        );
      }
    };
    const before = await countDenials();
    await pester(await login.tokenFor('user-3'), 400);
    await pester(await login.tokenFor('user-4'), 20);
    const after = await countDenials();

    expect((after?.calls ?? 0) - (before?.calls ?? 0)).toBe(420);
    // Five of each user and a summary, of each minute that this takes.
    expect((after?.entries ?? 0) - (before?.entries ?? 0)).toBeLessThanOrEqual(33);
  });

  it('is nobody once the token has expired', async () => {
    const expired = await call('get', '/v1/users/user-1/connections', await login.tokenFor('user-1', -60)).expect(401);
    expect(expired.body).toMatchObject({ code: 'USER_TOKEN_INVALID', act: 'caller' });
    expect(expired.headers['www-authenticate']).toBe('Bearer');
  });

  it('is nobody where the deployment does not accept users', async () => {
    const without = await startApplication();
    try {
      const path = '/v1/users/user-1/connections';
      const response = await without.browser.get(path).set('authorization', `Bearer ${token}`).expect(401);
      expect(response.body).toMatchObject({ code: 'API_KEY_INVALID' });
    } finally {
      await without.close();
    }
  });
});
