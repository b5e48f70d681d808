import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sandboxClientSecret } from '../../src/provider-kit/definition/provider-settings.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { linkAccount } from '../support/linking.js';
import { ProxyCaller } from '../support/proxied-call.js';
import { Subject } from '../support/subject.js';
import { request } from '../../src/sandbox/testing/request.js';

const user = 'the-user';
const formType = 'application/x-www-form-urlencoded';

describe('a signature', () => {
  let application: TestApplication;
  let caller: ProxyCaller;
  let base: string;

  beforeAll(async () => {
    application = await startApplication();
    caller = await ProxyCaller.of(application);
    base = `${application.sandbox.provider('garmin-oauth1').url}/wellness-api/rest`;
    await linkAccount(application, user, 'garmin-oauth1', { account: '4711' });
    await linkAccount(application, user, 'whoop', { account: '4711' });
  });
  afterAll(() => application.close());

  async function sign(body: object): Promise<string> {
    const response = await caller.sign('garmin-oauth1', body);
    expect(response).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
    expect(Object.keys(response.json)).toEqual(['authorization']);
    return String(response.json['authorization']);
  }

  /** Sends a request as the company's service does, and tells the status and the problem that the provider names. */
  async function send(authorization: string, method: 'GET' | 'POST', url: string, form?: string): Promise<string> {
    const headers = { authorization, ...(form === undefined ? {} : { 'content-type': formType }) };
    const response = await request(url, { method, headers, body: form ?? null });
    const problem = new URLSearchParams(await response.body.text()).get('oauth_problem');
    return `${response.statusCode}${problem === null ? '' : ` ${problem}`}`;
  }

  it('is good for the request that it is for, so that no service needs the secret (O1-07, O1-01)', async () => {
    const url = `${base}/dailies?uploadStartTimeInSeconds=1&name=a+b%2B&name=%c3%bc`;
    expect(await send(await sign({ method: 'GET', url }), 'GET', url)).toBe('200');
    const form = 'b=2&a=1+1&a=%2B';
    expect(await send(await sign({ method: 'POST', url, form }), 'POST', url, form)).toBe('200');
  });

  it('is good for one use, and for no other request (O1-03)', async () => {
    const url = `${base}/dailies?a=1`;
    const once = await sign({ method: 'GET', url });
    expect(await send(once, 'GET', url)).toBe('200');
    expect(await send(once, 'GET', url)).toBe('401 nonce_used');
    expect(await send(await sign({ method: 'GET', url }), 'GET', `${url}1`)).toBe('401 signature_invalid');
    expect(await send(await sign({ method: 'GET', url }), 'POST', url)).toBe('401 signature_invalid');
    const form = await sign({ method: 'POST', url, form: 'a=1' });
    expect(await send(form, 'POST', url, 'a=2')).toBe('401 signature_invalid');
    expect(new Set([await sign({ method: 'GET', url }), await sign({ method: 'GET', url })]).size).toBe(2);
  });

  it('is good for minutes (O1-03)', async () => {
    const url = `${base}/dailies`;
    const authorization = await sign({ method: 'GET', url });
    application.clock.advance(6 * 60_000);
    expect(await send(authorization, 'GET', url)).toBe('401 timestamp_refused');
  });

  it('shows neither the token secret nor the client secret (O1-07)', async () => {
    const stored = await application.api.get(`/v1/users/${user}/connections/garmin-oauth1/token`).expect(200);
    const { token_secret: secret } = stored.body as { token_secret: string };
    const authorization = decodeURIComponent(await sign({ method: 'GET', url: `${base}/dailies` }));
    expect(secret.length).toBeGreaterThan(10);
    expect(authorization).not.toContain(secret);
    expect(authorization).not.toContain(sandboxClientSecret('garmin-oauth1'));
  });

  it.each([
    ['another host', (url: string) => url.replace(/\/\/[^/]+/, '//evil.example')],
    ['another port', (url: string) => url.replace(/:\d+\//, ':1/')],
    ['a host that begins alike', (url: string) => url.replace(/(\/\/[^/]+)/, '$1.evil.example')],
    ['a user in the URL', (url: string) => url.replace('//', '//user@')],
    ['another scheme', (url: string) => url.replace('http:', 'https:')],
    [
      'the address of the tokens',
      (url: string) => url.replace(/\/wellness-api.*$/, '/oauth-service/oauth/access_token'),
    ],
    ['a path that leads up', (url: string) => `${url}/../../../oauth-service/oauth/access_token`],
    ['a hidden path that leads up', (url: string) => `${url}/%2e%2e/x`],
    ['a fragment', (url: string) => `${url}#x`],
    ['credentials of its own', (url: string) => `${url}?oauth_token=x`],
    ['no URL', () => 'dailies'],
  ])('is not made for %s (TE-12, NET-05)', async (_, change) => {
    const response = await caller.sign('garmin-oauth1', { method: 'GET', url: change(`${base}/dailies`) });
    expect(response).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
    expect(response.json).not.toHaveProperty('authorization');
  });

  it.each([
    ['credentials in the form', { form: 'a=1&oauth_token=x' }],
    ['another method', { method: 'CONNECT' }],
    ['a method in small letters', { method: 'get' }],
    ['a URL that is no text', { url: ['x'] }],
    ['a form beyond ASCII', { form: 'name=é' }],
    ['a form that is no text', { form: { a: 1 } }],
    ['an unknown field', { body: 'x' }],
    ['a URL that is too long', { url: `http://x/${'x'.repeat(8_200)}` }],
  ])('is not made for %s', async (_, change) => {
    const response = await caller.sign('garmin-oauth1', { method: 'GET', url: `${base}/dailies`, ...change });
    expect(response).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
  });

  it('is not made for OAuth 2.0, where none is needed', async () => {
    const url = `${application.sandbox.provider('whoop').url}/developer/v2/cycle`;
    expect(await caller.sign('whoop', { method: 'GET', url })).toMatchObject({
      status: 409,
      json: { code: 'CALL_UNSUPPORTED', act: 'caller', detail: expect.stringContaining('.../proxy') },
    });
  });

  it('is not made for a connection that does not exist', async () => {
    const response = await caller.sign('garmin-oauth1', { method: 'GET', url: `${base}/dailies` }, 'nobody');
    expect(response).toMatchObject({ status: 404, json: { code: 'CONNECTION_NOT_FOUND' } });
  });

  it('is in the audit trail (LOG-06)', async () => {
    const subject = await Subject.link(application, 'garmin-oauth1');
    await caller.sign('garmin-oauth1', { method: 'GET', url: `${base}/dailies` }, subject.userId);
    const entries = await auditEntriesOf(application, subject.userId);
    expect(entries.filter((entry) => /^(token|request)\./.test(entry))).toEqual(['request.signed success api-key']);
  });
});
