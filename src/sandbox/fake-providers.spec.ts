import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fitbitOauth1Sandbox } from '../providers/fitbit-oauth1/fitbit-oauth1.sandbox.js';
import { fitbitSandbox } from '../providers/fitbit/fitbit.sandbox.js';
import { garminOauth1Sandbox } from '../providers/garmin-oauth1/garmin-oauth1.sandbox.js';
import { garminSandbox } from '../providers/garmin/garmin.sandbox.js';
import { ouraClassicSandbox } from '../providers/oura/oura.sandbox.js';
import { whoopSandbox } from '../providers/whoop/whoop.sandbox.js';
import type { OAuth1SandboxDefinition } from '../provider-kit/definition/sandbox-definition.js';
import { consent } from './testing/consent.js';
import {
  call,
  callback,
  encodeForm,
  json,
  OAuth2Driver,
  redirected,
  signedCall,
  startSandbox,
  tokens,
  type Reply,
  type TestClock,
} from './testing/sandbox-driver.js';
import type { VendorSandbox } from './vendor-sandbox.js';

let sandbox: VendorSandbox;
let clock: TestClock;

beforeAll(async () => {
  ({ sandbox, clock } = await startSandbox({
    whoop: whoopSandbox,
    garmin: garminSandbox,
    'garmin-oauth1': garminOauth1Sandbox,
    fitbit: fitbitSandbox,
    'fitbit-oauth1': fitbitOauth1Sandbox,
    oura: ouraClassicSandbox,
  }));
});

afterAll(() => sandbox.stop());

const driver = (slug: string): OAuth2Driver => new OAuth2Driver(sandbox.provider(slug));

describe.each(['whoop', 'garmin', 'fitbit', 'oura'])('%s', (slug) => {
  it('links, calls, refreshes, and calls again', async () => {
    const provider = driver(slug);
    const first = await provider.link({ account: '1234' });
    expect(json(await provider.api(first.accessToken))).toMatchObject({ ok: true, account_id: '1234' });
    const second = tokens(await provider.refresh(first.refreshToken));
    expect(json(await provider.api(second.accessToken))).toMatchObject({ ok: true, account_id: '1234' });
    expect((await provider.refresh(first.refreshToken)).status).toBe(400);
  });
});

describe('WHOOP', () => {
  it('gives no refresh token without offline, and wants offline at a refresh', async () => {
    const provider = driver('whoop');
    const code = await provider.code({}, { scope: 'read:profile' });
    expect(json(await provider.exchange(code))).not.toHaveProperty('refresh_token');
    const { refreshToken } = await provider.link();
    expect((await provider.refresh(refreshToken, { scope: undefined })).status).toBe(400);
  });

  it('names the account as an integer, ends the old access token at a refresh, and revokes by DELETE', async () => {
    const provider = driver('whoop');
    const { accessToken, refreshToken } = await provider.link({ account: '12' });
    expect(json(await provider.api(accessToken, '/developer/v2/user/profile/basic'))).toMatchObject({ user_id: 12 });
    const next = tokens(await provider.refresh(refreshToken)).accessToken;
    expect((await provider.api(accessToken)).status).toBe(401);
    expect((await provider.api(next, '/developer/v2/user/access', 'DELETE')).status).toBe(204);
    expect((await provider.api(next)).status).toBe(401);
  });
});

describe('Garmin', () => {
  it('insists on PKCE and takes no scope', async () => {
    const provider = driver('garmin');
    const without = await redirected(
      provider.authorizeUrl({ code_challenge: undefined, code_challenge_method: undefined }),
    );
    expect(without.searchParams.get('error')).toBe('invalid_request');
    const scoped = await redirected(provider.authorizeUrl({ scope: 'CONNECT_READ' }));
    expect(scoped.searchParams.get('error')).toBe('invalid_scope');
  });

  it('responds with its own fields, names the account by a call, and deregisters by DELETE', async () => {
    const provider = driver('garmin');
    const { accessToken, fields } = await provider.link({ account: '13' });
    expect(fields).toMatchObject({
      expires_in: 86_400,
      refresh_token_expires_in: 7_775_998,
      scope: 'PARTNER_WRITE PARTNER_READ CONNECT_READ CONNECT_WRITE',
      jti: expect.any(String),
    });
    expect(json(await provider.api(accessToken, '/wellness-api/rest/user/id'))).toEqual({ userId: '13' });
    expect((await provider.api(accessToken, '/wellness-api/rest/user/registration', 'DELETE')).status).toBe(204);
    expect((await provider.api(accessToken)).status).toBe(401);
  });
});

describe('Fitbit', () => {
  it('names the account in the token response, and quotes the refresh token in an error of its own shape', async () => {
    const provider = driver('fitbit');
    const { fields } = await provider.link({ account: '14' });
    expect(fields).toMatchObject({ user_id: '14', token_type: 'Bearer', expires_in: 28_800 });
    const error = json(await provider.refresh('some-refresh-token'));
    expect(error).toMatchObject({
      success: false,
      errors: [{ errorType: 'invalid_grant', message: expect.stringContaining('some-refresh-token') }],
    });
  });

  it('lets the user pick scopes, and revokes by POST with Basic', async () => {
    const provider = driver('fitbit');
    const { accessToken, refreshToken, fields } = await provider.link({ scopes: ['sleep', 'weight'] });
    expect(fields['scope']).toBe('sleep weight');
    expect((await provider.post('/oauth2/revoke', { token: refreshToken })).status).toBe(200);
    expect((await provider.api(accessToken)).status).toBe(401);
  });

  it('does not send a malformed request back to the application', async () => {
    expect((await call('GET', driver('fitbit').authorizeUrl({ scope: 'unknown' }))).status).toBe(400);
  });
});

describe('Oura, classic server', () => {
  it('grants the ticked scopes, and says so in callback and token response; no scope requests all', async () => {
    const provider = driver('oura');
    const landed = await consent(provider.authorizeUrl({ scope: undefined }), { scopes: ['daily', 'spo2'] });
    expect(landed.searchParams.get('scope')).toBe('daily spo2');
    expect(json(await provider.exchange(landed.searchParams.get('code') ?? ''))['scope']).toBe('daily spo2');
  });

  it('names the account by a call, and revokes with the access token in the query', async () => {
    const provider = driver('oura');
    const { accessToken } = await provider.link({ account: '15' });
    expect(json(await provider.api(accessToken, '/v2/usercollection/personal_info'))).toMatchObject({ id: '15' });
    const url = `${provider.fake.url}/oauth/revoke?${encodeForm({ access_token: accessToken })}`;
    expect((await call('POST', url)).status).toBe(200);
    expect((await provider.api(accessToken)).status).toBe(401);
  });
});

describe.each([
  ['garmin-oauth1', garminOauth1Sandbox],
  ['fitbit-oauth1', fitbitOauth1Sandbox],
])('%s', (slug, definition) => {
  it('links and accepts signed calls', async () => {
    const form = new URLSearchParams((await linked(slug, definition)).text);
    expect(form.get('encoded_user_id')).toBe(slug === 'fitbit-oauth1' ? '16' : null);
    const token = { token: form.get('oauth_token') ?? '', tokenSecret: form.get('oauth_token_secret') ?? '' };
    const signing = { slug, timestampSeconds: clock.ms / 1000, ...token };
    const { url } = sandbox.provider(slug);
    expect(json(await signedCall('GET', url + definition.apiPath, signing))).toMatchObject({
      ok: true,
      account_id: '16',
    });
    if (definition.revoke !== undefined && definition.account !== undefined) {
      expect(json(await signedCall('GET', url + definition.account.path, signing))).toEqual({ userId: '16' });
      expect((await signedCall('DELETE', url + definition.revoke.path, signing)).status).toBe(204);
      expect((await signedCall('GET', url + definition.apiPath, signing)).status).toBe(401);
    }
  });

  async function linked(name: string, definition: OAuth1SandboxDefinition): Promise<Reply> {
    const { url } = sandbox.provider(name);
    const signing = { slug: name, timestampSeconds: clock.ms / 1000 };
    const reply = await signedCall('POST', url + definition.requestTokenPath, {
      ...signing,
      extra: { oauth_callback: callback },
    });
    const temporary = new URLSearchParams(reply.text);
    const token = temporary.get('oauth_token') ?? '';
    const page = `${url}${definition.authorizePath}?${encodeForm({ oauth_token: token })}`;
    const landed = await consent(page, { account: '16' });
    return signedCall('POST', url + definition.accessTokenPath, {
      ...signing,
      token,
      tokenSecret: temporary.get('oauth_token_secret') ?? '',
      extra: { oauth_verifier: landed.searchParams.get('oauth_verifier') ?? '' },
    });
  }
});
