import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { endMisbehavior } from '../support/fake-providers.js';
import { shiftExpiry } from '../support/link-rows.js';
import { approvedLink, newUser, pathOf, startLink } from '../support/linking.js';
import { expectProblem } from '../support/problems.js';

/** Headers that Chromium sends when somebody follows a link. */
const browserAccepts = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';
const company = { COMPANY_NAME: 'Stride & Co', COMPANY_URL: 'https://app.example.com/' };

let application: TestApplication;
beforeAll(async () => {
  application = await startApplication({ environment: { ...company, ACCOUNT_SHARING: 'deny' } });
});
afterEach(() => endMisbehavior(application));
afterAll(() => application.close());

function visit(path: string, accept = browserAccepts) {
  return application.browser.get(path).set('accept', accept);
}

/** Stops before the callback arrives. */
async function returning(slug: string, options: { account?: string; decision?: 'deny'; user?: string } = {}) {
  const { linkWebUrl, state } = await startLink(application, options.user ?? newUser(), slug);
  return { state, callback: pathOf(await consent(linkWebUrl, options)) };
}

describe('the page that a callback ends at', () => {
  it.each([
    [
      'success',
      200,
      undefined,
      'WHOOP is connected',
      async () => (await returning('whoop', { account: '71001' })).callback,
    ],
    [
      'denial',
      403,
      'AUTHORIZATION_DENIED',
      'You declined to share your data.',
      async () => (await returning('whoop', { decision: 'deny' })).callback,
    ],
    [
      'an account that another user has connected',
      409,
      'ACCOUNT_ALREADY_LINKED',
      'Another user of the application has already connected this account.',
      async () => {
        await visit((await returning('whoop', { account: '71002' })).callback).expect(200);
        return (await returning('whoop', { account: '71002' })).callback;
      },
    ],
    [
      'another account than before',
      409,
      'ACCOUNT_CHANGED',
      'You signed in with another account than before.',
      async () => {
        const user = newUser();
        await visit((await returning('whoop', { account: '71003', user })).callback).expect(200);
        return (await returning('whoop', { account: '71004', user })).callback;
      },
    ],
    [
      'a link that was used',
      403,
      'AUTHORIZATION_STATE_INVALID',
      'This link no longer works',
      async () => {
        const { callback } = await returning('whoop', { account: '71005' });
        await visit(callback).expect(200);
        return callback;
      },
    ],
    [
      'a link that has expired',
      403,
      'AUTHORIZATION_STATE_INVALID',
      'This link no longer works',
      async () => {
        const { callback, state } = await returning('whoop');
        await shiftExpiry(application, state, 601);
        return callback;
      },
    ],
    [
      'an outage of the provider',
      503,
      'PROVIDER_UNAVAILABLE',
      'WHOOP could not be connected',
      async () => {
        const { callback } = await returning('whoop');
        application.sandbox.provider('whoop').misbehave({ endpoint: 'token', type: 'status', code: 503 });
        return callback;
      },
    ],
    [
      'a code that the provider refuses',
      403,
      'AUTHORIZATION_CODE_REFUSED',
      'The provider did not complete the sign-in.',
      async () => (await returning('whoop')).callback.replace(/code=[^&]*/, 'code=other'),
    ],
    [
      'an unknown state',
      403,
      'AUTHORIZATION_STATE_INVALID',
      'This link no longer works',
      () => Promise.resolve('/v1/oauth/whoop/callback?code=x&state=made-up'),
    ],
    [
      'an unknown provider',
      404,
      'PROVIDER_UNKNOWN',
      'There is no such page',
      () => Promise.resolve('/v1/oauth/nothing/callback?code=x&state=made-up'),
    ],
    [
      'a callback that cannot be decoded',
      400,
      'REQUEST_INVALID',
      'There is no such page',
      () => Promise.resolve('/v1/oauth/whoop/callback/%?code=x'),
    ],
    [
      'an address of the hosted page that cannot be decoded',
      400,
      'REQUEST_INVALID',
      'There is no such page',
      () => Promise.resolve('/connect/%ff'),
    ],
    [
      'a resumed link that does not exist',
      403,
      'AUTHORIZATION_STATE_INVALID',
      'This link no longer works',
      () => Promise.resolve('/v1/links/00000000-0000-4000-8000-000000000000/resume?handle=x'),
    ],
  ])('tells a person of %s, what to do, and the way back', async (_what, status, code, words, arrive) => {
    const page = await visit(await arrive());

    expect({ status: page.status, type: page.headers['content-type'] }).toEqual({
      status,
      type: 'text/html; charset=utf-8',
    });
    expect(page.headers['cufflink-error']).toBe(code);
    expect(page.text).toContain(words);
    expect(page.text).toContain('<a class="button" href="https://app.example.com/">Back to Stride &amp; Co</a>');
    expect(page.text).toContain('<html lang="en" dir="ltr">');
    expect(page.text).not.toContain('{"');
    expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
    // The reference finds the log line; a page of success needs none.
    expect(page.text.includes(String(page.headers['x-request-id']))).toBe(code !== undefined);
  });

  it.each([undefined, '*/*', 'application/json', 'application/problem+json, text/html;q=0.5'])(
    'is JSON for a client that accepts %s',
    async (accept) => {
      const get = (path: string) =>
        accept === undefined ? application.browser.get(path) : application.browser.get(path).set('accept', accept);
      const { callback } = await approvedLink(application, 'oura');

      const connected = await get(pathOf(callback)).expect(200);
      const again = await get(pathOf(callback));

      expect(connected.body).toMatchObject({ success: true, provider: 'oura' });
      expectProblem(again, 403, 'AUTHORIZATION_STATE_INVALID');
    },
  );
});

describe('a wrong turn of a browser', () => {
  it.each([
    ['GET', '/', 404],
    ['GET', '/connect/nothing', 404],
    ['PUT', '/connect', 405],
    ['GET', '/connect/start', 405],
    ['GET', '/v1/oauth/whoop', 404],
    ['DELETE', '/v1/oauth/whoop/callback', 405],
    ['POST', '/v1/links/00000000-0000-4000-8000-000000000000/resume', 405],
  ] as const)('ends at a page: %s %s', async (method, path, status) => {
    const send = { GET: 'get', PUT: 'put', DELETE: 'delete', POST: 'post' } as const;
    const page = await application.browser[send[method]](path).set('accept', browserAccepts);

    expect(page.status).toBe(status);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.text).toContain('There is no such page');
    const asked = await application.browser[send[method]](path).set('accept', 'application/json');
    expectProblem(asked, status, status === 404 ? 'ROUTE_NOT_FOUND' : 'REQUEST_INVALID');
  });

  it.each(['/v1/nothing', '/v1/providers', '/v1/users/user-1/connections', '/v1/hooks/nothing/at/all', '/metrics'])(
    'is JSON where only programs call, for any Accept header: %s',
    async (path) => {
      const { headers } = await visit(path);
      expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
    },
  );

  it('ends at a page for an address that comes too often', async () => {
    const { databaseUrl, rootKey, sandbox } = application;
    const environment = { RATE_LIMIT_ADDRESS_PER_MINUTE: '1' };
    const limited = await startApplication({ databaseUrl, rootKey, sandbox, environment });
    try {
      await limited.browser.get('/connect').set('accept', browserAccepts).expect(403);
      const page = await limited.browser.get('/connect').set('accept', browserAccepts).expect(429);
      expect(page.text).toContain('Too many attempts');
      expect(page.headers['retry-after']).toMatch(/^\d+$/);
      // Nobody has said where the application is.
      expect(page.text).toContain('You can close this page and go back to the application.');
    } finally {
      await limited.close();
    }
  });

  it('is not shown in the words of a stranger', async () => {
    const hostile = encodeURIComponent('<script>alert(1)</script>');
    const page = await visit(`/v1/oauth/${hostile}/callback?state=${hostile}&error=${hostile}`).expect(404);
    expect(page.text).not.toContain('<script');
    expect(page.text).not.toContain('alert');
  });
});

describe('the language of a page', () => {
  it.each([
    ['de-CH, en;q=0.5', 'de', 'Dieser Link gilt nicht mehr'],
    ['fr;q=0.4, es;q=0.8', 'es', 'Este enlace ya no sirve'],
    ['fr-CA', 'fr', 'Ce lien ne fonctionne plus'],
    ['zh, JA-jp;q=0.1', 'ja', 'このリンクは使えません'],
    ['zh', 'en', 'This link no longer works'],
    ['en;q=0, de;q=0', 'en', 'This link no longer works'],
    [',;q=x,*', 'en', 'This link no longer works'],
  ])('follows %s', async (accepted, tag, words) => {
    const page = await visit('/v1/oauth/whoop/callback?state=x').set('accept-language', accepted);
    expect(page.text).toContain(`<html lang="${tag}" dir="ltr">`);
    expect(page.text).toContain(words);
    expect(page.headers['vary']).toBe('accept, accept-language');
  });
});
