import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CompactSign, jwtVerify, SignJWT, UnsecuredJWT, type JWTHeaderParameters } from 'jose';
import { Clock } from '../clock/clock.js';
import { ProviderHttpClient } from '../provider-kit/http/http-client.js';
import { OutboundPolicy } from '../provider-kit/http/outbound-policy.js';
import { startRecordingServer, type RecordingServer } from '../provider-kit/testing/recording-server.js';
import { readUserTokensConfig } from './user-tokens.config.js';
import { UserTokens } from './user-tokens.js';

const issuer = 'https://login.company.example/';
const audience = 'https://link.company.example';
const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' });

class SettableClock extends Clock {
  offsetMs = 0;

  override now(): Date {
    return new Date(Date.now() + this.offsetMs);
  }
}

let server: RecordingServer;
let response: { status?: number; body: string };
let http: ProviderHttpClient;
const clock = new SettableClock();

beforeEach(async () => {
  clock.offsetMs = 0;
  response = { body: keySet({ 'key-1': own.publicKey, 'key-2': elliptic.publicKey }) };
  server = await startRecordingServer(() => response);
  const policy = new OutboundPolicy();
  http = new ProviderHttpClient(policy);
});

afterEach(async () => {
  await http.onApplicationShutdown();
  await server.close();
});

function keySet(keys: Readonly<Record<string, KeyObject>>): string {
  return JSON.stringify({
    keys: Object.entries(keys).map(([kid, key]) => ({ ...key.export({ format: 'jwk' }), kid, use: 'sig' })),
  });
}

function userTokens(environment: Readonly<Record<string, string>> = {}): UserTokens {
  const config = readUserTokensConfig({
    USER_JWKS_URL: server.url,
    USER_JWT_ISSUER: issuer,
    USER_JWT_AUDIENCE: audience,
    ...environment,
  });
  return new UserTokens(config, http, new OutboundPolicy(), clock);
}

interface Forgery {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: KeyObject | Uint8Array;
}

/** A token that is right but for what the test changes. */
function sign({ claims = {}, header = {}, key = own.privateKey }: Forgery = {}): Promise<string> {
  const now = Math.floor(clock.now().getTime() / 1_000);
  const payload = { iss: issuer, aud: audience, sub: 'user-1', iat: now, exp: now + 300, ...claims };
  const protectedHeader = { alg: 'RS256', kid: 'key-1', typ: 'JWT', ...header } as JWTHeaderParameters;
  return new SignJWT(payload).setProtectedHeader(protectedHeader).sign(key);
}

const seconds = (from: number): number => Math.floor(Date.now() / 1_000) + from;

describe('a user token', () => {
  it('names its user, without a scope, limited to that user', async () => {
    expect(await userTokens().authenticate(await sign())).toEqual({
      actor: 'user',
      scopes: new Set(),
      providers: undefined,
      userId: 'user-1',
    });
  });

  it.each<[string, Forgery]>([
    ['without a type', { header: { typ: undefined } }],
    ['of the type at+jwt', { header: { typ: 'at+jwt' } }],
    ['for several audiences', { claims: { aud: ['https://other.example', audience] } }],
    ['that ended within the tolerance', { claims: { exp: seconds(-3) } }],
    ['that does not tell when it was issued', { claims: { iat: undefined } }],
    ['issued by a clock that is a little ahead', { claims: { iat: seconds(3) } }],
    ['that lives a day', { claims: { exp: seconds(86_400) } }],
    ['signed with ES256', { header: { alg: 'ES256', kid: 'key-2' }, key: elliptic.privateKey }],
  ])('%s is accepted', async (_, forgery) => {
    await expect(userTokens().authenticate(await sign(forgery))).resolves.toMatchObject({ userId: 'user-1' });
  });

  it('has its user where USER_JWT_USER_CLAIM says', async () => {
    const environment = { USER_JWT_USER_CLAIM: 'https://company.example/user' };
    const token = await sign({ claims: { 'https://company.example/user': 'user-7' } });
    await expect(userTokens(environment).authenticate(token)).resolves.toMatchObject({ userId: 'user-7' });
    await expect(userTokens(environment).authenticate(await sign())).rejects.toMatchObject({
      code: 'USER_TOKEN_INVALID',
    });
  });

  // The second column switches the defence off: then the same token passes.
  it.each<[string, Forgery, Readonly<Record<string, string>> | undefined]>([
    ['of another issuer', { claims: { iss: 'https://evil.example/' } }, { USER_JWT_ISSUER: 'https://evil.example/' }],
    [
      'of an issuer that differs in a slash',
      { claims: { iss: issuer.slice(0, -1) } },
      { USER_JWT_ISSUER: issuer.slice(0, -1) },
    ],
    ['for another service', { claims: { aud: 'https://shop.example' } }, { USER_JWT_AUDIENCE: 'https://shop.example' }],
    ['with an algorithm that is not listed', { header: { alg: 'RS512' } }, { USER_JWT_ALGORITHMS: 'RS512' }],
    ['that has expired', { claims: { exp: seconds(-60) } }, undefined],
    ['without an end', { claims: { exp: undefined } }, undefined],
    ['that is not valid yet', { claims: { nbf: seconds(60) } }, undefined],
    ['without an issuer', { claims: { iss: undefined } }, undefined],
    ['without an audience', { claims: { aud: undefined } }, undefined],
    ['without a user', { claims: { sub: undefined } }, undefined],
    ['with an empty user', { claims: { sub: '' } }, undefined],
    ['with a user of 256 characters', { claims: { sub: 'u'.repeat(256) } }, undefined],
    ['with a user of invisible characters', { claims: { sub: 'user\u202e-1' } }, undefined],
    ['of the type of a logout token', { header: { typ: 'logout+jwt' } }, undefined],
    ['of the type of a security event', { header: { typ: 'secevent+jwt' } }, undefined],
    ['signed with a key that nobody published', { key: foreign.privateKey }, undefined],
    ['without an end in sight', { claims: { exp: seconds(1_000 * 365 * 86_400) } }, undefined],
    [
      'that lives a minute longer than it may',
      { claims: { exp: seconds(86_460) } },
      { USER_JWT_MAX_LIFE_SECONDS: '90000' },
    ],
    [
      'that does not tell when it was issued, and lives too long',
      { claims: { iat: undefined, exp: seconds(86_460) } },
      undefined,
    ],
    ['that is issued in the future', { claims: { iat: seconds(60) } }, undefined],
    ['issued at a text', { claims: { iat: 'today' } }, undefined],
    ['that is bound to a key (RFC 9449)', { claims: { cnf: { jkt: 'a'.repeat(43) } } }, undefined],
    ['that is bound to a certificate (RFC 8705)', { claims: { cnf: { 'x5t#S256': 'a'.repeat(43) } } }, undefined],
    ['with an unknown critical extension', { header: { crit: ['exp2'], exp2: 1 } }, undefined],
    ['naming a key of another algorithm', { header: { kid: 'key-2' } }, undefined],
  ])('%s is refused', async (_, forgery, without) => {
    const token = await sign(forgery).catch(() => signUnknownExtension());
    await expect(userTokens().authenticate(token)).rejects.toMatchObject({ code: 'USER_TOKEN_INVALID' });
    if (without !== undefined) {
      await expect(userTokens(without).authenticate(token)).resolves.toMatchObject({ userId: 'user-1' });
    }
  });

  it('that brings its own key, or says where its keys are, is refused', async () => {
    const jwk = foreign.publicKey.export({ format: 'jwk' });
    for (const header of [{ jwk }, { jku: `${server.url}/evil` }, { x5u: `${server.url}/evil` }]) {
      const token = await sign({ header: header, key: foreign.privateKey });
      await expect(userTokens().authenticate(token)).rejects.toMatchObject({ code: 'USER_TOKEN_INVALID' });
    }
    expect(server.requests.map(({ target }) => target)).toEqual(['/', '/', '/']);
  });

  it('that ends at infinity is refused, which the library accepts (RFC 8725)', async () => {
    const claims = `{"iss":"${issuer}","aud":"${audience}","sub":"user-1","exp":1e400}`;
    const header = { alg: 'RS256', kid: 'key-1', typ: 'JWT' };
    const token = await new CompactSign(Buffer.from(claims)).setProtectedHeader(header).sign(own.privateKey);
    await expect(jwtVerify(token, own.publicKey)).resolves.toMatchObject({ payload: { exp: Infinity } });
    await expect(userTokens().authenticate(token)).rejects.toMatchObject({ code: 'USER_TOKEN_INVALID' });
  });

  it('without a signature is refused', async () => {
    const claims = { iss: issuer, aud: audience, sub: 'user-1', exp: seconds(300) };
    const token = new UnsecuredJWT(claims).encode();
    expect(userTokens().recognizes(token)).toBe(true);
    await expect(userTokens().authenticate(token)).rejects.toMatchObject({ code: 'USER_TOKEN_INVALID' });
    expect(UnsecuredJWT.decode(token).payload.sub).toBe('user-1');
  });

  it('signed with HS256 and the public key is refused, which a verifier that takes any algorithm accepts', async () => {
    const publicKey = new TextEncoder().encode(own.publicKey.export({ type: 'spki', format: 'pem' }).toString());
    const token = await sign({ header: { alg: 'HS256' }, key: publicKey });
    await expect(jwtVerify(token, publicKey)).resolves.toMatchObject({ payload: { sub: 'user-1' } });
    await expect(userTokens().authenticate(token)).rejects.toMatchObject({ code: 'USER_TOKEN_INVALID' });
  });

  it('is not looked for where users are not accepted, nor in an API key', async () => {
    const without = new UserTokens(readUserTokensConfig({}), http, new OutboundPolicy(), clock);
    expect(without.recognizes(await sign())).toBe(false);
    expect(userTokens().recognizes(`cuff_${'0'.repeat(18)}_${'a'.repeat(43)}`)).toBe(false);
  });
});

describe('the key set', () => {
  it('is read once for many tokens, and at most once more for many unknown keys', async () => {
    const tokens = userTokens();
    const good = await sign();
    await Promise.all(Array.from({ length: 50 }, () => tokens.authenticate(good)));
    expect(server.requests).toHaveLength(1);
    for (let index = 0; index < 200; index += 1) {
      const flood = await sign({ header: { kid: `made-up-${index}` } });
      await expect(tokens.authenticate(flood)).rejects.toMatchObject({ code: 'USER_TOKEN_INVALID' });
    }
    expect(server.requests).toHaveLength(1);
    await expect(tokens.authenticate(good)).resolves.toMatchObject({ userId: 'user-1' });
  });

  it.each([
    ['HTTP 500', { status: 500, body: '' }],
    ['a redirect', { status: 302, body: '' }],
    ['a page', { body: '<html>' }],
    ['something else', { body: '{"keys":1}' }],
    ['too much', { body: `{"keys":[],"more":"${'x'.repeat(1_100_000)}"}` }],
  ])("that responds with %s is the operator's matter, and is not asked again at once", async (_, wrong) => {
    response = wrong;
    const tokens = userTokens();
    const good = await sign();
    for (let attempt = 0; attempt < 20; attempt += 1) {
      await expect(tokens.authenticate(good)).rejects.toMatchObject({
        code: 'USER_KEYS_UNAVAILABLE',
        retryAfterSeconds: 5,
      });
    }
    expect(server.requests).toHaveLength(1);
  });

  it('that cannot be reached does not hold up tokens whose key is known', async () => {
    const tokens = userTokens();
    const good = await sign();
    await tokens.authenticate(good);
    response = { status: 500, body: '' };
    await expect(tokens.authenticate(await sign({ header: { kid: 'other' } }))).rejects.toBeDefined();
    await expect(tokens.authenticate(good)).resolves.toMatchObject({ userId: 'user-1' });
  });
});

describe('readUserTokensConfig', () => {
  const complete = { USER_JWKS_URL: 'https://login.example/keys', USER_JWT_ISSUER: 'i', USER_JWT_AUDIENCE: 'a' };

  it.each(['HS256', 'none', 'RS256,HS512', 'rs256', ','])('refuses USER_JWT_ALGORITHMS=%s', (list) => {
    expect(() => readUserTokensConfig({ ...complete, USER_JWT_ALGORITHMS: list })).toThrow('USER_JWT_ALGORITHMS');
  });

  it.each(Object.keys(complete))('refuses to do without %s', (name) => {
    expect(() => readUserTokensConfig({ ...complete, [name]: '' })).toThrow(name);
  });

  it.each(['http://login.example/keys', 'https://u:p@login.example/', 'login.example', 'file:///etc/keys'])(
    'refuses USER_JWKS_URL=%s',
    (url) => {
      expect(() => readUserTokensConfig({ ...complete, USER_JWKS_URL: url })).toThrow('USER_JWKS_URL');
    },
  );

  it('refuses plain http on loopback in production only', () => {
    const environment = { ...complete, USER_JWKS_URL: 'http://127.0.0.1:9/keys' };
    expect(readUserTokensConfig(environment).settings?.jwksUrl).toBe('http://127.0.0.1:9/keys');
    expect(() => readUserTokensConfig({ ...environment, NODE_ENV: 'production' })).toThrow('USER_JWKS_URL');
  });
});

/** The library refuses to sign an extension that it does not know; so does nobody who attacks. */
function signUnknownExtension(): Promise<string> {
  const now = seconds(0);
  return new SignJWT({ iss: issuer, aud: audience, sub: 'user-1', exp: now + 300 })
    .setProtectedHeader({ alg: 'RS256', kid: 'key-1', crit: ['exp2'], exp2: 1 })
    .sign(own.privateKey, { crit: { exp2: true } });
}
