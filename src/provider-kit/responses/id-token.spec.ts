import { beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWK } from 'jose';
import { verifyIdToken, type IdTokenExpectation } from './id-token.js';

const now = new Date('2026-11-22T10:00:00Z');
const nowSeconds = now.getTime() / 1_000;
const claims = {
  iss: 'https://issuer.example',
  aud: 'client-1',
  sub: 'user-at-provider',
  iat: nowSeconds,
  exp: nowSeconds + 600,
  nonce: 'nonce-of-this-link',
};

const named = { userId: claims.sub, formerUserId: undefined };

let signingKey: CryptoKey;
let keys: { keys: JWK[] };
let expected: IdTokenExpectation;

beforeAll(async () => {
  const pair = await generateKeyPair('ES256');
  signingKey = pair.privateKey;
  keys = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'key-1', alg: 'ES256' }] };
  expected = {
    displayName: 'Example',
    issuers: [claims.iss],
    account: { from: 'id-token' },
    clientId: claims.aud,
    nonce: claims.nonce,
    keys,
    now,
  };
});

function sign(change: object, key: CryptoKey = signingKey): Promise<string> {
  return new SignJWT({ ...claims, ...change }).setProtectedHeader({ alg: 'ES256', kid: 'key-1' }).sign(key);
}

describe('verifyIdToken', () => {
  it('returns the subject of a token that is for this client, this link and this time (AR-18)', async () => {
    expect(await verifyIdToken(await sign({}), expected)).toEqual(named);
    expect(await verifyIdToken(await sign({ aud: ['client-1', 'other'], azp: 'client-1' }), expected)).toEqual(named);
  });

  it.each([
    ['another issuer', { iss: 'https://other.example' }],
    ['an issuer that only looks the same', { iss: 'https://issuer.example/' }],
    ['another audience', { aud: 'client-2' }],
    ['several audiences without saying whom it was issued to', { aud: ['client-1', 'client-2'] }],
    ['an end in the past', { exp: nowSeconds - 61 }],
    ['no end', { exp: undefined }],
    ['another nonce', { nonce: 'nonce-of-another-link' }],
    ['no nonce', { nonce: undefined }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
  ])('refuses a token with %s (AR-18)', async (_name, change) => {
    await expect(verifyIdToken(await sign(change), expected)).rejects.toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
  });

  it('takes a token of each issuer that the provider has had, compared as it is (AR-18)', async () => {
    const several = { ...expected, issuers: [claims.iss, 'https://other.example'] };
    for (const iss of several.issuers) {
      expect(await verifyIdToken(await sign({ iss }), several)).toEqual(named);
    }
    for (const iss of ['https://third.example', 'https://other.example/', 'HTTPS://other.example', '', undefined]) {
      await expect(verifyIdToken(await sign({ iss }), several)).rejects.toMatchObject({
        code: 'TOKEN_RESPONSE_INVALID',
      });
    }
  });

  it('takes only the algorithms that the provider documents (AR-18)', async () => {
    const account = { from: 'id-token', algorithms: ['RS256', 'PS256'] } as const;
    await expect(verifyIdToken(await sign({}), { ...expected, account })).rejects.toMatchObject({
      code: 'TOKEN_RESPONSE_INVALID',
    });
    const withES256 = { ...account, algorithms: ['ES256'] } as const;
    expect(await verifyIdToken(await sign({}), { ...expected, account: withES256 })).toEqual(named);
  });

  it("reads the user from the provider's claim, and the former id beside it (AR-18)", async () => {
    const account = { from: 'id-token', claim: 'openid', formerClaim: 'sub' } as const;
    expect(await verifyIdToken(await sign({ openid: 'open-1' }), { ...expected, account })).toEqual({
      userId: 'open-1',
      formerUserId: claims.sub,
    });
    for (const openid of [undefined, '', 7, 'x'.repeat(256)]) {
      await expect(verifyIdToken(await sign({ openid }), { ...expected, account })).rejects.toMatchObject({
        code: 'TOKEN_RESPONSE_INVALID',
      });
    }
  });

  it('checks every claim where the provider documents no keys, too (AR-18)', async () => {
    const withoutKeys = { ...expected, keys: undefined };
    expect(await verifyIdToken(await sign({}), withoutKeys)).toEqual(named);
    for (const change of [
      { aud: 'client-2' },
      { exp: nowSeconds - 61 },
      { nonce: 'other' },
      { iss: 'https://x.example' },
    ]) {
      await expect(verifyIdToken(await sign(change), withoutKeys)).rejects.toMatchObject({
        code: 'TOKEN_RESPONSE_INVALID',
      });
    }
  });

  it('refuses a signature by another key (AR-18)', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    await expect(verifyIdToken(await sign({}, privateKey), expected)).rejects.toMatchObject({
      code: 'TOKEN_RESPONSE_INVALID',
    });
  });

  it('refuses a token without a signature, and one signed with the public key as a shared secret (AR-18)', async () => {
    const unsigned = new UnsecuredJWT(claims).encode();
    const secret = new TextEncoder().encode(JSON.stringify(keys.keys[0]));
    const symmetric = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'key-1' }).sign(secret);
    for (const token of [unsigned, symmetric]) {
      await expect(verifyIdToken(token, expected)).rejects.toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
    }
  });

  it('refuses a shared secret even where the provider publishes one (AR-18)', async () => {
    const secret = new TextEncoder().encode('not-a-real-secret-of-32-characters');
    const symmetric = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'shared' }).sign(secret);
    const shared = {
      keys: [{ kty: 'oct', kid: 'shared', alg: 'HS256', k: Buffer.from(secret).toString('base64url') }],
    };
    await expect(verifyIdToken(symmetric, { ...expected, keys: shared })).rejects.toMatchObject({
      code: 'TOKEN_RESPONSE_INVALID',
    });
  });

  it('refuses a response without a token, text that is none, and keys that are none', async () => {
    const token = await sign({});
    await expect(verifyIdToken(undefined, expected)).rejects.toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
    await expect(verifyIdToken('not-a-token', expected)).rejects.toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
    for (const wrong of [{}, { keys: [] }, 'text', null]) {
      await expect(verifyIdToken(token, { ...expected, keys: wrong })).rejects.toMatchObject({
        code: 'TOKEN_RESPONSE_INVALID',
      });
    }
  });

  it('quotes neither the token nor its claims (LOG-03)', async () => {
    const token = await sign({ aud: 'client-2', email: 'person@example.test' });
    const error: unknown = await verifyIdToken(token, expected).catch((reason: unknown) => reason);
    const text = error instanceof Error ? `${error.message} ${String(error.cause)}` : '';
    expect(text).toContain('not valid');
    expect(text).not.toMatch(/client-2|person@|eyJ/);
  });
});
