import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ProviderClocks } from '../../src/provider-kit/oauth1/provider-clocks.js';
import type { OAuth1Definition } from '../../src/provider-kit/definition/provider-definition.js';
import type { CallKind } from '../../src/sandbox/call-history.js';
import type { TestApplication } from '../support/application.js';
import {
  connected,
  type RecordingHttpClient,
  sendCallback,
  startObserved,
  startReplica,
} from '../support/observed-application.js';
import { ProxyCaller } from '../support/proxied-call.js';
import { approvedLink, linkAccount, newUser, pathOf } from '../support/linking.js';

const slug = 'garmin-oauth1';
const twoDaysSeconds = 172_800;

/** Lacks the tested defense: signs every request for our own time, and sends it once. */
class OneTryClocks extends ProviderClocks {
  override send<Response>(_definition: OAuth1Definition, send: (now: Date) => Promise<Response>): Promise<Response> {
    return send(this.now(''));
  }
}

let application: TestApplication;
let recorder: RecordingHttpClient;
let logLines: readonly string[];

beforeAll(async () => {
  ({ application, recorder, logLines } = await startObserved());
});
afterEach(async () => {
  const fake = application.sandbox.provider(slug);
  fake.behave();
  fake.clockOffsetSeconds = 0;
  // One link at the right time, so that the next test begins with clocks that agree.
  await linkAccount(application, newUser(), slug);
});
afterAll(() => application.close());

/** Outcomes of the provider's calls of one kind, after the first so many. */
function outcomes(kind: CallKind, since = 0): string[] {
  const { history } = application.sandbox.provider(slug);
  return history
    .slice(since)
    .filter((entry) => entry.kind === kind)
    .map(({ outcome }) => outcome);
}

function callsSoFar(): number {
  return application.sandbox.provider(slug).history.length;
}

function protocolParameter(authorization: string | undefined, name: string): string | undefined {
  return new RegExp(`${name}="([^"]*)"`).exec(authorization ?? '')?.[1];
}

describe('a provider with another clock', () => {
  it.each([600, -600])(
    'gets a second request by its own time when it is %i s ahead, and then never again (O1-09)',
    async (offset) => {
      const fake = application.sandbox.provider(slug);
      fake.clockOffsetSeconds = offset;
      const [before, sentBefore, user] = [callsSoFar(), recorder.sent.length, newUser()];

      await linkAccount(application, user, slug);
      await application.api.delete(`/v1/users/${user}/connections/${slug}`).expect(200);
      await linkAccount(application, newUser(), slug);

      expect(outcomes('request_token', before)).toEqual(['timestamp_refused', 'ok', 'ok']);
      expect(outcomes('access_token', before)).toEqual(['ok', 'ok']);
      expect(outcomes('account', before)).toEqual(['ok', 'ok']);
      expect(outcomes('revoke', before)).toEqual(['ok']);
      const [refused, corrected] = recorder.sent.slice(sentBefore).map(({ headers }) => headers?.['authorization']);
      expect(protocolParameter(corrected, 'oauth_nonce')).not.toBe(protocolParameter(refused, 'oauth_nonce'));
      const moved =
        Number(protocolParameter(corrected, 'oauth_timestamp')) - Number(protocolParameter(refused, 'oauth_timestamp'));
      expect(Math.abs(moved - offset)).toBeLessThan(60);
    },
  );

  it('takes the verifier of a link that began when the clocks agreed, and redeems it once (O1-09)', async () => {
    const { callback } = await approvedLink(application, slug);
    const before = callsSoFar();
    // Beyond what the provider accepts, and within the life of the temporary credentials.
    application.sandbox.provider(slug).clockOffsetSeconds = 400;

    expect(await sendCallback(application, pathOf(callback))).toEqual(connected);

    expect(outcomes('access_token', before)).toEqual(['timestamp_refused', 'ok']);
    expect(outcomes('account', before)).toEqual(['ok']);
  });

  it('corrects a proxied call at once, and a signature at the next one (O1-09)', async () => {
    const user = newUser();
    await linkAccount(application, user, slug);
    const fake = application.sandbox.provider(slug);
    fake.clockOffsetSeconds = -600;
    const [before, caller] = [callsSoFar(), await ProxyCaller.of(application)];

    expect(await caller.call(slug, 'dailies', { user })).toMatchObject({ status: 200 });
    const url = `${fake.url}/wellness-api/rest/dailies`;
    const signed = await caller.sign(slug, { method: 'GET', url }, user);
    const authorization = String(signed.json['authorization']);
    expect(await fetch(url, { headers: { authorization } })).toMatchObject({ status: 200 });

    expect(outcomes('api', before)).toEqual(['timestamp_refused', 'ok', 'ok']);
    const status = await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(200);
    expect(status.body).toMatchObject({ status: 'active' });
  });

  it('ends no link and no connection when it is two days off, sends one request and blames the operator (O1-09)', async () => {
    const user = newUser();
    await linkAccount(application, user, slug);
    const fake = application.sandbox.provider(slug);
    fake.clockOffsetSeconds = twoDaysSeconds;
    const [before, logged] = [callsSoFar(), logLines.length];

    const response = await application.api.post(`/v1/users/${newUser()}/connections/${slug}/link`).expect(500);

    expect(response.body).toMatchObject({ code: 'PROVIDER_MISCONFIGURED' });
    expect(outcomes('request_token', before)).toEqual(['timestamp_refused']);
    const alerts = logLines
      .slice(logged)
      .map((line) => JSON.parse(line) as { level: number; context?: string; msg?: string })
      .filter(({ level, context }) => level === 50 && context === ProviderClocks.name);
    expect(alerts).toMatchObject([{ msg: expect.stringMatching(/the clocks differ by 172\d{3} s/) }]);
    const status = await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(200);
    expect(status.body).toMatchObject({ status: 'active' });
    await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(200);
    fake.clockOffsetSeconds = 0;
    await linkAccount(application, newUser(), slug);
    expect(outcomes('request_token', before)).toEqual(['timestamp_refused', 'ok']);
  });

  it.each([
    ['far away', twoDaysSeconds, 500, 'PROVIDER_MISCONFIGURED'],
    ['missing', undefined, 500, 'PROVIDER_MISCONFIGURED'],
  ])('does not believe a refusal whose Date is %s (O1-09)', async (_title, offset, status, code) => {
    const at = offset === undefined ? undefined : new Date(application.clock.now().getTime() + offset * 1_000);
    application.sandbox.provider(slug).misbehave({
      endpoint: 'request_token',
      type: 'status',
      code: 401,
      body: 'oauth_problem=timestamp_refused',
      headers: { Date: at?.toUTCString() ?? 'never' },
    });
    const before = callsSoFar();

    const response = await application.api.post(`/v1/users/${newUser()}/connections/${slug}/link`).expect(status);
    await linkAccount(application, newUser(), slug);

    expect(response.body).toMatchObject({ code });
    expect(outcomes('request_token', before)).toEqual(['status', 'ok']);
  });

  it('has the last word: no third request follows a second refusal (O1-09)', async () => {
    const fake = application.sandbox.provider(slug);
    fake.misbehave({ endpoint: 'request_token', type: 'error', error: 'timestamp_refused', status: 401 }, Infinity);
    const before = callsSoFar();

    const response = await application.api.post(`/v1/users/${newUser()}/connections/${slug}/link`).expect(500);

    expect(response.body).toMatchObject({ code: 'PROVIDER_MISCONFIGURED' });
    expect(outcomes('request_token', before)).toEqual(['timestamp_refused', 'timestamp_refused']);
  });

  it('takes no link without this: a run with one try is refused by a provider that is 10 minutes ahead (O1-09)', async () => {
    const replica = await startReplica(application, {
      override: (builder) => builder.overrideProvider(ProviderClocks).useClass(OneTryClocks),
    });
    try {
      application.sandbox.provider(slug).clockOffsetSeconds = 600;
      const before = callsSoFar();
      const response = await replica.api.post(`/v1/users/${newUser()}/connections/${slug}/link`).expect(500);
      expect(response.body).toMatchObject({ code: 'PROVIDER_MISCONFIGURED' });
      expect(outcomes('request_token', before)).toEqual(['timestamp_refused']);
    } finally {
      await replica.close();
    }
  });
});
