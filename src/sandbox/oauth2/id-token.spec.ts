import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, decodeJwt, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { sandboxClientId } from '../../provider-kit/definition/provider-settings.js';
import { call, json, OAuth2Driver, startSandbox, tokens, type TestClock } from '../testing/sandbox-driver.js';
import { plainDefinition } from '../testing/plain-definition.js';
import type { VendorSandbox } from '../vendor-sandbox.js';

const issuer = 'https://identity.example.test';

let sandbox: VendorSandbox;
let clock: TestClock;
const driver = (slug: string): OAuth2Driver => new OAuth2Driver(sandbox.provider(slug));

beforeAll(async () => {
  const idToken = { issuer, algorithm: 'RS256', jwksPath: '/keys' } as const;
  ({ sandbox, clock } = await startSandbox({
    rsa: { ...plainDefinition, idToken },
    ec: { ...plainDefinition, idToken: { ...idToken, algorithm: 'ES256', onRefresh: true } },
    without: plainDefinition,
  }));
});

afterAll(() => sandbox.stop());

async function keys(slug: string): Promise<JSONWebKeySet> {
  return json(await call('GET', `${sandbox.provider(slug).url}/keys`)) as unknown as JSONWebKeySet;
}

async function verified(slug: string, idToken: unknown): Promise<JWTPayload> {
  const currentDate = new Date(clock.ms);
  return (await jwtVerify(String(idToken), createLocalJWKSet(await keys(slug)), { currentDate })).payload;
}

describe.each([
  ['rsa', 'RS256', 'RSA'],
  ['ec', 'ES256', 'EC'],
])('ID token of a fake with %s', (slug, algorithm, keyType) => {
  it('comes with an exchange, signed with a published key, and names the user', async () => {
    const code = await driver(slug).code({ account: '77' }, { nonce: 'the-nonce' });
    const { id_token: idToken } = json(await driver(slug).exchange(code));
    const seconds = clock.ms / 1000;
    expect(await verified(slug, idToken)).toEqual({
      iss: issuer,
      aud: sandboxClientId(slug),
      sub: '77',
      iat: seconds,
      exp: seconds + 3600,
      nonce: 'the-nonce',
    });
  });

  it('is signed with keys of which only the public half is served', async () => {
    const { keys: list } = await keys(slug);
    expect(list).toHaveLength(1);
    expect(list[0]).toMatchObject({ kty: keyType, use: 'sig', alg: algorithm, kid: expect.any(String) });
    expect(list[0]).not.toHaveProperty('d');
    expect(sandbox.provider(slug).history.at(-1)?.kind).toBe('jwks');
  });
});

describe('ID tokens', () => {
  it('have no nonce when the authorize request had none', async () => {
    expect(decodeJwt(String((await driver('rsa').link()).fields['id_token']))).not.toHaveProperty('nonce');
  });

  it('come with a refresh only where the provider says so, and then without nonce', async () => {
    const { refreshToken } = await driver('rsa').link();
    expect(json(await driver('rsa').refresh(refreshToken))).not.toHaveProperty('id_token');
    const first = tokens(await driver('ec').exchange(await driver('ec').code({ account: '78' }, { nonce: 'n' })));
    const refreshed = json(await driver('ec').refresh(first.refreshToken));
    const claims = await verified('ec', refreshed['id_token']);
    expect(claims).toMatchObject({ sub: '78' });
    expect(claims).not.toHaveProperty('nonce');
  });

  it('are signed by each fake with a key of its own', async () => {
    const { fields } = await driver('ec').link();
    await expect(verified('rsa', fields['id_token'])).rejects.toThrow();
  });

  it('are absent where the provider issues none, and so are the keys', async () => {
    expect((await driver('without').link()).fields).not.toHaveProperty('id_token');
    expect((await call('GET', `${sandbox.provider('without').url}/keys`)).status).toBe(404);
    expect(() => sandbox.provider('without').misbehave({ endpoint: 'jwks', type: 'drop' })).toThrow(
      'no endpoint "jwks"',
    );
  });

  it('cannot be verified while the keys are ordered away', async () => {
    sandbox.provider('rsa').misbehave({ endpoint: 'jwks', type: 'status', code: 503 });
    expect((await call('GET', `${sandbox.provider('rsa').url}/keys`)).status).toBe(503);
  });
});
