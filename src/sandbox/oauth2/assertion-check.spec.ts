import { createPrivateKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import { sandboxClientId, sandboxClientSecret } from '../../provider-kit/definition/provider-settings.js';
import { sandboxAssertionKey } from '../../provider-kit/definition/sandbox-credentials.js';
import { plainDefinition } from '../testing/plain-definition.js';
import { basic, json, postForm, startSandbox, type Fields, type TestClock } from '../testing/sandbox-driver.js';
import type { VendorSandbox } from '../vendor-sandbox.js';

const { keyId, privateKeyPem } = sandboxAssertionKey('keyed');
const accepted = [400, 'invalid_grant'];
const refused = [401, 'invalid_client'];

let sandbox: VendorSandbox;
let clock: TestClock;

beforeAll(async () => {
  const keyed = { ...plainDefinition, clientAuthentication: 'private_key_jwt' } as const;
  ({ sandbox, clock } = await startSandbox({ keyed, twin: keyed }));
});
afterAll(() => sandbox.stop());

/** An assertion that the fake accepts, but for the changes; `undefined` takes a claim away. */
function sign(
  claims: Readonly<Record<string, unknown>> = {},
  header: { alg?: string; kid?: string; typ?: string } = {},
  key: KeyObject = createPrivateKey(privateKeyPem),
): Promise<string> {
  const clientId = sandboxClientId('keyed');
  const exp = clock.ms / 1_000 + 300;
  const aud = `${sandbox.provider('keyed').url}/token`;
  return new SignJWT({ iss: clientId, sub: clientId, aud, exp, jti: randomUUID(), ...claims })
    .setProtectedHeader({ alg: 'ES384', kid: keyId, typ: 'JWT', ...header })
    .sign(key);
}

async function send(assertion: string | undefined, change: Fields = {}, headers = {}): Promise<unknown[]> {
  const fields = {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
    grant_type: 'refresh_token',
    refresh_token: 'unknown',
  };
  const reply = await postForm(`${sandbox.provider('keyed').url}/token`, { ...fields, ...change }, headers);
  return [reply.status, json(reply)['error']];
}

describe('a client assertion at a fake', () => {
  it('is accepted with or without the client id beside it', async () => {
    expect(await send(await sign())).toEqual(accepted);
    expect(await send(await sign(), { client_id: sandboxClientId('keyed') })).toEqual(accepted);
  });

  it('is accepted once', async () => {
    const assertion = await sign();
    expect(await send(assertion)).toEqual(accepted);
    expect(await send(assertion)).toEqual(refused);
  });

  it.each<[string, () => Record<string, unknown>]>([
    ['for another server', () => ({ aud: `${sandbox.provider('twin').url}/token` })],
    ['for another endpoint', () => ({ aud: `${sandbox.provider('keyed').url}/revoke` })],
    ['for several', () => ({ aud: [`${sandbox.provider('keyed').url}/token`, 'https://other.test'] })],
    ['for nobody', () => ({ aud: undefined })],
    ['from another client', () => ({ iss: 'other' })],
    ['about another client', () => ({ sub: 'other' })],
    ['without exp', () => ({ exp: undefined })],
    ['that is expired', () => ({ exp: clock.ms / 1_000 })],
    ['that lives longer than five minutes', () => ({ exp: clock.ms / 1_000 + 301 })],
    ['without jti', () => ({ jti: undefined })],
  ])('is refused %s', async (_what, changes) => {
    expect(await send(await sign(changes()))).toEqual(refused);
  });

  it('is refused with another key, another name of the key, or another algorithm', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    expect(await send(await sign({}, {}, other))).toEqual(refused);
    expect(await send(await sign({}, { kid: 'other' }))).toEqual(refused);
    const [, payload] = (await sign()).split('.');
    expect(await send(`${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`)).toEqual(refused);
  });

  it('is refused beside a secret, beside Basic, for another client id, and under another type', async () => {
    expect(await send(await sign(), { client_secret: sandboxClientSecret('keyed') })).toEqual(refused);
    expect(await send(await sign(), {}, { authorization: basic('keyed') })).toEqual(refused);
    expect(await send(await sign(), { client_id: 'other' })).toEqual(refused);
    expect(await send(await sign(), { client_assertion_type: 'other' })).toEqual(refused);
    expect(await send(undefined)).toEqual(refused);
  });
});
