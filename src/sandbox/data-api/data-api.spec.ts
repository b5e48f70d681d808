import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { call, json, OAuth2Driver, sha256, startSandbox } from '../testing/sandbox-driver.js';
import { plainDefinition } from '../testing/plain-definition.js';
import type { VendorSandbox } from '../vendor-sandbox.js';

const definition: OAuth2SandboxDefinition = {
  ...plainDefinition,
  account: { path: '/api/me', respond: (accountId) => ({ id: accountId }) },
  apiBasePath: '/api',
  apiPath: '/api/data',
};

let sandbox: VendorSandbox;

beforeAll(async () => {
  ({ sandbox } = await startSandbox({
    plain: definition,
    keyed: { ...definition, apiHeaders: ['X-Subscription-Key'] },
    query: { ...definition, apiTokenParameter: 'token' },
  }));
});
afterAll(() => sandbox.stop());

async function linked(slug: string): Promise<{ url: string; authorization: string; token: string }> {
  const fake = sandbox.provider(slug);
  const { accessToken: token } = await new OAuth2Driver(fake).link({ account: '7' });
  return { url: fake.url, authorization: `Bearer ${token}`, token };
}

describe('the data API of a fake', () => {
  it('returns the received request at any path below its base, by any method, without credentials', async () => {
    const { url, authorization } = await linked('plain');
    const headers = { authorization, 'content-type': 'text/plain', 'x-sent': '1' };
    const response = await call('PATCH', `${url}/api/a%2Fb/c?d=%20&d=+`, { headers, body: 'ü' });
    expect(json(response)).toEqual({
      ok: true,
      account_id: '7',
      note: expect.stringContaining('sandbox, not the provider'),
      received: {
        method: 'PATCH',
        path: '/api/a%2Fb/c',
        query: 'd=%20&d=+',
        headers: { 'content-type': 'text/plain', 'x-sent': '1' },
        body_bytes: 2,
        body_sha256: sha256('ü'),
      },
    });
    expect(response.text).not.toContain(authorization);
  });

  it('leaves the other endpoints of the provider theirs, and has nothing elsewhere', async () => {
    const { url, authorization } = await linked('plain');
    expect(json(await call('GET', `${url}/api/me`, { headers: { authorization } }))).toEqual({ id: '7' });
    for (const path of ['/apis/data', '/api', '/other']) {
      expect((await call('GET', url + path, { headers: { authorization } })).status).toBe(404);
    }
  });

  it('refuses a token that it has not issued', async () => {
    const { url } = await linked('plain');
    expect((await call('GET', `${url}/api/a`)).status).toBe(401);
    expect((await call('GET', `${url}/api/a`, { headers: { authorization: 'Bearer other' } })).status).toBe(401);
  });

  it('refuses a call without a required header, and does not show the header', async () => {
    const { url, authorization } = await linked('keyed');
    const refused = await call('GET', `${url}/api/a`, { headers: { authorization } });
    expect([refused.status, json(refused)['error_description']]).toEqual([
      401,
      'the header X-Subscription-Key is missing',
    ]);
    const taken = await call('GET', `${url}/api/a`, { headers: { authorization, 'x-subscription-key': 'key-1' } });
    expect(taken.status).toBe(200);
    expect(taken.text).not.toContain('key-1');
  });

  it('does not log a token in the query', async () => {
    const { url, token } = await linked('query');
    const response = await call('GET', `${url}/api/a?b=1&token=${encodeURIComponent(token)}`);
    expect(json(response)).toMatchObject({ received: { query: 'b=1' } });
  });
});
