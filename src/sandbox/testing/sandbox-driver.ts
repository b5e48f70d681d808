import { createHash, createHmac, createPrivateKey, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { consent, type ConsentOptions } from './consent.js';
import { sandboxClientId, sandboxClientSecret } from '../../provider-kit/definition/provider-settings.js';
import { sandboxSigningKey } from '../../provider-kit/definition/sandbox-credentials.js';
import type { SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import type { FakeProvider } from '../fake-provider.js';
import { VendorSandbox } from '../vendor-sandbox.js';
import { request } from './request.js';

export const callback = 'http://localhost:3000/v1/oauth/x/callback?kept=%2Fas+is';

/** The pair of RFC 7636 appendix B. */
export const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
export const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

export type Fields = Readonly<Record<string, string | undefined>>;

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** A clock that moves only by hand. */
export class TestClock {
  ms = Date.UTC(2026, 0, 1);

  advance(seconds: number): void {
    this.ms += seconds * 1000;
  }
}

/** One sandbox with a clock of its own. */
export async function startSandbox(
  providers: Readonly<Record<string, SandboxDefinition>>,
): Promise<{ sandbox: VendorSandbox; clock: TestClock }> {
  const clock = new TestClock();
  const sandbox = await VendorSandbox.start({ providers: new Map(Object.entries(providers)), now: () => clock.ms });
  return { sandbox, clock };
}

export function encodeForm(fields: Fields): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) {
      form.append(name, value);
    }
  }
  return form.toString();
}

/** One HTTP call; redirects are not followed. */
export async function call(
  method: string,
  url: string,
  options: { headers?: Record<string, string>; body?: string } = {},
): Promise<Reply> {
  const reply = await request(url, {
    method: method as 'GET',
    headers: options.headers ?? {},
    ...(options.body === undefined ? {} : { body: options.body }),
  });
  return { status: reply.statusCode, headers: reply.headers, text: await reply.body.text() };
}

/** Opens a URL that redirects at once, and returns the target. */
export async function redirected(url: string): Promise<URL> {
  return new URL(String((await call('GET', url)).headers['location']));
}

export function json(reply: Reply): Record<string, unknown> {
  return JSON.parse(reply.text) as Record<string, unknown>;
}

export async function postForm(url: string, fields: Fields, headers: Record<string, string> = {}): Promise<Reply> {
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  return call('POST', url, { headers: { ...type, ...headers }, body: encodeForm(fields) });
}

/** `Authorization: Basic` (RFC 6749 section 2.3.1). */
export function basic(slug: string, secret = sandboxClientSecret(slug)): string {
  const encode = (part: string): string => new URLSearchParams({ '': part }).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(sandboxClientId(slug))}:${encode(secret)}`).toString('base64')}`;
}

/** A valid client secret of a provider that wants a JWT, with these changes; `undefined` removes a claim. */
export async function signedClientSecret(
  slug: string,
  claims: Readonly<Record<string, unknown>>,
  header: { alg?: string; kid?: string } = {},
  privateKeyPem = sandboxSigningKey(slug).privateKeyPem,
): Promise<string> {
  const { teamId, keyId } = sandboxSigningKey(slug);
  return new SignJWT({ iss: teamId, sub: sandboxClientId(slug), ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: keyId, ...header })
    .sign(createPrivateKey(privateKeyPem));
}

/** Drives one OAuth 2.0 fake as its definition says. A test can alter every step. */
export class OAuth2Driver {
  readonly #definition;

  constructor(readonly fake: FakeProvider) {
    if (fake.definition.oauth !== '2.0') {
      throw new Error('not OAuth 2.0');
    }
    this.#definition = fake.definition;
  }

  authorizeUrl(changes: Fields = {}): string {
    const { scopes, pkce, scopeSeparator, authorizePath, authorizeParams, scopeParameter } = this.#definition;
    const query = encodeForm({
      response_type: 'code',
      client_id: sandboxClientId(this.fake.slug),
      redirect_uri: callback,
      state: 'state-of-the-test',
      [scopeParameter ?? 'scope']: scopes.length > 0 ? scopes.join(scopeSeparator) : undefined,
      ...authorizeParams,
      ...(pkce === 'ignored' ? {} : { code_challenge: challenge, code_challenge_method: 'S256' }),
      ...changes,
    });
    return `${this.fake.url}${authorizePath}?${query}`;
  }

  async code(user: ConsentOptions = {}, changes: Fields = {}): Promise<string> {
    return (await consent(this.authorizeUrl(changes), user)).searchParams.get('code') ?? '';
  }

  async post(path: string, fields: Fields, headers: Record<string, string> = {}): Promise<Reply> {
    const { slug } = this.fake;
    const { clientAuthentication } = this.#definition;
    if (clientAuthentication === 'basic') {
      return postForm(this.fake.url + path, fields, { authorization: basic(slug), ...headers });
    }
    const client_secret = clientAuthentication === 'none' ? undefined : sandboxClientSecret(slug);
    const client = { client_id: sandboxClientId(slug), client_secret };
    return postForm(this.fake.url + path, { ...client, ...fields }, headers);
  }

  async exchange(code: string, changes: Fields = {}): Promise<Reply> {
    return this.post(this.#definition.tokenPath, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: callback,
      ...this.#definition.tokenParams,
      ...(this.#definition.pkce === 'ignored' ? {} : { code_verifier: verifier }),
      ...changes,
    });
  }

  async link(
    user: ConsentOptions = {},
  ): Promise<{ accessToken: string; refreshToken: string; fields: Record<string, unknown> }> {
    return tokens(await this.exchange(await this.code(user)));
  }

  async refresh(refreshToken: string, changes: Fields = {}): Promise<Reply> {
    const { scopeOnRefresh: scope, tokenPath, refreshPath = tokenPath, tokenParams } = this.#definition;
    return this.post(refreshPath, {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      scope,
      ...tokenParams,
      ...changes,
    });
  }

  async api(accessToken: string, path = this.#definition.apiPath, method = 'GET'): Promise<Reply> {
    return call(method, this.fake.url + path, { headers: { authorization: `Bearer ${accessToken}` } });
  }
}

export function tokens(reply: Reply): { accessToken: string; refreshToken: string; fields: Record<string, unknown> } {
  const fields = json(reply);
  return { accessToken: String(fields['access_token']), refreshToken: String(fields['refresh_token']), fields };
}

export interface Signing {
  readonly slug: string;
  readonly timestampSeconds: number;
  readonly token?: string;
  readonly tokenSecret?: string;
  readonly extra?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  readonly nonce?: string;
  readonly clientSecret?: string;
}

/** Signs and sends one OAuth 1.0a request. It shares no code with the verifier or the application. */
export async function signedCall(method: string, url: string, signing: Signing): Promise<Reply> {
  const { origin, pathname, searchParams } = new URL(url);
  const oauth: Record<string, string> = {
    oauth_consumer_key: sandboxClientId(signing.slug),
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(signing.timestampSeconds),
    oauth_nonce: signing.nonce ?? randomUUID(),
    oauth_version: '1.0',
    ...(signing.token === undefined ? {} : { oauth_token: signing.token }),
    ...signing.extra,
  };
  const escape = (text: string): string =>
    encodeURIComponent(text).replace(
      /[!'()*]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  const pairs = [...Object.entries(oauth), ...searchParams.entries(), ...Object.entries(signing.form ?? {})]
    .map(([name, value]) => `${escape(name)}=${escape(value)}`)
    .sort();
  const key = `${escape(signing.clientSecret ?? sandboxClientSecret(signing.slug))}&${escape(signing.tokenSecret ?? '')}`;
  const base = [method, origin + pathname, pairs.join('&')].map(escape).join('&');
  const signature = createHmac('sha1', key).update(base).digest('base64');
  const header = Object.entries({ ...oauth, oauth_signature: signature })
    .map(([name, value]) => `${escape(name)}="${escape(value)}"`)
    .join(', ');
  const headers: Record<string, string> = { authorization: `OAuth ${header}` };
  if (signing.form === undefined) {
    return call(method, url, { headers });
  }
  headers['content-type'] = 'application/x-www-form-urlencoded';
  return call(method, url, { headers, body: encodeForm(signing.form) });
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function sha256Fingerprint(text: string): string {
  return sha256(text).slice(0, 12);
}
