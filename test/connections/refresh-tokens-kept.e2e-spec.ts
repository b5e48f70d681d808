import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { registrationId } from '../../src/provider-kit/registration.js';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import { TokenResponse } from '../../src/provider-kit/token-response.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import { ConnectionLinker, type CompletedLink } from '../../src/tokens/connection-linker.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount, newUser } from '../support/linking.js';
import { held } from '../support/fake-providers.js';
import { at, endAllTrouble, Subject } from '../support/subject.js';
import { queryDatabase } from '../support/test-database.js';

let application: TestApplication;

beforeAll(async () => {
  application = await startApplication();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await endAllTrouble(application);
});
afterAll(() => application.close());

const ended = (reason: string): string => `status = 'needs_relink', ended_at = now(), end_reason = '${reason}'`;

describe('the refresh token of a connection, when a new link brings none', () => {
  const provider = 'whoop';
  const first = { providerUserId: '4711', refreshToken: 'stored' };

  /** Links twice with what a provider might bring. Returns whether the connection can be refreshed afterwards. */
  async function linkTwice(
    one: { providerUserId?: string; refreshToken?: string },
    other: { providerUserId?: string; refreshToken?: string; registration?: string },
    between: string = '',
  ): Promise<boolean | undefined> {
    const { app, databaseUrl, clock } = application;
    const service = app.get(ConnectionLinker, { strict: false });
    const registration = registrationId(app.get(ProviderRegistry, { strict: false }).get(provider));
    const userId = `linked-${newUser()}`;
    const onAccountChange = 'replace' as const;
    const link: CompletedLink = { userId, provider, registrationId: registration, scopes: [], onAccountChange };
    const grantOf = (fields: object) =>
      new TokenResponse({ accessToken: 'access', requestedAt: clock.now(), ...fields });
    await service.connect(link, grantOf(one));
    if (between !== '') {
      await queryDatabase(databaseUrl, `UPDATE connections SET ${between} WHERE user_id = $1`, [userId]);
    }
    const { registration: changed = registration, ...fields } = other;
    await service.connect({ ...link, registrationId: changed }, grantOf(fields));
    return (await app.get(ConnectionStore, { strict: false }).find(userId, provider))?.refreshable;
  }

  it.each([
    ['is kept for the same account', first, { providerUserId: '4711' }, '', true],
    [
      'is kept for a connection that has ended for another reason',
      first,
      { providerUserId: '4711' },
      ended('unreachable'),
      true,
    ],
    ['is not kept where the provider has refused it', first, { providerUserId: '4711' }, ended('grant_refused'), false],
    ['is not kept for another account', first, { providerUserId: '4712' }, '', false],
    ['is not kept where the new account is not known', first, {}, '', false],
    ['is not kept where neither account is known', { refreshToken: 'stored' }, {}, '', false],
    [
      'is not kept for another registration, which cannot use it',
      first,
      { providerUserId: '4711', registration: 'whoop:0123456789abcdef' },
      '',
      false,
    ],
    [
      'is not kept where the tokens were erased',
      first,
      { providerUserId: '4711' },
      `${ended('unreachable')}, sealed = NULL`,
      false,
    ],
  ])('%s (TE-15)', async (_, one, other, between, isKept) => {
    expect(await linkTwice(one, other, between)).toBe(isKept);
  });
});

describe('a new link that keeps the refresh token while a refresh spends it', () => {
  const withoutRefreshToken = { endpoint: 'token', type: 'omitRefreshToken' } as const;

  it('keeps the refresh token of the refresh as a spare, and works with it (R-15, TE-15)', async () => {
    const subject = await Subject.link(application, 'whoop');
    const { fake, account, userId } = subject;
    fake.misbehave(at(held));
    const refreshing = subject.refresh().then(({ status }) => status);
    await subject.refreshInFlight();
    const { refreshToken: spent } = await subject.stored();
    fake.misbehave(withoutRefreshToken);
    await linkAccount(application, userId, 'whoop', { account });
    expect((await subject.stored()).refreshToken).toBe(spent);
    fake.behave();
    expect(await refreshing).toBe(200);

    const { refreshToken, spareRefreshToken } = await subject.stored();
    expect(refreshToken).toBe(spent);
    expect(fake.isLiveRefreshToken(spareRefreshToken ?? '')).toBe(true);
  });

  it('keeps no spare of a refresh with a response about another user (R-15)', async () => {
    const subject = await Subject.link(application, 'fitbit');
    const { fake, account, userId } = subject;
    const provider = application.app.get(ProviderRegistry, { strict: false }).get('fitbit');
    const refresh = provider.refresh.bind(provider);
    jest.spyOn(provider, 'refresh').mockImplementationOnce(async (tokens) => {
      const grant = await refresh(tokens);
      fake.misbehave(withoutRefreshToken);
      await linkAccount(application, userId, 'fitbit', { account });
      return grant.with({ providerUserId: 'another' });
    });
    const { refreshToken: spent } = await subject.stored();
    await subject.refresh();

    expect((await subject.stored()).refreshToken).toBe(spent);
    expect((await subject.stored()).spareRefreshToken).toBeUndefined();
  });

  it('has no spare where the new link brought a refresh token of its own (R-20)', async () => {
    const subject = await Subject.link(application, 'whoop');
    const { fake, account, userId } = subject;
    fake.misbehave(at(held));
    const refreshing = subject.refresh().then(({ status }) => status);
    await subject.refreshInFlight();
    await linkAccount(application, userId, 'whoop', { account });
    const { refreshToken: linked } = await subject.stored();
    fake.behave();
    expect(await refreshing).toBe(200);

    expect(await subject.stored()).toMatchObject({ refreshToken: linked });
    expect((await subject.stored()).spareRefreshToken).toBeUndefined();
  });
});
