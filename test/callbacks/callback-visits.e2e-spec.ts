import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';

import { createOneTimeSecret, hashOneTimeSecret } from '../../src/links/store/one-time-secret.js';
import type { HealthProvider } from '../../src/provider-kit/health-provider.js';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import type { TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { calls, isGrantLive, returnUrl, startReplica, useObserved } from '../support/observed-application.js';
import { findLinkRow, shiftExpiry } from '../support/link-rows.js';
import { approvedLink, newUser, pathOf, startLink } from '../support/linking.js';
import { ago, changeRows } from '../support/rows.js';

let application: TestApplication;

useObserved((observed) => ({ application } = observed));

/** Where a browser is sent; fails where it is shown something instead. */
async function follow(path: string, instance = application): Promise<URL> {
  const response = await instance.browser.get(path).expect(303);
  return new URL(String(response.headers['location']));
}

/** Parameters that a browser brings to the return_url. */
async function toldBy(path: string, instance = application): Promise<Record<string, string>> {
  const { origin, pathname, searchParams } = await follow(path, instance);
  expect(origin + pathname).toBe(returnUrl);
  return Object.fromEntries(searchParams);
}

const invalid = { status: 'error', provider: 'whoop', error: 'AUTHORIZATION_STATE_INVALID' };

describe('a callback that a browser fetches ahead of the visit', () => {
  const marks: readonly Record<string, string>[] = [
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { 'sec-purpose': 'prefetch;anonymous-client-ip' },
    { purpose: 'prefetch' },
    { 'x-moz': 'prefetch' },
  ];

  it.each(marks)('uses nothing up when it has %j, and the visit connects (R-18)', async (headers) => {
    for (const slug of ['whoop', 'garmin-oauth1']) {
      const { user, callback } = await approvedLink(application, slug, { body: { return_url: returnUrl } });
      const before = calls(application, slug);

      const ahead = await application.browser.get(pathOf(callback)).set(headers).expect(503);

      expect(ahead.text).toBe('');
      expect(ahead.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
      expect(ahead.headers['location']).toBeUndefined();
      expect(calls(application, slug)).toBe(before);
      expect(await auditEntriesOf(application, user)).toEqual(['link.started success api-key']);
      expect(await toldBy(pathOf(callback))).toMatchObject({ status: 'success', provider: slug });
      expect(calls(application, slug)).toBe(before + 1);
    }
  });

  it('does not get the confirmation code, which the visit gets (R-18, AR-04)', async () => {
    const body = { return_url: returnUrl, require_confirmation: true };
    const { user, callback } = await approvedLink(application, 'whoop', { body });

    await application.browser.get(pathOf(callback)).set('sec-purpose', 'prefetch;prerender').expect(503);

    const told = await toldBy(pathOf(callback));
    expect(told['status']).toBe('confirmation_required');
    await application.api
      .post(`/v1/links/${told['link_id']}/confirm`)
      .send({ user_id: user, confirmation_code: told['confirmation_code'] })
      .expect(200);
  });

  it('is a visit where another header says so, or another purpose', async () => {
    const { callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });

    const response = await application.browser
      .get(pathOf(callback))
      .set({ 'sec-purpose': 'other', 'user-agent': 'prefetch' })
      .expect(303);

    expect(response.headers['location']).toContain('status=success');
  });
});

describe('a callback that is visited again', () => {
  let replica: TestApplication;
  beforeAll(async () => {
    replica = await startReplica(application);
  });
  afterAll(() => replica.close());

  it.each(['whoop', 'garmin-oauth1', 'oura'])(
    'returns the same connection as before, and redeems nothing, at %s (R-18, AR-02)',
    async (slug) => {
      const { account, callback } = await approvedLink(application, slug, { body: { return_url: returnUrl } });
      const first = await toldBy(pathOf(callback));
      const before = calls(application, slug);

      expect(first).toEqual({ status: 'success', provider: slug, connection_id: expect.any(String) });
      expect(await toldBy(pathOf(callback))).toEqual(first);
      expect(await toldBy(pathOf(callback), replica)).toEqual(first);
      expect(calls(application, slug)).toBe(before);
      expect(isGrantLive(application, slug, account)).toBe(true);
    },
  );

  it('returns the connection an hour later too (R-18)', async () => {
    const { state, callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
    const first = await toldBy(pathOf(callback));
    await shiftExpiry(application, state, 3_600);

    expect(await toldBy(pathOf(callback))).toEqual(first);
  });

  it('leaves out a connection that has ended since then', async () => {
    const { user, callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
    await toldBy(pathOf(callback));
    await application.api.delete(`/v1/users/${user}/connections/whoop`).expect(200);

    expect(await toldBy(pathOf(callback))).toEqual(invalid);
  });

  it('returns the same error as before, for any parameters (R-18, AR-13)', async () => {
    const { state } = await startLink(application, newUser(), 'whoop', { return_url: returnUrl });
    const path = `/v1/oauth/whoop/callback?state=${state}`;
    const denied = { status: 'error', provider: 'whoop', error: 'AUTHORIZATION_DENIED' };

    expect(await toldBy(`${path}&error=access_denied`)).toEqual(denied);
    expect(await toldBy(`${path}&error=access_denied`)).toEqual(denied);
    expect(await toldBy(`${path}&code=another`)).toEqual(denied);
    expect(await toldBy(`${path}&code=1&code=2`)).toEqual(denied);
  });

  it('waits for the first visit, of which the browser may have forgotten the response (R-18)', async () => {
    const { callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
    application.sandbox.provider('whoop').misbehave({ endpoint: 'token', type: 'slow', ms: 800 });
    const before = calls(application, 'whoop');

    const told = await Promise.all([
      toldBy(pathOf(callback)),
      toldBy(pathOf(callback)),
      toldBy(pathOf(callback), replica),
    ]);

    expect(told[0]?.['status']).toBe('success');
    expect(told[1]).toEqual(told[0]);
    expect(told[2]).toEqual(told[0]);
    expect(calls(application, 'whoop')).toBe(before + 1);
  });

  it('ends at the return_url fifty times in parallel, with one exchange (R-18, AR-02)', async () => {
    const { account, callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
    const before = calls(application, 'whoop');

    const told = await Promise.all(
      Array.from({ length: 50 }, (_, at) => toldBy(pathOf(callback), at % 2 === 0 ? application : replica)),
    );

    expect(new Set(told.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(told[0]?.['status']).toBe('success');
    expect(calls(application, 'whoop')).toBe(before + 1);
    expect(isGrantLive(application, 'whoop', account)).toBe(true);
  });

  it('does not wait for a visit of a dead process (R-18)', async () => {
    const { state, callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
    await changeRows(
      application.databaseUrl,
      'links',
      { consumed_at: ago(60), sealed: null },
      { state_hash: hashOneTimeSecret(state) },
    );

    expect(await toldBy(pathOf(callback))).toEqual(invalid);
  });

  it('gives the confirmation code to nobody else (R-18, AR-04)', async () => {
    const body = { return_url: returnUrl, require_confirmation: true };
    const { user, callback } = await approvedLink(application, 'whoop', { body });
    const first = await toldBy(pathOf(callback));
    expect(first['status']).toBe('confirmation_required');

    // An attacker who started the link knows its state, and would confirm what another person has allowed.
    expect(await toldBy(pathOf(callback))).toEqual(invalid);
    expect(await toldBy(pathOf(callback), replica)).toEqual(invalid);

    await application.api
      .post(`/v1/links/${first['link_id']}/confirm`)
      .send({ user_id: user, confirmation_code: first['confirmation_code'] })
      .expect(200);
    expect(await toldBy(pathOf(callback))).toMatchObject({ status: 'success', provider: 'whoop' });
  });

  it('reports that a link has expired (AR-14)', async () => {
    const { user, state, callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
    await shiftExpiry(application, state, 600);
    const before = calls(application, 'whoop');

    expect(await toldBy(pathOf(callback))).toEqual(invalid);

    expect(calls(application, 'whoop')).toBe(before);
    await application.api.get(`/v1/users/${user}/connections/whoop`).expect(404);
    expect(await auditEntriesOf(application, user)).toContain('link.failed denied browser AUTHORIZATION_STATE_INVALID');
  });

  it.each(['oura', 'garmin-oauth1', 'unknown'])(
    'reveals nothing else on the path of %s, and leaves the link open (AR-09, AR-14)',
    async (other) => {
      const { callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });

      expect(await toldBy(`/v1/oauth/${other}/callback${callback.search}`)).toEqual(invalid);

      expect(await toldBy(pathOf(callback))).toMatchObject({ status: 'success' });
    },
  );

  it.each([
    ['is not registered any more', 'https://old.example.com/'],
    ['was altered in the database', 'https://evil.example/?x=1'],
    ['is none', null],
  ])('is refused where the return_url %s (NET-05)', async (_what, altered) => {
    const { state, callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
    await toldBy(pathOf(callback));
    await changeRows(
      application.databaseUrl,
      'links',
      { return_url: altered },
      { state_hash: hashOneTimeSecret(state) },
    );

    const response = await application.browser.get(pathOf(callback)).expect(403);

    expect(response.headers['location']).toBeUndefined();
    expect(response.body).toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
  });

  it('is refused if no link has its state, with the same text for any other parameters (AR-13)', async () => {
    const bodies = await Promise.all(
      ['code=1', 'error=access_denied', 'code=1&code=2', 'access_token=x'].map(async (query) => {
        const path = `/v1/oauth/whoop/callback?state=${createOneTimeSecret()}&${query}`;
        const response = await application.browser.get(path).expect(403);
        return { ...(response.body as object), request_id: undefined };
      }),
    );
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
  });

  it('goes to the return_url too after an internal error, which is logged (AR-14)', async () => {
    const broken = await startReplica(application, {
      override: (builder) => builder.overrideProvider(ProviderRegistry).useClass(BrokenRegistry),
    });
    try {
      const { user, callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
      const told = { status: 'error', provider: 'whoop', error: 'INTERNAL_ERROR' };
      const logged = jest.spyOn(Logger.prototype, 'error');

      expect(await toldBy(pathOf(callback), broken)).toEqual(told);
      expect(await toldBy(pathOf(callback))).toEqual(told);

      expect(logged).toHaveBeenCalledWith(expect.objectContaining({ message: 'a mistake of the test' }));
      expect(await auditEntriesOf(application, user)).toContain('link.failed failed browser INTERNAL_ERROR');
    } finally {
      jest.restoreAllMocks();
      await broken.close();
    }
  });

  it('reports that the provider of an open link is gone (AR-14)', async () => {
    const { state } = await startLink(application, newUser(), 'whoop', { return_url: returnUrl });
    await changeRows(application.databaseUrl, 'links', { provider: 'gone' }, { state_hash: hashOneTimeSecret(state) });

    expect(await toldBy(`/v1/oauth/gone/callback?state=${state}&code=1`)).toEqual({ ...invalid, provider: 'gone' });
  });

  it('goes nowhere when its row cannot be opened, because nothing vouches for its return_url (AR-27)', async () => {
    const { state, callback } = await approvedLink(application, 'whoop', { body: { return_url: returnUrl } });
    const { sealed } = await findLinkRow(application, state);
    await changeRows(
      application.databaseUrl,
      'links',
      { sealed: Buffer.alloc(sealed?.length ?? 0) },
      { state_hash: hashOneTimeSecret(state) },
    );

    const response = await application.browser.get(pathOf(callback)).expect(500);
    expect(response.body).toMatchObject({ code: 'TOKEN_UNREADABLE' });
    expect(response.headers['location']).toBeUndefined();
  });
});

/** Providers that fail in a way that nobody has thought of. */
class BrokenRegistry extends ProviderRegistry {
  override get(slug: string): HealthProvider {
    const complete: HealthProvider['complete'] = () => Promise.reject(new TypeError('a mistake of the test'));
    return Object.create(super.get(slug), { complete: { value: complete } }) as HealthProvider;
  }
}
