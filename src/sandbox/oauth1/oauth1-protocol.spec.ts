import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sandboxClientSecret } from '../../provider-kit/definition/provider-settings.js';
import type {
  OAuth1SandboxDefinition,
  OAuth2SandboxDefinition,
} from '../../provider-kit/definition/sandbox-definition.js';
import { consent, type ConsentOptions } from '../testing/consent.js';
import {
  call,
  callback,
  json,
  OAuth2Driver,
  signedCall,
  startSandbox,
  type Reply,
  type Signing,
  type TestClock,
} from '../testing/sandbox-driver.js';
import type { VendorSandbox } from '../vendor-sandbox.js';

const definition: OAuth1SandboxDefinition = {
  oauth: '1.0a',
  authorizePath: '/authorize',
  requestTokenPath: '/request_token',
  accessTokenPath: '/access_token',
  signatureMethod: 'HMAC-SHA1',
  tokenResponseExtras: (accountId) => ({ user: accountId }),
  account: { path: '/me', respond: (accountId) => ({ id: accountId }) },
  apiPath: '/data',
  revoke: { method: 'DELETE', path: '/registration', status: 204 },
  exchange: { path: '/exchange', successor: 'next', tokenLivesOnSeconds: 1_000 },
};

const next: OAuth2SandboxDefinition = {
  oauth: '2.0',
  authorizePath: '/authorize',
  tokenPath: '/token',
  clientAuthentication: 'body',
  pkce: 'required',
  scopeSeparator: ' ',
  scopes: [],
  scopeInTokenResponse: false,
  codeLifetimeSeconds: 60,
  accessTokenLifetimeSeconds: 500,
  refreshTokenLifetimeSeconds: 5_000,
  rotation: 'always',
  reuse: 'error',
  oldAccessTokenDiesOnRefresh: false,
  apiPath: '/data',
};

let sandbox: VendorSandbox;
let clock: TestClock;
let url: string;

beforeAll(async () => {
  ({ sandbox, clock } = await startSandbox({ one: definition, two: definition, next }));
  url = sandbox.provider('one').url;
});

afterAll(() => sandbox.stop());

beforeEach(() => sandbox.provider('one').revokeGrant('all'));

interface Credentials {
  readonly token: string;
  readonly tokenSecret: string;
}

async function signed(method: string, path: string, changes: Partial<Signing> = {}): Promise<Reply> {
  return signedCall(method, url + path, { slug: 'one', timestampSeconds: clock.ms / 1000, ...changes });
}

function credentials(reply: Reply): Credentials {
  const form = new URLSearchParams(reply.text);
  return { token: form.get('oauth_token') ?? '', tokenSecret: form.get('oauth_token_secret') ?? '' };
}

async function requestToken(): Promise<Credentials> {
  return credentials(await signed('POST', '/request_token', { extra: { oauth_callback: callback } }));
}

function authorizeUrl(token: string): string {
  return `${url}/authorize?${new URLSearchParams({ oauth_token: token }).toString()}`;
}

async function approved(user: ConsentOptions = {}): Promise<Credentials & { readonly verifier: string }> {
  const temporary = await requestToken();
  const landed = await consent(authorizeUrl(temporary.token), user);
  return { ...temporary, verifier: landed.searchParams.get('oauth_verifier') ?? '' };
}

async function exchange({ token, tokenSecret, verifier }: Credentials & { verifier: string }): Promise<Reply> {
  return signed('POST', '/access_token', { token, tokenSecret, extra: { oauth_verifier: verifier } });
}

async function link(account?: string): Promise<Credentials> {
  return credentials(await exchange(await approved(account === undefined ? {} : { account })));
}

/** The fake's `oauth_problem`. */
function problem(reply: Reply): unknown {
  return [reply.status, new URLSearchParams(reply.text).get('oauth_problem')];
}

describe('temporary credentials', () => {
  it('are form-encoded, with the callback confirmed', async () => {
    const reply = await signed('POST', '/request_token', { extra: { oauth_callback: callback } });
    const form = new URLSearchParams(reply.text);
    expect(reply.status).toBe(200);
    expect(reply.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect([...form.keys()]).toEqual(['oauth_token', 'oauth_token_secret', 'oauth_callback_confirmed']);
    expect(form.get('oauth_callback_confirmed')).toBe('true');
  });

  it('need a signed oauth_callback that is an accepted URL', async () => {
    expect(problem(await signed('POST', '/request_token'))).toEqual([401, 'parameter_absent']);
    for (const bad of ['oob', '/callback', 'http://example.com/', `${callback}#x`]) {
      const reply = await signed('POST', '/request_token', { extra: { oauth_callback: bad } });
      expect(problem(reply)).toEqual([401, 'parameter_rejected']);
    }
    const inQuery = await signed(
      'POST',
      `/request_token?${new URLSearchParams({ oauth_callback: callback }).toString()}`,
    );
    expect(problem(inQuery)).toEqual([401, 'parameter_rejected']);
  });

  it('need the right client and its secret', async () => {
    const extra = { oauth_callback: callback };
    const wrongSecret = await signed('POST', '/request_token', { extra, clientSecret: 'wrong' });
    expect(problem(wrongSecret)).toEqual([401, 'signature_invalid']);
    expect(wrongSecret.headers['www-authenticate']).toMatch(/^OAuth /);
    const other = await signed('POST', '/request_token', {
      extra,
      slug: 'two',
      clientSecret: sandboxClientSecret('one'),
    });
    expect(problem(other)).toEqual([401, 'consumer_key_unknown']);
    const token = await signed('POST', '/request_token', { extra, token: 'unknown' });
    expect(problem(token)).toEqual([401, 'token_rejected']);
    expect(problem(await call('POST', `${url}/request_token`))).toEqual([401, 'parameter_absent']);
    expect((await call('GET', `${url}/request_token`)).status).toBe(405);
  });
});

describe('authorize page', () => {
  it('sends token and verifier to a callback, and keeps its own query', async () => {
    const { token } = await requestToken();
    const landed = await consent(authorizeUrl(token));
    expect(landed.href.startsWith(`${callback}&oauth_token=`)).toBe(true);
    expect(landed.searchParams.get('oauth_token')).toBe(token);
    expect(landed.searchParams.get('oauth_verifier')).toMatch(/^ov/);
  });

  it('sends only denied=<token> when the user denies, and then takes neither page nor exchange', async () => {
    const temporary = await requestToken();
    const landed = await consent(authorizeUrl(temporary.token), { decision: 'deny' });
    expect([...landed.searchParams.keys()]).toEqual(['kept', 'denied']);
    expect(landed.searchParams.get('denied')).toBe(temporary.token);
    expect((await call('GET', authorizeUrl(temporary.token))).status).toBe(400);
    expect(problem(await exchange({ ...temporary, verifier: 'any' }))).toEqual([401, 'permission_denied']);
  });

  it('refuses an unknown, missing, repeated, expired or answered token, without a redirect', async () => {
    const [open, old] = [await requestToken(), await approved()];
    const query = new URLSearchParams({ oauth_token: open.token }).toString();
    for (const page of ['unknown', '']
      .map(authorizeUrl)
      .concat(`${url}/authorize?${query}&${query}`, authorizeUrl(old.token))) {
      expect((await call('GET', page)).status).toBe(400);
    }
    clock.advance(600);
    expect((await call('GET', authorizeUrl(open.token))).status).toBe(400);
  });

  it('takes the first answer only when the page was opened twice', async () => {
    const { token } = await requestToken();
    const [first, second] = [await openedForm(token), await openedForm(token)];
    expect((await submit(first, 'approve')).status).toBe(302);
    expect((await submit(second, 'deny')).status).toBe(400);
  });

  async function openedForm(token: string): Promise<string> {
    return /name="request" value="([^"]+)"/.exec((await call('GET', authorizeUrl(token))).text)?.[1] ?? '';
  }

  async function submit(request: string, decision: string): Promise<Reply> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return call('POST', `${url}/_consent`, { headers, body: `request=${request}&decision=${decision}` });
  }
});

describe('token credentials', () => {
  it('are exchanged for the verifier and work, for the account that was chosen', async () => {
    const reply = await exchange(await approved({ account: '42' }));
    expect(reply.status).toBe(200);
    expect(new URLSearchParams(reply.text).get('user')).toBe('42');
    const token = credentials(reply);
    expect(json(await signed('GET', '/data?a=1&a=%20', token))).toMatchObject({ ok: true, account_id: '42' });
    expect(json(await signed('GET', '/me', token))).toEqual({ id: '42' });
  });

  it('are given once', async () => {
    const temporary = await approved();
    expect((await exchange(temporary)).status).toBe(200);
    expect(problem(await exchange(temporary))).toEqual([401, 'token_used']);
  });

  it('need the verifier in the signed header, and the right one', async () => {
    const temporary = await approved();
    const { token, tokenSecret, verifier } = temporary;
    const inBody = await signed('POST', '/access_token', { token, tokenSecret, form: { oauth_verifier: verifier } });
    expect(problem(inBody)).toEqual([401, 'parameter_rejected']);
    expect(problem(await signed('POST', '/access_token', { token, tokenSecret }))).toEqual([401, 'parameter_absent']);
    expect(problem(await exchange({ ...temporary, verifier: `${verifier}x` }))).toEqual([401, 'verifier_invalid']);
    const other = await approved();
    expect(problem(await exchange({ ...temporary, verifier: other.verifier }))).toEqual([401, 'verifier_invalid']);
    expect((await exchange(temporary)).status).toBe(200);
  });

  it('need approval, the temporary secret, and a temporary token that is known and not expired', async () => {
    const open = await requestToken();
    expect(problem(await exchange({ ...open, verifier: 'x' }))).toEqual([401, 'permission_denied']);
    const temporary = await approved();
    expect(problem(await exchange({ ...temporary, tokenSecret: '' }))).toEqual([401, 'signature_invalid']);
    expect(problem(await exchange({ ...temporary, token: 'unknown' }))).toEqual([401, 'token_rejected']);
    expect(problem(await signed('POST', '/access_token'))).toEqual([401, 'token_rejected']);
    clock.advance(600);
    expect(problem(await exchange(temporary))).toEqual([401, 'token_rejected']);
  });
});

describe('signed calls', () => {
  it('are accepted with any method and a form body, and below the API path', async () => {
    const token = await link();
    expect((await signed('POST', '/data/1?b=2', { ...token, form: { 'a b': "c+d!*'()~" } })).status).toBe(200);
  });

  it('are refused without a token, with a temporary one, with a wrong secret, and replayed', async () => {
    const token = await link();
    expect(problem(await signed('GET', '/data'))).toEqual([401, 'token_rejected']);
    expect(problem(await signed('GET', '/data', await requestToken()))).toEqual([401, 'token_rejected']);
    expect(problem(await signed('GET', '/data', { ...token, tokenSecret: 'x' }))).toEqual([401, 'signature_invalid']);
    expect((await signed('GET', '/data', { ...token, nonce: 'once' })).status).toBe(200);
    expect(problem(await signed('GET', '/data', { ...token, nonce: 'once' }))).toEqual([401, 'nonce_used']);
    const late = await signed('GET', '/me', { ...token, timestampSeconds: clock.ms / 1000 - 301 });
    expect(problem(late)).toEqual([401, 'timestamp_refused']);
  });

  it('end the grant by DELETE, for that token and no other', async () => {
    const [one, other] = [await link(), await link()];
    expect(problem(await signed('DELETE', '/registration', { ...one, tokenSecret: 'x' }))).toEqual([
      401,
      'signature_invalid',
    ]);
    expect((await signed('DELETE', '/registration', one)).status).toBe(204);
    expect(problem(await signed('GET', '/data', one))).toEqual([401, 'token_rejected']);
    expect((await signed('GET', '/data', other)).status).toBe(200);
    expect(sandbox.provider('one').liveGrants()).toHaveLength(1);
  });

  it('exchange a token once for a grant of the successor, and live on for a while', async () => {
    const token = await link('77');
    expect(problem(await signed('POST', '/exchange', { ...token, tokenSecret: 'x' }))).toEqual([
      401,
      'signature_invalid',
    ]);
    expect((await signed('GET', '/exchange', token)).status).toBe(405);
    const reply = await signed('POST', '/exchange', token);
    const fields = json(reply);
    expect(reply.status).toBe(200);
    expect(fields).toMatchObject({ token_type: 'bearer', expires_in: 500, refresh_token_expires_in: 5_000 });
    const successor = new OAuth2Driver(sandbox.provider('next'));
    expect(json(await successor.api(String(fields['access_token'])))).toMatchObject({ ok: true, account_id: '77' });
    expect((await successor.refresh(String(fields['refresh_token']))).status).toBe(200);
    expect(problem(await signed('POST', '/exchange', token))).toEqual([401, 'token_used']);
    expect((await signed('GET', '/data', token)).status).toBe(200);
    expect(sandbox.provider('next').liveGrants()).toHaveLength(1);
    clock.advance(1_000);
    expect(problem(await signed('GET', '/data', token))).toEqual([401, 'token_rejected']);
  });

  it('end the exchanged grant too, since the provider knows the user once', async () => {
    sandbox.provider('next').revokeGrant('all');
    const token = await link('78');
    await signed('POST', '/exchange', token);
    expect(sandbox.provider('next').liveGrants()).toHaveLength(1);
    expect((await signed('DELETE', '/registration', token)).status).toBe(204);
    expect(sandbox.provider('next').liveGrants()).toEqual([]);
  });

  it("are refused at another fake, and after the user's withdrawal", async () => {
    const token = await link('8');
    const elsewhere = { slug: 'two', timestampSeconds: clock.ms / 1000, ...token };
    expect(problem(await signedCall('GET', `${sandbox.provider('two').url}/data`, elsewhere))).toEqual([
      401,
      'token_rejected',
    ]);
    sandbox.provider('one').revokeGrant('8');
    expect(problem(await signed('GET', '/data', token))).toEqual([401, 'token_rejected']);
  });

  it('leave a history without secrets', async () => {
    const before = sandbox.provider('one').history.length;
    const token = await link();
    await signed('GET', '/data', token);
    const entries = sandbox.provider('one').history.slice(before);
    expect(entries.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      'request_token ok',
      'authorize ok',
      'consent ok',
      'access_token ok',
      'api ok',
    ]);
    expect(new Set(entries.slice(3).map(({ familyId }) => familyId)).size).toBe(1);
    expect(entries[4]?.authorizationScheme).toBe('oauth');
    expect(JSON.stringify(entries)).not.toContain(token.token);
  });
});
