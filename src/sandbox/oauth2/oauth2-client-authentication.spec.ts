import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sandboxClientId, sandboxClientSecret } from '../../provider-kit/definition/provider-settings.js';
import { sandboxSigningKey } from '../../provider-kit/definition/sandbox-credentials.js';
import {
  basic,
  json,
  OAuth2Driver,
  postForm,
  signedClientSecret,
  startSandbox,
  type Fields,
  type TestClock,
} from '../testing/sandbox-driver.js';
import { plainDefinition } from '../testing/plain-definition.js';
import type { VendorSandbox } from '../vendor-sandbox.js';

const issuer = 'https://identity.example.test';

let sandbox: VendorSandbox;
let clock: TestClock;

beforeAll(async () => {
  ({ sandbox, clock } = await startSandbox({
    public: { ...plainDefinition, clientAuthentication: 'none' },
    signed: {
      ...plainDefinition,
      clientAuthentication: 'es256-jwt',
      idToken: { issuer, algorithm: 'ES256', jwksPath: '/keys' },
    },
  }));
});

afterAll(() => sandbox.stop());

describe('a public client', () => {
  it('sends its id and no secret', async () => {
    const driver = new OAuth2Driver(sandbox.provider('public'));
    const { refreshToken } = await driver.link();
    expect((await driver.refresh(refreshToken)).status).toBe(200);
  });

  it.each<[string, Fields, Record<string, string>]>([
    ['a secret', { client_secret: sandboxClientSecret('public') }, {}],
    ['no id', { client_id: undefined }, {}],
    ['another id', { client_id: 'other' }, {}],
    ['Basic beside the id', {}, { authorization: basic('public') }],
    ['Basic in its place', { client_id: undefined }, { authorization: basic('public') }],
  ])('is refused with %s', async (_, fields, headers) => {
    const driver = new OAuth2Driver(sandbox.provider('public'));
    const exchange = { grant_type: 'authorization_code', code: await driver.code(), redirect_uri: 'https://x.test/' };
    const reply = await driver.post('/token', { ...exchange, ...fields }, headers);
    expect([reply.status, json(reply)['error']]).toEqual([401, 'invalid_client']);
  });
});

describe('a client secret that is a JWT', () => {
  const seconds = (): number => clock.ms / 1000;
  const right = (): Record<string, unknown> => ({ aud: issuer, iat: seconds(), exp: seconds() + 300 });

  async function send(secret: string | undefined, change: Fields = {}, headers = {}): Promise<unknown[]> {
    const fake = sandbox.provider('signed');
    const client = { client_id: sandboxClientId('signed'), client_secret: secret };
    const grant = { grant_type: 'refresh_token', refresh_token: 'unknown' };
    const reply = await postForm(`${fake.url}/token`, { ...client, ...grant, ...change }, headers);
    return [reply.status, json(reply)['error']];
  }

  const accepted = [400, 'invalid_grant'];
  const refused = [401, 'invalid_client'];

  it('is accepted for as long as six months', async () => {
    expect(await send(await signedClientSecret('signed', right()))).toEqual(accepted);
    const longest = { ...right(), exp: seconds() + 15_777_000 };
    expect(await send(await signedClientSecret('signed', longest))).toEqual(accepted);
  });

  it.each<[string, () => Record<string, unknown>]>([
    ['for another audience', () => ({ aud: 'https://other.test' })],
    ['for no audience', () => ({ aud: undefined })],
    ['from another team', () => ({ iss: sandboxSigningKey('other').teamId })],
    ['from no team', () => ({ iss: undefined })],
    ['for another client', () => ({ sub: 'other' })],
    ['for no client', () => ({ sub: undefined })],
    ['without iat', () => ({ iat: undefined })],
    ['issued in the future', () => ({ iat: seconds() + 1 })],
    ['without exp', () => ({ exp: undefined })],
    ['that is expired', () => ({ exp: seconds() })],
    ['that lives longer than six months', () => ({ exp: seconds() + 15_777_001 })],
  ])('is refused %s', async (_, changes) => {
    expect(await send(await signedClientSecret('signed', { ...right(), ...changes() }))).toEqual(refused);
  });

  it('is refused with another key, or another name of the key', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const other = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(await send(await signedClientSecret('signed', right(), {}, other))).toEqual(refused);
    const { keyId } = sandboxSigningKey('other');
    expect(await send(await signedClientSecret('signed', right(), { kid: keyId }))).toEqual(refused);
  });

  it('is refused with another algorithm, unsigned, and when it is the fixed secret', async () => {
    const [, payload] = (await signedClientSecret('signed', right())).split('.');
    const header = Buffer.from('{"alg":"none"}').toString('base64url');
    expect(await send(`${header}.${payload}.`)).toEqual(refused);
    expect(await send(sandboxClientSecret('signed'))).toEqual(refused);
    expect(await send(undefined)).toEqual(refused);
  });

  it('is refused beside Basic, or with another client_id in the form', async () => {
    const secret = await signedClientSecret('signed', right());
    expect(await send(secret, {}, { authorization: basic('signed') })).toEqual(refused);
    expect(await send(secret, { client_id: 'other' })).toEqual(refused);
  });

  it('is not possible in a fake that has no issuer', () => {
    const definition = { ...plainDefinition, clientAuthentication: 'es256-jwt' } as const;
    expect(() => sandbox.add('no-issuer', definition)).toThrow('idToken.issuer');
  });
});

describe('the signing key of the sandbox', () => {
  it('is the same every time, another for each slug, and on P-256', () => {
    expect(sandboxSigningKey('one')).toEqual(sandboxSigningKey('one'));
    const [one, two] = [sandboxSigningKey('one'), sandboxSigningKey('two')];
    for (const part of ['teamId', 'keyId', 'privateKeyPem'] as const) {
      expect(one[part]).not.toBe(two[part]);
    }
    expect(createPublicKey(one.privateKeyPem).asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  });
});
