import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import {
  call,
  json,
  OAuth2Driver,
  postForm,
  sha256Fingerprint,
  startSandbox,
  tokens,
  type Reply,
} from './testing/sandbox-driver.js';
import { VendorSandbox } from './vendor-sandbox.js';
import { clock, definition, driver, fake, sandbox, useSandbox } from './testing/sandbox-bench.js';

useSandbox();

async function order(body: unknown, slug = 'one', type = 'application/json'): Promise<Reply> {
  const headers = { 'content-type': type };
  return call('POST', `${sandbox.url}/_control/${slug}`, { headers, body: JSON.stringify(body) });
}

async function openForm(url = driver.authorizeUrl()): Promise<string> {
  return /name="request" value="([^"]+)"/.exec((await call('GET', url)).text)?.[1] ?? '';
}

describe('consent page', () => {
  it('is a plain form without scripts, with a policy that allows none', async () => {
    const reply = await call('GET', driver.authorizeUrl());
    expect(reply.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(reply.headers['content-security-policy']).toContain("default-src 'none'");
    expect(reply.headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(reply.text).toContain('<form method="post" action="/one/_consent">');
    expect(reply.text).toMatch(/name="account"\s+value="1001"/);
    expect(reply.text).toContain('<meta name="viewport"');
    expect(reply.text).toContain('name="decision" value="approve"');
    expect(reply.text).toContain('name="decision" value="deny"');
    expect(reply.text.match(/type="checkbox" name="scope" value="." checked/g)).toHaveLength(3);
    expect(reply.text).not.toMatch(/<script|onclick|javascript:/i);
  });

  it('offers no checkbox where the user cannot pick', async () => {
    const fixed = new OAuth2Driver(sandbox.provider('fixed'));
    expect((await call('GET', fixed.authorizeUrl())).text).not.toContain('type="checkbox"');
    expect((await fixed.link({ scopes: ['a'] })).fields['scope']).toBe('a b c');
  });

  it('shows outside text only escaped', async () => {
    const { sandbox: other } = await startSandbox({ odd: { ...definition, scopes: ['"><b>&\'c'] } });
    try {
      const page = await call('GET', new OAuth2Driver(other.provider('odd')).authorizeUrl());
      expect(page.text).toContain('value="&quot;&gt;&lt;b&gt;&amp;&#39;c"');
      expect(page.text).not.toContain('<b>');
    } finally {
      await other.stop();
    }
  });

  it('takes one decision per request', async () => {
    const url = `${fake.url}/_consent`;
    const fields = { request: await openForm(), decision: 'approve' };
    expect((await postForm(url, fields)).status).toBe(302);
    expect((await postForm(url, fields)).status).toBe(400);
    expect((await postForm(url, { ...fields, request: 'unknown' })).status).toBe(400);
    expect((await postForm(url, { decision: 'approve' })).status).toBe(400);
  });

  it('expires after ten minutes', async () => {
    const fields = { request: await openForm(), decision: 'approve' };
    clock.advance(600);
    expect((await postForm(`${fake.url}/_consent`, fields)).status).toBe(400);
  });

  it("takes no decision at another provider's address", async () => {
    const fields = { request: await openForm(), decision: 'approve' };
    expect((await postForm(`${sandbox.provider('fixed').url}/_consent`, fields)).status).toBe(400);
  });

  it('refuses an account that is no number, and can then be corrected', async () => {
    const fields = { request: await openForm(), decision: 'approve' };
    for (const account of ['', 'abc', '0', '01', '-1', '1.5', '1234567890123456', '1 ']) {
      const reply = await postForm(`${fake.url}/_consent`, { ...fields, account });
      expect(reply.status).toBe(400);
      expect(reply.headers['content-type']).toBe('text/html; charset=utf-8');
    }
    expect((await postForm(`${fake.url}/_consent`, { ...fields, account: '123456789012345' })).status).toBe(302);
  });

  it('needs a decision, and at least one ticked scope to approve', async () => {
    const request = await openForm();
    expect((await postForm(`${fake.url}/_consent`, { request })).status).toBe(400);
    expect((await postForm(`${fake.url}/_consent`, { request, decision: 'maybe' })).status).toBe(400);
    expect((await postForm(`${fake.url}/_consent`, { request, decision: 'approve', scope: '' })).status).toBe(400);
    const denied = await postForm(`${fake.url}/_consent`, { request, decision: 'deny', scope: '' });
    expect(denied.headers['location']).toContain('error=access_denied');
  });

  it('grants the ticked ones of the requested scopes, within the limit of a test', async () => {
    expect((await driver.link({ scopes: ['a', 'c'] })).fields['scope']).toBe('a c');
    const code = await driver.code({ scopes: ['a', 'c'] }, { scope: 'a b' });
    expect(json(await driver.exchange(code))['scope']).toBe('a');
    fake.restrictScopes(['b', 'x']);
    expect((await driver.link()).fields['scope']).toBe('b');
    fake.restrictScopes(undefined);
    expect((await driver.link()).fields['scope']).toBe('a b c');
  });
});

describe('history', () => {
  it('lists every call in order, with the family from exchange to revocation, and no secret', async () => {
    const { accessToken, refreshToken } = await driver.link();
    clock.advance(5);
    const next = tokens(await driver.refresh(refreshToken));
    await driver.refresh(refreshToken);
    await driver.api(next.accessToken, '/me');
    await driver.api('unknown');
    await driver.api(next.accessToken, '/revoke', 'DELETE');
    const entries = fake.history;
    expect(entries.map(({ kind, outcome, status }) => [kind, outcome, status])).toEqual([
      ['authorize', 'ok', 200],
      ['consent', 'ok', 302],
      ['token', 'ok', 200],
      ['refresh', 'ok', 200],
      ['refresh', 'invalid_grant', 400],
      ['account', 'ok', 200],
      ['api', 'invalid_token', 401],
      ['revoke', 'ok', 204],
    ]);
    const family = entries[2]?.familyId;
    expect(entries.map((entry) => entry.familyId === family)).toEqual([
      false,
      false,
      true,
      true,
      true,
      true,
      false,
      true,
    ]);
    expect(entries[3]).toMatchObject({ at: clock.ms, endsAt: clock.ms });
    expect(entries[3]?.refreshTokenFingerprint).toBe(sha256Fingerprint(refreshToken));
    expect(entries[5]?.authorizationScheme).toBe('bearer');
    for (const secret of [accessToken, refreshToken, next.accessToken, next.refreshToken, 'not-a-real']) {
      expect(JSON.stringify(entries)).not.toContain(secret);
    }
  });

  it('records why an authorize request was refused', async () => {
    await call('GET', driver.authorizeUrl({ client_id: 'other' }));
    await call('GET', driver.authorizeUrl({ scope: 'unknown' }));
    expect(fake.history.map(({ outcome, status }) => [outcome, status])).toEqual([
      ['unauthorized_client', 400],
      ['invalid_scope', 302],
    ]);
  });
});

describe('control over HTTP', () => {
  it('obeys orders, and shows the history', async () => {
    const { accessToken, refreshToken } = await driver.link();
    const misbehave = { endpoint: 'refresh', type: 'status', code: 503 };
    expect(
      (await order({ misbehave, times: 'forever', accessTokenLifetimeSeconds: 9, expireAccessTokens: true })).status,
    ).toBe(200);
    expect((await driver.api(accessToken)).status).toBe(401);
    expect((await driver.refresh(refreshToken)).status).toBe(503);
    expect((await driver.refresh(refreshToken)).status).toBe(503);
    await order({ behave: true, misbehave, times: 1 });
    expect((await driver.refresh(refreshToken)).status).toBe(503);
    expect(json(await driver.refresh(refreshToken))['expires_in']).toBe(9);
    await order({ revokeGrant: '1001', restrictScopes: ['a'] });
    expect(fake.liveGrants()).toEqual([]);
    expect((await driver.link()).fields['scope']).toBe('a');
    await order({ restrictScopes: null });
    expect((await driver.link()).fields['scope']).toBe('a b c');
    const shown = json(await call('GET', `${sandbox.url}/_control/one/history`));
    expect(shown).toEqual({ history: JSON.parse(JSON.stringify(fake.history)) as unknown });
  });

  it('refuses unknown orders', async () => {
    expect((await order({ misbehave: { endpoint: 'refresh', type: 'unheard of' } })).status).toBe(400);
    expect((await order({ misbehave: { endpoint: 'api', type: 'omitExpiresIn' } })).status).toBe(400);
    expect((await order({ misbehave: { endpoint: 'request_token', type: 'drop' } })).status).toBe(400);
    expect((await order({ misspelt: true })).status).toBe(400);
    expect((await order({ times: 0 })).status).toBe(400);
    expect((await order({ accessTokenLifetimeSeconds: 5 }, 'old')).status).toBe(400);
    expect((await order({ behave: true }, 'one', 'text/plain')).status).toBe(415);
    expect((await order({ behave: true }, 'unknown')).status).toBe(404);
    expect((await call('GET', `${sandbox.url}/_control/one`)).status).toBe(405);
    expect((await call('POST', `${sandbox.url}/_control/one/history`)).status).toBe(405);
    expect((await call('GET', `${sandbox.url}/_control/one/other`)).status).toBe(404);
    const headers = { 'content-type': 'application/json' };
    expect((await call('POST', `${sandbox.url}/_control/one`, { headers, body: '{' })).status).toBe(400);
  });
});

describe('server', () => {
  it('lists its providers, and knows no other', async () => {
    const index = await call('GET', `${sandbox.url}/`);
    expect(index.status).toBe(200);
    expect(index.text).toContain(fake.url);
    expect(fake.url).toBe(`${sandbox.url}/one`);
    expect((await call('POST', `${sandbox.url}/`)).status).toBe(405);
    expect((await call('GET', `${sandbox.url}/unknown/data`)).status).toBe(404);
    expect((await call('GET', `${sandbox.url}/one`)).status).toBe(404);
    expect(() => sandbox.provider('unknown')).toThrow('no provider "unknown"');
  });

  it('takes further providers while it runs', async () => {
    sandbox.add('later', definition);
    expect((await new OAuth2Driver(sandbox.provider('later')).link()).fields['scope']).toBe('a b c');
  });

  it('listens on loopback on the port that was requested, and says when it is taken', async () => {
    const port = Number(new URL(sandbox.url).port);
    await expect(VendorSandbox.start({ providers: new Map(), port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await sandbox.stop();
    const again = await VendorSandbox.start({ providers: new Map(), port, publicHost: 'localhost' });
    expect(again.url).toBe(`http://localhost:${port}`);
    await again.stop();
    await again.stop();
  });

  it('refuses a body above 1 MiB, a repeated Authorization header, and a target in absolute form', async () => {
    const big = await postForm(`${fake.url}/token`, { a: 'a'.repeat(1_048_576) });
    expect(big.status).toBe(413);
    const lines = 'Host: x\r\nConnection: close\r\n';
    const twice = await raw(
      `GET /one/data HTTP/1.1\r\n${lines}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n`,
    );
    expect(twice).toMatch(/^HTTP\/1.1 400 /);
    expect(await raw(`GET http://x/one/data HTTP/1.1\r\n${lines}\r\n`)).toMatch(/^HTTP\/1.1 400 /);
  });
});

async function raw(text: string): Promise<string> {
  const socket = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
  socket.write(text);
  let response = '';
  for await (const chunk of socket) {
    response += String(chunk);
  }
  return response;
}
