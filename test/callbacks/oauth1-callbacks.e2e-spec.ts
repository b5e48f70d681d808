import { describe, expect, it } from '@jest/globals';
import type { TestApplication } from '../support/application.js';
import {
  calls,
  connected,
  expectNoConnection,
  RecordingHttpClient,
  refused,
  sendCallback,
  useObserved,
} from '../support/observed-application.js';
import { dumpDatabase, expectAbsent } from '../support/database-dump.js';
import { findLinkRow, openSealed } from '../support/link-rows.js';
import { approvedLink, newUser, pathOf } from '../support/linking.js';
import { rowsOf } from '../support/rows.js';

let application: TestApplication;
let recorder: RecordingHttpClient;
let logLines: readonly string[];

useObserved((observed) => ({ application, recorder, logLines } = observed));

describe('OAuth 1.0a', () => {
  const providers = ['garmin-oauth1', 'fitbit-oauth1'];

  it.each(providers.flatMap((slug) => [{ slug, value: 'omit' } as const, { slug, value: 'false' } as const]))(
    'ends the attempt when $slug does not confirm the callback ($value) (O1-04)',
    async ({ slug, value }) => {
      const user = newUser();
      application.sandbox.provider(slug).misbehave({ endpoint: 'request_token', type: 'callbackNotConfirmed', value });

      const response = await application.api.post(`/v1/users/${user}/connections/${slug}/link`).expect(502);

      expect(response.body).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
      expect(response.text).not.toContain('oauth_token=');
      const links = await rowsOf(application.databaseUrl, 'links', { user_id: user });
      expect(links).toEqual([]);
    },
  );

  it.each(providers)("refuses another attempt's token at %s and sends the provider nothing (O1-05)", async (slug) => {
    const mine = await approvedLink(application, slug);
    const theirs = await approvedLink(application, slug);
    const before = calls(application, slug);
    const swapped = new URL(theirs.callback);
    swapped.searchParams.set('state', mine.state);

    expect(await sendCallback(application, pathOf(swapped))).toEqual(refused);

    expect(calls(application, slug)).toBe(before);
    await expectNoConnection(application, mine.user, slug);
    expect(await sendCallback(application, pathOf(theirs.callback))).toEqual(connected);
  });

  it.each(providers.flatMap((slug) => ['oauth_verifier', 'oauth_token'].map((name) => ({ slug, name }))))(
    'refuses a callback from $slug with a missing or empty $name (O1-05)',
    async ({ slug, name }) => {
      for (const spoil of [(url: URL) => url.searchParams.delete(name), (url: URL) => url.searchParams.set(name, '')]) {
        const { user, callback } = await approvedLink(application, slug);
        const before = calls(application, slug);
        spoil(callback);

        expect(await sendCallback(application, pathOf(callback))).toEqual(refused);

        expect(calls(application, slug)).toBe(before);
        await expectNoConnection(application, user, slug);
      }
    },
  );

  it.each(providers)("gets nothing from %s with another session's verifier (O1-05)", async (slug) => {
    const mine = await approvedLink(application, slug);
    const theirs = await approvedLink(application, slug);
    const before = calls(application, slug);
    mine.callback.searchParams.set('oauth_verifier', theirs.callback.searchParams.get('oauth_verifier') ?? '');

    expect(await sendCallback(application, pathOf(mine.callback))).toEqual({
      status: 403,
      code: 'AUTHORIZATION_CODE_REFUSED',
    });

    expect(calls(application, slug)).toBe(before + 1);
    await expectNoConnection(application, mine.user, slug);
  });

  it.each(providers)(
    'keeps the temporary secret of %s sealed, and drops it with the callback (O1-06)',
    async (slug) => {
      const { linkWebUrl, state, callback } = await approvedLink(application, slug);
      const { temporaryToken, temporaryTokenSecret } = await openSealed(application, state);
      const before = await dumpDatabase(application);
      expect(new URL(linkWebUrl).searchParams.get('oauth_token')).toBe(temporaryToken);
      expect(await sendCallback(application, pathOf(callback))).toEqual(connected);

      const urls = recorder.sent.map(({ url }) => url).join('\n');
      const logs = logLines.join('');
      expectAbsent(
        temporaryTokenSecret,
        before,
        await dumpDatabase(application),
        linkWebUrl,
        callback.href,
        urls,
        logs,
      );
      expect((await findLinkRow(application, state)).sealed).toBeNull();
    },
  );
});
