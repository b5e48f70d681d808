import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createOneTimeSecret } from '../../src/links/store/one-time-secret.js';
import type { TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import {
  calls,
  connected,
  expectNoConnection,
  isGrantLive,
  RecordingHttpClient,
  refused,
  sendCallback,
  useObserved,
} from '../support/observed-application.js';
import { dumpDatabase, expectAbsent } from '../support/database-dump.js';
import { findLinkRow, openSealed, reseal } from '../support/link-rows.js';
import { approvedLink, newUser, pathOf, startLink } from '../support/linking.js';

let application: TestApplication;
let recorder: RecordingHttpClient;
let logLines: readonly string[];

useObserved((observed) => ({ application, recorder, logLines } = observed));

describe('PKCE', () => {
  const withPkce = ['garmin', 'fitbit'];

  it.each(withPkce)('proves to %s with S256 that the code was requested here (AR-06)', async (slug) => {
    const { linkWebUrl, state, callback } = await approvedLink(application, slug);
    const { codeVerifier } = await openSealed(application, state);
    expect(await sendCallback(application, pathOf(callback))).toEqual(connected);

    const query = new URL(linkWebUrl).searchParams;
    expect(query.get('code_challenge_method')).toBe('S256');
    expect(codeVerifier).toMatch(/^[A-Za-z0-9_-]{43,128}$/);
    expect(recorder.lastForm().get('code_verifier')).toBe(codeVerifier);
    expect(query.get('code_challenge')).toBe(
      createHash('sha256')
        .update(codeVerifier ?? '')
        .digest('base64url'),
    );
  });

  it.each(withPkce)('with another verifier is refused by %s, and not tried again (AR-06)', async (slug) => {
    const { user, account, state, callback } = await approvedLink(application, slug);
    const { codeVerifier = '' } = await openSealed(application, state);
    const other = (codeVerifier.startsWith('A') ? 'B' : 'A') + codeVerifier.slice(1);
    await reseal(application, state, { codeVerifier: other });
    const before = calls(application, slug);

    expect(await sendCallback(application, pathOf(callback))).toEqual({
      status: 403,
      code: 'AUTHORIZATION_CODE_REFUSED',
    });

    expect(recorder.lastForm().get('code_verifier')).toBe(other);
    expect(calls(application, slug)).toBe(before + 1);
    expect(isGrantLive(application, slug, account)).toBe(false);
    await expectNoConnection(application, user, slug);
    expect((await findLinkRow(application, state)).outcome).toBe('AUTHORIZATION_CODE_REFUSED');
  });

  it.each(withPkce)('uses a new verifier for every attempt at %s, also after an error (AR-06)', async (slug) => {
    const user = newUser();
    const challenges: (string | null)[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const { linkWebUrl } = await startLink(application, user, slug);
      challenges.push(new URL(linkWebUrl).searchParams.get('code_challenge'));
      await sendCallback(application, pathOf(await consent(linkWebUrl, { decision: 'deny' })));
    }

    expect(challenges).not.toContain(null);
    expect(new Set(challenges).size).toBe(3);
  });

  it.each(withPkce)('keeps the verifier for %s out of URLs, logs and the database (AR-06)', async (slug) => {
    const { linkWebUrl, state, callback } = await approvedLink(application, slug);
    const { codeVerifier } = await openSealed(application, state);
    const before = await dumpDatabase(application);
    expect(await sendCallback(application, pathOf(callback))).toEqual(connected);

    const urls = recorder.sent.map(({ url }) => url).join('\n');
    expectAbsent(
      codeVerifier,
      linkWebUrl,
      callback.href,
      urls,
      before,
      await dumpDatabase(application),
      logLines.join(''),
    );
    expect((await findLinkRow(application, state)).sealed).toBeNull();
  });

  it.each([
    { slug: 'garmin', sent: true },
    { slug: 'fitbit', sent: true },
    { slug: 'whoop', sent: false },
    { slug: 'oura', sent: true },
  ])('is used with $slug exactly as its definition says: $sent (AR-07)', async ({ slug, sent }) => {
    const { linkWebUrl, callback } = await approvedLink(application, slug);
    expect(await sendCallback(application, pathOf(callback))).toEqual(connected);
    const query = new URL(linkWebUrl).searchParams;

    expect(query.has('code_challenge')).toBe(sent);
    expect(query.get('code_challenge_method')).toBe(sent ? 'S256' : null);
    expect(recorder.lastForm().has('code_verifier')).toBe(sent);
  });

  it('is not dropped when the provider complains about it (AR-07)', async () => {
    const { user, callback } = await approvedLink(application, 'garmin');
    application.sandbox
      .provider('garmin')
      .misbehave({ endpoint: 'token', type: 'error', error: 'invalid_request', status: 400 });
    const before = recorder.sent.length;

    expect(await sendCallback(application, pathOf(callback))).toEqual({ status: 500, code: 'PROVIDER_MISCONFIGURED' });

    const sent = recorder.sent.slice(before);
    expect(sent).toHaveLength(1);
    expect(new URLSearchParams(sent[0]?.body?.toString()).has('code_verifier')).toBe(true);
    await expectNoConnection(application, user, 'garmin');
  });

  it.each([
    { slug: 'garmin', why: 'ignores the challenge' },
    { slug: 'whoop', why: 'knows no PKCE' },
  ])('is not needed to refuse foreign callbacks where $slug $why (AR-07)', async ({ slug }) => {
    const { definition } = application.sandbox.provider(slug);
    if (definition.oauth !== '2.0') {
      throw new Error('PKCE belongs to OAuth 2.0.');
    }
    application.sandbox.add(slug, { ...definition, pkce: 'ignored' });
    try {
      const used = await approvedLink(application, slug);
      expect(await sendCallback(application, pathOf(used.callback))).toEqual(connected);
      const stolen = await approvedLink(application, slug);
      const code = stolen.callback.searchParams.get('code') ?? '';
      const before = calls(application, slug);

      for (const state of [used.state, createOneTimeSecret(), '']) {
        const path = `/v1/oauth/${slug}/callback?${new URLSearchParams({ code, state }).toString()}`;
        expect(await sendCallback(application, path)).toEqual(refused);
      }
      expect(await sendCallback(application, `/v1/oauth/${slug}/callback?code=${code}`)).toEqual(refused);
      expect(calls(application, slug)).toBe(before);
    } finally {
      application.sandbox.add(slug, definition);
    }
  });

  it.each(withPkce)('makes %s refuse the code of another attempt (AR-06)', async (slug) => {
    const mine = await approvedLink(application, slug);
    const theirs = await approvedLink(application, slug);
    mine.callback.searchParams.set('code', theirs.callback.searchParams.get('code') ?? '');

    expect(await sendCallback(application, pathOf(mine.callback))).toEqual({
      status: 403,
      code: 'AUTHORIZATION_CODE_REFUSED',
    });
    await expectNoConnection(application, mine.user, slug);
  });
});
