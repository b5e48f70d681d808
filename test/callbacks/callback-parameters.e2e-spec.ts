import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createOneTimeSecret } from '../../src/links/store/one-time-secret.js';
import type { TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import {
  calls,
  connected,
  expectNoConnection,
  refused,
  returnUrl,
  sendCallback,
  useObserved,
} from '../support/observed-application.js';
import { dumpDatabase, expectAbsent } from '../support/database-dump.js';
import { approvedLink, newUser, pathOf, startLink } from '../support/linking.js';
import { queryDatabase } from '../support/test-database.js';

let application: TestApplication;
let logLines: readonly string[];

useObserved((observed) => ({ application, logLines } = observed));

describe('parameters of a callback', () => {
  it.each(['access_token', 'id_token'])('is no %s, and none is kept or logged (AR-12)', async (name) => {
    const canary = `canary-${createOneTimeSecret()}`;
    const before = calls(application, 'whoop');
    for (const method of ['get', 'post'] as const) {
      for (const keepsCode of [true, false]) {
        const { user, state, callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
        const form = `${keepsCode ? callback.search.slice(1) : `state=${state}`}&${name}=${canary}`;

        const response = await send(method, callback.pathname, form);

        expect({ status: response.status, location: response.headers['location'] }).toEqual(toldAs('REQUEST_INVALID'));
        expectAbsent(canary, response.text, JSON.stringify(response.headers));
        await expectNoConnection(application, user, 'whoop');
      }
      const unknown = await send(
        method,
        '/v1/oauth/whoop/callback',
        `state=${createOneTimeSecret()}&${name}=${canary}`,
      );
      expect({ status: unknown.status, code: (unknown.body as { code: string }).code }).toEqual(refused);
    }
    expect(calls(application, 'whoop')).toBe(before);
    expectAbsent(canary, await dumpDatabase(application), logLines.join(''));
    expect(logLines.join('')).toContain('/v1/oauth/whoop/callback');
  });

  const hostile = '<script>alert(1)</script>\r\nSet-Cookie: hostile=1';

  it.each(['access_denied', 'server_error', 'invalid_scope', 'hostile_error'])(
    'shows nothing of the description that came with the error %s (AR-13)',
    async (error) => {
      for (const body of [{ return_url: returnUrl }, {}]) {
        const { state } = await startLink(application, newUser(), 'whoop', body);
        const before = application.sandbox.provider('whoop').history.length;
        const query = new URLSearchParams({
          error,
          state,
          error_description: hostile,
          error_uri: 'https://evil.test/',
        });
        const response = await application.browser.get(`/v1/oauth/whoop/callback?${query.toString()}`);

        const shown = response.text + JSON.stringify(response.headers);
        expect(shown).not.toMatch(/script|hostile|evil|alert/i);
        expect(response.headers['set-cookie']).toBeUndefined();
        if ('return_url' in body) {
          expect(response.status).toBe(303);
          expect(response.headers['location']).toMatch(/\?status=error&provider=whoop&error=[A-Z_]+$/);
        } else {
          expect(response.body).toMatchObject({ code: expect.stringMatching(/^(AUTHORIZATION|PROVIDER)_/) });
        }
        expect(application.sandbox.provider('whoop').history).toHaveLength(before);
      }
      expect(logLines.join('')).toMatch(/Link [0-9a-f-]{36} to whoop failed with (AUTHORIZATION|PROVIDER)_/);
      expect(logLines.join('')).not.toMatch(/<script|hostile=1|evil\.test/i);
    },
  );

  it('may be an error only together with a known state: otherwise the response reveals nothing (AR-13)', async () => {
    const neutral = await application.browser
      .get(`/v1/oauth/whoop/callback?state=${createOneTimeSecret()}&code=x`)
      .expect(403);
    const query = new URLSearchParams({
      error: 'access_denied',
      state: createOneTimeSecret(),
      error_description: hostile,
    });
    const withError = await application.browser.get(`/v1/oauth/whoop/callback?${query.toString()}`).expect(403);
    const withoutState = await application.browser.get('/v1/oauth/whoop/callback?error=access_denied').expect(403);

    const bodyOf = ({ body }: { body: unknown }) => ({ ...(body as object), request_id: undefined });
    expect(bodyOf(withError)).toEqual(bodyOf(neutral));
    expect(bodyOf(withoutState)).toEqual(bodyOf(neutral));
    expect(neutral.body).toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
  });

  it.each([
    ['a repeated state', (state: string) => `code=1&state=${state}&state=${state}`],
    ['another state behind the first', (state: string) => `code=1&state=${state}&state=other`],
    ['a state repeated in another spelling', (state: string) => `code=1&state=${state}&%73tate=${state}`],
    ['a state that is an array too', (state: string) => `code=1&state=${state}&state[]=${state}`],
    ['a repeated code', (state: string) => `code=1&code=2&state=${state}`],
    ['a repeated issuer', (state: string) => `code=1&iss=a&iss=b&state=${state}`],
    ['a code that is an array', (state: string) => `code[]=1&state=${state}`],
    ['a code that is an object', (state: string) => `code%5Ba%5D=1&state=${state}`],
    ['a code and an error', (state: string) => `code=1&error=access_denied&state=${state}`],
    ['NUL in the code', (state: string) => `code=1%00&state=${state}`],
    ['a line end in the code', (state: string) => `code=1%0d%0aX: y&state=${state}`],
    ['invalid UTF-8 in the code', (state: string) => `code=%ff%fe&state=${state}`],
    ['overlong UTF-8 in the code', (state: string) => `code=%c0%80&state=${state}`],
    ['a surrogate in the code', (state: string) => `code=%ed%a0%80&state=${state}`],
    ['a stray percent sign in the code', (state: string) => `code=100%&state=${state}`],
  ])('ends the link at its return_url when it has %s, by GET and by POST (AR-14)', async (_what, toForm) => {
    const before = calls(application, 'whoop');
    for (const method of ['GET', 'POST']) {
      const { user, state, callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });

      const response = await sendRaw(method, '/v1/oauth/whoop/callback', toForm(state));

      expect(response).toMatch(/^HTTP\/1\.1 303 /);
      expect(/\r\nlocation: (.*)\r\n/i.exec(response)?.[1]).toBe(toldAs('REQUEST_INVALID').location);
      expect(await auditEntriesOf(application, user)).toContain('link.failed failed browser REQUEST_INVALID');
      // It has ended: the real callback is told the same.
      expect((await application.browser.get(pathOf(callback)).expect(303)).headers['location']).toBe(
        toldAs('REQUEST_INVALID').location,
      );
      expect(calls(application, 'whoop')).toBe(before);
    }
  });

  it.each([
    ['is an array', (state: string) => `code=1&state[]=${state}`],
    ['is an array with an index', (state: string) => `code=1&state%5B0%5D=${state}`],
    ['is an object', (state: string) => `code=1&state[a]=${state}`],
    ['has NUL in it', (state: string) => `code=1&state=${state}%00`],
    ['has a line end in it', (state: string) => `code=1&state=${state}%0a`],
    ['is not UTF-8', (state: string) => `code=1&state=${state}%ff`],
    ['is empty', () => 'code=1&state='],
  ])('finds no link when its state %s, and uses nothing up (AR-14)', async (_what, toForm) => {
    const { state, callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
    const before = calls(application, 'whoop');

    for (const method of ['GET', 'POST']) {
      expect(await sendRaw(method, '/v1/oauth/whoop/callback', toForm(state))).toMatch(
        /^HTTP\/1\.1 403 [^]*"code":"AUTHORIZATION_STATE_INVALID"/,
      );
    }

    expect(calls(application, 'whoop')).toBe(before);
    await application.browser.get(pathOf(callback)).expect(303);
    expect(calls(application, 'whoop')).toBe(before + 1);
  });

  const manyNames = Array.from({ length: 100 }, (_, at) => `a${at}=`).join('&');
  it.each([
    ['a name with a blank', 'my%20name=1'],
    ['an array', 'scope[]=read'],
    ['a repeated scope, which says nothing here', 'scope=a&scope=b'],
    ['an object', 'user[name]=Ann'],
    ['a Latin-1 text', 'error_description=Acc%E8s+refus%E9'],
    ['a bare percent sign', 'error_description=100%+sure'],
    ['a line end', 'error_uri=a%0d%0ab'],
    ['NUL in a name and in a value', '%00=1&other=%00'],
    ['no name', '=1'],
    ['a name that is not UTF-8', '%ff=1'],
    ['names of the prototype', '__proto__=1&constructor=2&toString[]=3'],
    ['a value of 3 KB', `hint=${'x'.repeat(3_072)}`],
    ['a hundred names', manyNames],
    [
      'an issuer, a user and a session as Google sends them',
      'authuser=0&hd=example.com&prompt=consent&session_state=a..b',
    ],
  ])('drops unread what is not used: %s (AR-14)', async (_what, extra) => {
    for (const method of ['GET', 'POST']) {
      const approved = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
      const { callback } = approved;
      const connectedBy = await sendRaw(method, callback.pathname, `${extra}&${callback.search.slice(1)}&error=`);
      expect(connectedBy).toMatch(/\r\nlocation: https:\/\/app\.example\.com\/devices\?status=success&/i);

      const { state } = await startLink(application, newUser(), 'whoop', { return_url: returnUrl });
      const denied = await sendRaw(method, callback.pathname, `error=access_denied&code=&state=${state}&${extra}`);
      expect(denied).toContain(`location: ${toldAs('AUTHORIZATION_DENIED').location}`);
    }
  });

  it('may have a code of 4 KB: the provider decides about it (AR-14)', async () => {
    const { state } = await startLink(application, newUser(), 'whoop', { return_url: returnUrl });
    const before = calls(application, 'whoop');

    const response = await send('get', '/v1/oauth/whoop/callback', `code=${'x'.repeat(4_096)}&state=${state}`);

    expect(response.headers['location']).toBe(toldAs('AUTHORIZATION_CODE_REFUSED').location);
    expect(calls(application, 'whoop')).toBe(before + 1);
  });

  it.each(['whoop', 'garmin-oauth1'])('may come to a path with a slash at its end, at %s (AR-14)', async (slug) => {
    const { callback } = await approvedLink(application, slug, { body: { return_url: returnUrl } });

    const response = await application.browser.get(`${callback.pathname}/${callback.search}`).expect(303);

    expect(response.headers['location']).toContain('status=success');
    await application.browser.post(`${callback.pathname}/`).type('form').send('state=x').expect(403);
    await application.browser.get(`${callback.pathname}/x`).expect(404);
  });

  it.each(['whoop', 'garmin-oauth1'])('is not used up by HEAD, which link scanners send, at %s', async (slug) => {
    const { callback } = await approvedLink(application, slug, { body: { return_url: returnUrl } });
    const before = application.sandbox.provider(slug).history.length;

    const head = await application.browser.head(pathOf(callback)).expect(200);

    expect(head.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    expect(application.sandbox.provider(slug).history).toHaveLength(before);
    await application.browser.get(pathOf(callback)).expect(303);
  });

  it('refuses JSON with 415 and leaves the link open: a callback is a form (AR-14, AR-26)', async () => {
    const { callback } = await approvedLink(application, 'whoop');
    const json = Object.fromEntries(callback.searchParams);

    const response = await application.browser.post(callback.pathname).send(json).expect(415);

    expect(response.body).toMatchObject({ code: 'REQUEST_INVALID' });
    expect((response.body as { detail: string }).detail).toContain('application/x-www-form-urlencoded');
    expect(await sendCallback(application, pathOf(callback))).toEqual(connected);
  });

  it('never ends in a 500, nor in JSON if its state is known, for any query or form (AR-14)', async () => {
    const firstLine = logLines.length;
    const connectionsBefore = await queryDatabase(application.databaseUrl, 'SELECT id FROM connections ORDER BY id');
    const known = fc.constantFrom('code', 'error', 'oauth_token', 'oauth_verifier', 'denied', 'iss', 'oauth_problem');
    const name = fc.oneof(
      fc.constantFrom(
        'code',
        'error',
        'oauth_token',
        'oauth_verifier[]',
        'code[a]',
        'scope',
        'access_token',
        'id_token',
      ),
      fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '%00', '%ff', 'error_description'),
      fc.string({ unit: 'binary', maxLength: 12 }).map(encodeLoosely),
    );
    const value = fc.oneof(
      fc.constantFrom('access_denied', 'server_error', 'invalid_scope', 'user_refused', '', 'null', '[object Object]'),
      fc.constantFrom('%00', '%ff', '%', '%0d%0a', '%c0%80', '+', 'x'.repeat(2_049), '%F0%9F%92%A9', "' OR 1=1 --"),
      fc.string({ unit: 'binary', maxLength: 40 }).map(encodeLoosely),
    );
    const harmless = fc.tuple(known, fc.constant('='), fc.oneof(value, fc.stringMatching(/^[\w.~-]{1,40}$/)));
    const hostile = fc.tuple(name, fc.constantFrom('=', '', '=='), value);
    const pair = fc.oneof({ weight: 3, arbitrary: harmless }, hostile).map((parts) => parts.join(''));
    const callback = fc.record({
      slug: fc.constantFrom('whoop', 'garmin-oauth1', 'whoop', 'garmin-oauth1', 'oura', 'unknown'),
      pairs: fc.array(pair, { maxLength: 5 }),
      state: fc.constantFrom('of an open link', 'of an open link', 'unknown', undefined),
      at: fc.nat(5),
      byPost: fc.boolean(),
    });

    const statuses = new Set<string | undefined>();
    await fc.assert(
      fc.asyncProperty(callback, async ({ slug, pairs, state, at, byPost }) => {
        const open = slug === 'garmin-oauth1' ? slug : 'whoop';
        const isKnown = state === 'of an open link';
        const value = isKnown
          ? (await startLink(application, newUser(), open, { return_url: returnUrl })).state
          : createOneTimeSecret();
        const all = [...pairs];
        all.splice(at, 0, ...(state === undefined ? [] : [`state=${value}`]));

        const response = await sendRaw(byPost ? 'POST' : 'GET', `/v1/oauth/${slug}/callback`, all.join('&'));

        const status = /^HTTP\/1\.1 (\d+)/.exec(response)?.[1];
        statuses.add(status);
        expect(isKnown ? ['303'] : ['403', '404']).toContain(status);
        if (isKnown) {
          expect(response).toMatch(/\r\nlocation: https:\/\/app\.example\.com\/devices\?status=error&provider=/i);
        }
      }),
      { seed: 20261122, numRuns: 500 },
    );
    expect([...statuses].sort()).toEqual(['303', '403', '404']);

    expect(logLines.slice(firstLine).filter((line) => (JSON.parse(line) as { level: number }).level >= 50)).toEqual([]);
    expect(logLines.length).toBeGreaterThan(firstLine);
    const connections = await queryDatabase(application.databaseUrl, 'SELECT id FROM connections ORDER BY id');
    expect(connections).toEqual(connectionsBefore);
    await application.browser.get('/health/ready').expect(200);
  });

  it('is refused when a form has a code that is not UTF-8, and not when a parameter without use is (AR-14)', async () => {
    const latin = Buffer.from([0xff, 0xfe, 0xc0, 0x80]);
    const before = calls(application, 'whoop');
    const { state } = await startLink(application, newUser(), 'whoop', { return_url: returnUrl });
    const form = Buffer.concat([Buffer.from(`state=${state}&code=`), latin]);
    const response = await rawRequest('POST /v1/oauth/whoop/callback', form);
    expect(response).toContain(`location: ${toldAs('REQUEST_INVALID').location}`);
    expect(calls(application, 'whoop')).toBe(before);

    const { callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
    const sound = Buffer.concat([Buffer.from(`${callback.search.slice(1)}&user=`), latin]);
    expect(await rawRequest('POST /v1/oauth/whoop/callback', sound)).toContain('status=success');
  });
});

/** Leaves some characters as they are, so that a query holds what a careful client would have encoded. */
function encodeLoosely(text: string): string {
  return [...text].map((char) => (/[\w[\]{}'"%;.]/.test(char) ? char : encodeURIComponentSafely(char))).join('');
}

function encodeURIComponentSafely(char: string): string {
  return Buffer.from(char).reduce((encoded, byte) => `${encoded}%${byte.toString(16).padStart(2, '0')}`, '');
}

/** How a browser is told of an error at its return_url. */
function toldAs(code: string): { status: number; location: string } {
  return { status: 303, location: `${returnUrl}?status=error&provider=whoop&error=${code}` };
}

/** Sends parameters in the query, or as a form. */
function send(method: 'get' | 'post', path: string, encoded: string) {
  const { browser } = application;
  return method === 'get' ? browser.get(`${path}?${encoded}`) : browser.post(path).type('form').send(encoded);
}

/** The same, without a client in between that would mend them. */
function sendRaw(method: string, path: string, encoded: string): Promise<string> {
  return method === 'POST'
    ? rawRequest(`POST ${path}`, Buffer.from(encoded))
    : rawRequest(`GET ${path}?${encodeURI(encoded).replaceAll('%25', '%').replaceAll('#', '%23')}`);
}

/** Sends bytes that no HTTP client would send, and returns the response as it comes. */
async function rawRequest(requestLine: string, body?: Buffer): Promise<string> {
  const { hostname, port } = new URL(await application.app.getUrl());
  const socket = connect(Number(port), hostname);
  const form =
    body === undefined
      ? ''
      : `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${String(body.length)}\r\n`;
  socket.write(`${requestLine} HTTP/1.1\r\nHost: link.example.com\r\nConnection: close\r\n${form}\r\n`);
  if (body !== undefined) {
    socket.write(body);
  }
  return text(socket);
}
