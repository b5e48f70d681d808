import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import { AccountRules } from '../../src/tokens/accounts/account-rules.js';
import { AccountLookupWorker } from '../../src/tokens/accounts/account-lookup.worker.js';
import type { TokenSet } from '../../src/tokens/token-set.js';
import { TokenVault } from '../../src/tokens/store/token-vault.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { newUser, pathOf, startLink } from '../support/linking.js';
import { at, endAllTrouble, Subject } from '../support/subject.js';
import { changeRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';

const slug = 'huawei-health-kit';
/** A refresh response with an ID token, which names the user by `openid` and by `sub`. */
const withIdToken = at({ type: 'idToken', claims: {} });

describe('a connection with another account id in an earlier release', () => {
  let application: TestApplication;

  beforeAll(async () => {
    application = await startApplication({ environment: { ACCOUNT_SHARING: 'deny' } });
  });
  afterEach(async () => {
    await endAllTrouble(application);
    await changeRows(application.databaseUrl, 'connections', { account_due_at: null });
  });
  afterAll(() => application.close());

  const former = ({ account }: Subject): string => `union-${account}`;

  function digestOf(registrationId: string, providerUserId: string): string | undefined {
    const tokens = { providerUserId } as TokenSet;
    return application.app
      .get(AccountRules, { strict: false })
      .identify(registrationId, tokens)
      .digest?.toString('hex');
  }

  async function storedDigest({ userId }: Subject): Promise<string | undefined> {
    const rows = await queryDatabase<{ digest: Buffer | null }>(
      application.databaseUrl,
      'SELECT account_digest AS digest FROM connections WHERE user_id = $1 AND provider = $2',
      [userId, slug],
    );
    return rows[0]?.digest?.toString('hex');
  }

  async function registrationOf({ userId }: Subject): Promise<string> {
    return (await application.app.get(ConnectionStore).find(userId, slug))?.registrationId ?? '';
  }

  /** Links a user, and stores the account as the release before did: by `sub`, which is the union id. */
  async function linkFormerly(): Promise<Subject> {
    const subject = await Subject.link(application, slug);
    const connection = await application.app.get(ConnectionStore).find(subject.userId, slug);
    if (connection === undefined) {
      throw new Error('There is no connection.');
    }
    const tokens = { ...(await subject.stored()), formerUserId: undefined };
    const { sealed } = application.app.get(TokenVault).seal(connection, { ...tokens, providerUserId: former(subject) });
    await queryDatabase(
      application.databaseUrl,
      `UPDATE connections SET sealed = $3, account_digest = decode($4, 'hex') WHERE user_id = $1 AND provider = $2`,
      [subject.userId, slug, sealed, digestOf(connection.registrationId, former(subject))],
    );
    return subject;
  }

  async function link(user: string, account: string, claims?: Record<string, string>) {
    const { linkWebUrl } = await startLink(application, user, slug);
    const callback = await consent(linkWebUrl, { account });
    if (claims !== undefined) {
      application.sandbox.provider(slug).misbehave({ endpoint: 'token', type: 'idToken', claims });
    }
    const response = await application.browser.get(pathOf(callback));
    return { status: response.status, code: (response.body as { code?: string }).code };
  }

  it('stays the same connection, learns the new id at its next refresh, and is found by it from then on (AR-18)', async () => {
    const subject = await linkFormerly();
    const registration = await registrationOf(subject);
    await subject.expire();
    subject.fake.misbehave(withIdToken);

    await subject.token();

    expect(await subject.row()).toMatchObject({ status: 'active', failed_attempts: 0 });
    expect((await subject.stored()).providerUserId).toBe(subject.account);
    await application.app.get(AccountLookupWorker, { strict: false }).sweep();
    expect(await storedDigest(subject)).toBe(digestOf(registration, subject.account));
    await subject.expectStoredTokensAlive();
    const exported = await application.api.get(`/v1/users/${subject.userId}/export`).expect(200);
    expect((exported.body as { connections: unknown[] }).connections).toMatchObject([
      { provider_user_id: subject.account, former_provider_user_id: former(subject) },
    ]);

    await subject.expire();
    subject.fake.misbehave(withIdToken);
    await subject.token();
    expect((await subject.stored()).providerUserId).toBe(subject.account);
  });

  it('continues under the former id while refreshes bring no ID token (AR-18)', async () => {
    const subject = await linkFormerly();
    await subject.expire();

    await subject.token();

    expect((await subject.stored()).providerUserId).toBe(former(subject));
    expect(await storedDigest(subject)).toBe(digestOf(await registrationOf(subject), former(subject)));
  });

  it('keeps its tokens when a refresh names another user by both ids (AR-18)', async () => {
    const subject = await linkFormerly();
    await subject.expire();
    subject.fake.misbehave(at({ type: 'idToken', claims: { openid: '999', sub: 'union-999' } }));

    expect(await subject.refusal()).toMatchObject({ status: 502, code: 'TOKEN_RESPONSE_INVALID' });

    expect((await subject.stored()).providerUserId).toBe(former(subject));
  });

  it('is linked again by its user as the same account (AR-24)', async () => {
    const subject = await linkFormerly();

    expect(await link(subject.userId, subject.account)).toMatchObject({ status: 200 });

    expect((await subject.stored()).providerUserId).toBe(subject.account);
    expect(await storedDigest(subject)).toBe(digestOf(await registrationOf(subject), subject.account));
    await subject.expectStoredTokensAlive();
  });

  it('refuses another account to its user (AR-24)', async () => {
    const subject = await linkFormerly();
    expect(await link(subject.userId, '777001')).toMatchObject({ status: 409, code: 'ACCOUNT_CHANGED' });
  });

  it('is refused to another user (AR-23)', async () => {
    const subject = await linkFormerly();

    expect(await link(newUser(), subject.account)).toEqual({ status: 409, code: 'ACCOUNT_ALREADY_LINKED' });

    await subject.expectStoredTokensAlive();
  });

  it('keeps its grant when a link of its account fails (AR-18)', async () => {
    const subject = await linkFormerly();

    const failed = await link(newUser(), subject.account, { aud: 'another-client' });

    expect(failed).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
    // Most providers keep one grant for a user and a client: ending the second would end the first.
    const grants = subject.fake.liveGrants().filter(({ accountId }) => accountId === subject.account);
    expect(grants).toHaveLength(2);
    await subject.expectStoredTokensAlive();
  });
});
