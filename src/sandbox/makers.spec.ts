import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fitbitOauth1Sandbox } from '../providers/fitbit-oauth1/fitbit-oauth1.sandbox.js';
import { fitbitSandbox } from '../providers/fitbit/fitbit.sandbox.js';
import { garminOauth1Sandbox } from '../providers/garmin-oauth1/garmin-oauth1.sandbox.js';
import { garminSandbox } from '../providers/garmin/garmin.sandbox.js';
import { ouraClassicSandbox } from '../providers/oura/oura.sandbox.js';
import { whoopSandbox } from '../providers/whoop/whoop.sandbox.js';
import type { OAuth1SandboxMaker } from '../provider-kit/definition/sandbox-maker.js';
import { consent } from '../../test/support/browser.js';
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

const driver = (slug: string): OAuth2Driver => new OAuth2Driver(sandbox.maker(slug));

describe.each(['whoop', 'garmin', 'fitbit', 'oura'])('%s', (slug) => {
  it('links, calls, refreshes, and calls again', async () => {
    const maker = driver(slug);
    const first = await maker.link({ account: '1234' });
    expect(json(await maker.api(first.accessToken))).toMatchObject({ ok: true, account_id: '1234' });
    const second = tokens(await maker.refresh(first.refreshToken));
    expect(json(await maker.api(second.accessToken))).toMatchObject({ ok: true, account_id: '1234' });
    expect((await maker.refresh(first.refreshToken)).status).toBe(400);
  });
});

describe('WHOOP', () => {
  it('gives no refresh token without offline, and wants offline at a refresh', async () => {
    const maker = driver('whoop');
    const code = await maker.code({}, { scope: 'read:profile' });
    expect(json(await maker.exchange(code))).not.toHaveProperty('refresh_token');
    const { refreshToken } = await maker.link();
    expect((await maker.refresh(refreshToken, { scope: undefined })).status).toBe(400);
  });

  it('names the account as an integer, ends the old access token at a refresh, and revokes by DELETE', async () => {
    const maker = driver('whoop');
    const { accessToken, refreshToken } = await maker.link({ account: '12' });
    expect(json(await maker.api(accessToken, '/developer/v2/user/profile/basic'))).toMatchObject({ user_id: 12 });
    const next = tokens(await maker.refresh(refreshToken)).accessToken;
    expect((await maker.api(accessToken)).status).toBe(401);
    expect((await maker.api(next, '/developer/v2/user/access', 'DELETE')).status).toBe(204);
    expect((await maker.api(next)).status).toBe(401);
  });
});

describe('Garmin', () => {
  it('insists on PKCE and takes no scope', async () => {
    const maker = driver('garmin');
    const without = await redirected(
      maker.authorizeUrl({ code_challenge: undefined, code_challenge_method: undefined }),
    );
    expect(without.searchParams.get('error')).toBe('invalid_request');
    const scoped = await redirected(maker.authorizeUrl({ scope: 'CONNECT_READ' }));
    expect(scoped.searchParams.get('error')).toBe('invalid_scope');
  });

  it('answers with its own fields, names the account by a call, and deregisters by DELETE', async () => {
    const maker = driver('garmin');
    const { accessToken, fields } = await maker.link({ account: '13' });
    expect(fields).toMatchObject({
      expires_in: 86_400,
      refresh_token_expires_in: 7_775_998,
      scope: 'PARTNER_WRITE PARTNER_READ CONNECT_READ CONNECT_WRITE',
      jti: expect.any(String),
    });
    expect(json(await maker.api(accessToken, '/wellness-api/rest/user/id'))).toEqual({ userId: '13' });
    expect((await maker.api(accessToken, '/wellness-api/rest/user/registration', 'DELETE')).status).toBe(204);
    expect((await maker.api(accessToken)).status).toBe(401);
  });
});

describe('Fitbit', () => {
  it('names the account in the token answer, and quotes the refresh token in an error of its own shape', async () => {
    const maker = driver('fitbit');
    const { fields } = await maker.link({ account: '14' });
    expect(fields).toMatchObject({ user_id: '14', token_type: 'Bearer', expires_in: 28_800 });
    const error = json(await maker.refresh('some-refresh-token'));
    expect(error).toMatchObject({
      success: false,
      errors: [{ errorType: 'invalid_grant', message: expect.stringContaining('some-refresh-token') }],
    });
  });

  it('lets the user pick scopes, and revokes by POST with Basic', async () => {
    const maker = driver('fitbit');
    const { accessToken, refreshToken, fields } = await maker.link({ scopes: ['sleep', 'weight'] });
    expect(fields['scope']).toBe('sleep weight');
    expect((await maker.post('/oauth2/revoke', { token: refreshToken })).status).toBe(200);
    expect((await maker.api(accessToken)).status).toBe(401);
  });

  it('does not send a malformed request back to the application', async () => {
    expect((await call('GET', driver('fitbit').authorizeUrl({ scope: 'unknown' }))).status).toBe(400);
  });
});

describe('Oura, classic server', () => {
  it('grants what is ticked, and says so in callback and token answer; no scope asks for all', async () => {
    const maker = driver('oura');
    const landed = await consent(maker.authorizeUrl({ scope: undefined }), { scopes: ['daily', 'spo2'] });
    expect(landed.searchParams.get('scope')).toBe('daily spo2');
    expect(json(await maker.exchange(landed.searchParams.get('code') ?? ''))['scope']).toBe('daily spo2');
  });

  it('names the account by a call, and revokes with the access token in the query', async () => {
    const maker = driver('oura');
    const { accessToken } = await maker.link({ account: '15' });
    expect(json(await maker.api(accessToken, '/v2/usercollection/personal_info'))).toMatchObject({ id: '15' });
    const url = `${maker.maker.url}/oauth/revoke?${encodeForm({ access_token: accessToken })}`;
    expect((await call('POST', url)).status).toBe(200);
    expect((await maker.api(accessToken)).status).toBe(401);
  });
});

describe.each([
  ['garmin-oauth1', garminOauth1Sandbox],
  ['fitbit-oauth1', fitbitOauth1Sandbox],
])('%s', (slug, declaration) => {
  it('links and accepts signed calls', async () => {
    const form = new URLSearchParams((await linked(slug, declaration)).text);
    expect(form.get('encoded_user_id')).toBe(slug === 'fitbit-oauth1' ? '16' : null);
    const token = { token: form.get('oauth_token') ?? '', tokenSecret: form.get('oauth_token_secret') ?? '' };
    const signing = { slug, timestampSeconds: clock.ms / 1000, ...token };
    const { url } = sandbox.maker(slug);
    expect(json(await signedCall('GET', url + declaration.apiPath, signing))).toMatchObject({
      ok: true,
      account_id: '16',
    });
    if (declaration.revoke !== undefined && declaration.account !== undefined) {
      expect(json(await signedCall('GET', url + declaration.account.path, signing))).toEqual({ userId: '16' });
      expect((await signedCall('DELETE', url + declaration.revoke.path, signing)).status).toBe(204);
      expect((await signedCall('GET', url + declaration.apiPath, signing)).status).toBe(401);
    }
  });

  async function linked(name: string, maker: OAuth1SandboxMaker): Promise<Reply> {
    const { url } = sandbox.maker(name);
    const signing = { slug: name, timestampSeconds: clock.ms / 1000 };
    const reply = await signedCall('POST', url + maker.requestTokenPath, {
      ...signing,
      extra: { oauth_callback: callback },
    });
    const temporary = new URLSearchParams(reply.text);
    const token = temporary.get('oauth_token') ?? '';
    const page = `${url}${maker.authorizePath}?${encodeForm({ oauth_token: token })}`;
    const landed = await consent(page, { account: '16' });
    return signedCall('POST', url + maker.accessTokenPath, {
      ...signing,
      token,
      tokenSecret: temporary.get('oauth_token_secret') ?? '',
      extra: { oauth_verifier: landed.searchParams.get('oauth_verifier') ?? '' },
    });
  }
});
