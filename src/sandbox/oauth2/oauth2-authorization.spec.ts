import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { consent, consentByForm, fieldsOf, readForm } from '../testing/consent.js';
import {
  call,
  callback,
  json,
  OAuth2Driver,
  redirected,
  startSandbox,
  type Fields,
} from '../testing/sandbox-driver.js';
import { plainDefinition } from '../testing/plain-definition.js';
import type { VendorSandbox } from '../vendor-sandbox.js';

let sandbox: VendorSandbox;
const driver = (slug: string): OAuth2Driver => new OAuth2Driver(sandbox.provider(slug));

beforeAll(async () => {
  ({ sandbox } = await startSandbox({
    parameters: { ...plainDefinition, authorizeParams: { access_type: 'offline', prompt: 'consent' } },
    scope: { ...plainDefinition, scopeParameter: 'APIName' },
    code: { ...plainDefinition, codeParameter: 'authorization_code' },
    form: { ...plainDefinition, callback: 'form_post', userPicksScopes: true, scopeInCallback: true },
    route: { ...plainDefinition, authorizeRoute: '/' },
    shared: { ...plainDefinition, authorizePath: '/oauth/', tokenPath: '/oauth/' },
  }));
});

afterAll(() => sandbox.stop());

describe('further parameters of the authorize request', () => {
  it('are accepted with their values', async () => {
    expect((await driver('parameters').link()).fields).toHaveProperty('access_token');
  });

  it.each<[string, Fields]>([
    ['one is missing', { access_type: undefined }],
    ['one is empty', { prompt: '' }],
    ['one has another value', { access_type: 'online' }],
  ])('are refused when %s', async (_, changes) => {
    const { searchParams } = await redirected(driver('parameters').authorizeUrl(changes));
    expect(searchParams.get('error')).toBe('invalid_request');
  });
});

describe('a scope parameter of another name', () => {
  it('lists the requested scopes', async () => {
    const code = await driver('scope').code({}, { APIName: 'b' });
    expect(json(await driver('scope').exchange(code))['scope']).toBe('b');
  });

  it.each<[string, string, Fields]>([
    ['scope in its place', 'invalid_request', { APIName: undefined, scope: 'a b' }],
    ['scope beside it', 'invalid_request', { scope: 'a b' }],
    ['neither', 'invalid_scope', { APIName: undefined }],
    ['an unknown value', 'invalid_scope', { APIName: 'c' }],
  ])('is refused with %s', async (_, error, changes) => {
    const { searchParams } = await redirected(driver('scope').authorizeUrl(changes));
    expect(searchParams.get('error')).toBe(error);
  });
});

describe('a code parameter of another name', () => {
  it('carries the code, and code is absent', async () => {
    const { searchParams } = await consent(driver('code').authorizeUrl());
    expect(searchParams.has('code')).toBe(false);
    const reply = await driver('code').exchange(searchParams.get('authorization_code') ?? '');
    expect(reply.status).toBe(200);
  });
});

describe('a callback by form', () => {
  it('posts code, state and scope to the redirect URI, by a button and without scripts', async () => {
    const url = driver('form').authorizeUrl({ state: '"><b>&\'state' });
    const form = await consentByForm(url, { account: '7', scopes: ['b'] });
    const fields = fieldsOf(form);
    expect(form.action).toBe(callback);
    expect(fields).toEqual({ code: expect.any(String), state: '"><b>&\'state', scope: 'b' });
    const { access_token: accessToken } = json(await driver('form').exchange(fields['code'] ?? ''));
    expect(json(await driver('form').api(String(accessToken)))['account_id']).toBe('7');
    const kinds = sandbox.provider('form').history.map(({ kind, status }) => [kind, status]);
    expect(kinds).toEqual(expect.arrayContaining([['consent', 200]]));
  });

  it('is a plain page that no cache keeps, with a policy that allows no script', async () => {
    const opened = readForm((await call('GET', driver('form').authorizeUrl())).text);
    const body = new URLSearchParams({ request: fieldsOf(opened)['request'] ?? '', decision: 'approve' }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const page = await call('POST', new URL(opened.action, sandbox.url).href, { headers, body });
    expect([page.status, page.headers['location'], page.headers['cache-control']]).toEqual([
      200,
      undefined,
      'no-store',
    ]);
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.text).toContain('<button type="submit">Continue</button>');
    expect(page.text).not.toMatch(/<script|onload|javascript:/i);
  });

  it('posts access_denied when the user denies', async () => {
    const form = await consentByForm(driver('form').authorizeUrl(), { decision: 'deny' });
    expect(fieldsOf(form)).toEqual({
      error: 'access_denied',
      error_description: expect.any(String),
      state: expect.any(String),
    });
  });

  it('posts the error of a malformed request, and records it', async () => {
    const page = await call('GET', driver('form').authorizeUrl({ scope: 'unknown' }));
    const form = readForm(page.text);
    expect([form.action, fieldsOf(form)]).toMatchObject([callback, { error: 'invalid_scope' }]);
    expect(sandbox.provider('form').history.at(-1)).toMatchObject({ outcome: 'invalid_scope', status: 200 });
  });
});

describe('one path for authorize and token endpoint', () => {
  it('distinguishes them by the method', async () => {
    const { refreshToken } = await driver('shared').link();
    expect((await driver('shared').refresh(refreshToken)).status).toBe(200);
    const { history } = sandbox.provider('shared');
    expect(history.map(({ kind }) => kind)).toEqual(['authorize', 'consent', 'token', 'refresh']);
    const other = await call('PUT', `${sandbox.provider('shared').url}/oauth/`);
    expect([other.status, other.headers['allow']]).toEqual([405, 'GET, POST']);
  });
});

describe('an authorization page that is a web app', () => {
  it('forwards the parameters of the fragment as a query', async () => {
    const provider = driver('route');
    const page = await call('GET', provider.authorizeUrl().split('?')[0] ?? '');
    expect(page.status).toBe(200);
    const script = /<script>(.*)<\/script>/.exec(page.text)?.[1] ?? '';
    const replaced: string[] = [];
    const location = { hash: '#/?client_id=1&state=2', replace: (url: string) => replaced.push(url) };
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the page's own script, with a location of the test
    (new Function('location', script) as (place: object) => void)(location);
    expect(replaced).toEqual(['?client_id=1&state=2']);
    const hash = createHash('sha256').update(script).digest('base64');
    expect(page.headers['content-security-policy']).toContain(`script-src 'sha256-${hash}'`);
    expect((await provider.link()).fields).toHaveProperty('access_token');
  });
});
