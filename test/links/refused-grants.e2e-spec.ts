import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Misbehaviour } from '../../src/sandbox/misbehaviour.js';
import { AccountRules } from '../../src/tokens/accounts/account-rules.js';
import { RevocationOutbox } from '../../src/tokens/revocation/revocation-outbox.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { consent } from '../../src/sandbox/testing/consent.js';
import { newUser, pathOf, startLink } from '../support/linking.js';
import { changeRows, makeRevocationsDue } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

let application: TestApplication;
let accounts = 0;

beforeAll(async () => {
  application = await startApplication({ environment: { ACCOUNT_SHARING: 'deny' } });
});
afterAll(() => application.close());

function newAccount(): string {
  accounts += 1;
  return String(700_000 + accounts);
}

async function link(user: string, slug: string, account: string) {
  const { linkWebUrl } = await startLink(application, user, slug);
  const callback = await consent(linkWebUrl, { account });
  const isForm = slug === 'apple-health';
  const response = isForm
    ? await application.browser.post(callback.pathname).type('form').send(callback.search.slice(1))
    : await application.browser.get(pathOf(callback));
  return { status: response.status, code: (response.body as { code?: string }).code };
}

function liveGrants(slug: string, account: string): number {
  return application.sandbox
    .provider(slug)
    .liveGrants()
    .filter(({ accountId }) => accountId === account).length;
}

async function statusOf(user: string, slug: string): Promise<number> {
  return (await application.api.get(`/v1/users/${user}/connections/${slug}`)).status;
}

function wrongIdToken(slug: string, claims: Extract<Misbehaviour, { type: 'idToken' }>['claims']): void {
  application.sandbox.provider(slug).misbehave({ endpoint: 'token', type: 'idToken', claims });
}

const refused = { status: 502, code: 'TOKEN_RESPONSE_INVALID' };

describe('the grant of a link that failed after its code was redeemed', () => {
  it.each([
    ['the nonce of another link', 'apple-health', { nonce: 'nonce-of-another-link' }],
    ['another issuer', 'apple-health', { iss: 'https://appleid.apple.example' }],
    ['another audience', 'tidepool', { aud: 'another-client' }],
    ['an end in the past', 'omron', { exp: 1 }],
  ])('is ended when the ID token has %s, and there is no connection (AR-18)', async (_what, slug, claims) => {
    const [user, account] = [newUser(), newAccount()];
    wrongIdToken(slug, claims);

    expect(await link(user, slug, account)).toEqual(refused);

    expect(await statusOf(user, slug)).toBe(404);
    expect(liveGrants(slug, account)).toBe(0);
  });

  it('is ended when the signing keys cannot be read (AR-18)', async () => {
    const [user, account] = [newUser(), newAccount()];
    application.sandbox.provider('apple-health').misbehave({ endpoint: 'jwks', type: 'status', code: 503 });

    expect(await link(user, 'apple-health', account)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });

    expect(await statusOf(user, 'apple-health')).toBe(404);
    expect(liveGrants('apple-health', account)).toBe(0);
  });

  it('is ended when the provider is back, where it was away (AR-18, TE-10)', async () => {
    const [user, account] = [newUser(), newAccount()];
    wrongIdToken('tidepool', { aud: 'another-client' });
    application.sandbox.provider('tidepool').misbehave({ endpoint: 'revoke', type: 'status', code: 503 });

    expect(await link(user, 'tidepool', account)).toEqual(refused);

    expect(liveGrants('tidepool', account)).toBe(1);
    await makeRevocationsDue(application.databaseUrl);
    application.app.get(RevocationOutbox, { strict: false }).processNow();
    await until('the grant is ended', () => liveGrants('tidepool', account) === 0);
  });

  it('is ended when the provider refuses a required call of the link', async () => {
    const [user, account] = [newUser(), newAccount()];
    application.sandbox.provider('polar').misbehave({ endpoint: 'endpoint', type: 'status', code: 503 });

    expect(await link(user, 'polar', account)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });

    expect(liveGrants('polar', account)).toBe(0);
  });

  it('is ended when the connection cannot be stored', async () => {
    const [user, account] = [newUser(), newAccount()];
    await queryDatabase(
      application.databaseUrl,
      'ALTER TABLE connections ADD CONSTRAINT no_more CHECK (false) NOT VALID',
    );
    try {
      expect(await link(user, 'whoop', account)).toMatchObject({ status: 500 });
    } finally {
      await queryDatabase(application.databaseUrl, 'ALTER TABLE connections DROP CONSTRAINT no_more');
    }

    expect(liveGrants('whoop', account)).toBe(0);
  });

  describe('where ending it could end a connection', () => {
    function revocations(slug: string): number {
      return application.sandbox.provider(slug).history.filter(({ kind }) => kind === 'revoke').length;
    }

    it.each([
      ["another user's connection lives on its account", newUser],
      ["the user's own connection lives on its account", (first: string) => first],
    ])('is left when %s (AR-18, AR-23)', async (_what, chooseUser) => {
      const [first, account] = [newUser(), newAccount()];
      expect(await link(first, 'tidepool', account)).toMatchObject({ status: 200 });
      const before = revocations('tidepool');
      wrongIdToken('tidepool', { aud: 'another-client' });

      expect(await link(chooseUser(first), 'tidepool', account)).toEqual(refused);

      expect(revocations('tidepool')).toBe(before);
      expect(await statusOf(first, 'tidepool')).toBe(200);
    });

    it("is left while nobody knows the account of another user's connection (AR-18, AR-23)", async () => {
      const [first, second, account] = [newUser(), newUser(), newAccount()];
      expect(await link(first, 'tidepool', account)).toMatchObject({ status: 200 });
      const before = revocations('tidepool');

      for (const [status, ended] of [
        ['active', 0],
        ['needs_relink', 1],
      ] as const) {
        await changeRows(application.databaseUrl, 'connections', { account_digest: null, status }, { user_id: first });
        wrongIdToken('tidepool', { aud: 'another-client' });
        expect(await link(second, 'tidepool', account)).toEqual(refused);
        expect(revocations('tidepool')).toBe(before + ended);
      }
    });

    it('is left when the ID token does not even name an account (AR-18)', async () => {
      const account = newAccount();
      wrongIdToken('tidepool', { sub: null });

      expect(await link(newUser(), 'tidepool', account)).toEqual(refused);

      expect(liveGrants('tidepool', account)).toBe(1);
    });

    it('with the defense off is ended nevertheless (AR-18, AR-23)', async () => {
      const [first, account] = [newUser(), newAccount()];
      expect(await link(first, 'tidepool', account)).toMatchObject({ status: 200 });
      const before = revocations('tidepool');
      const linkedAccounts = application.app.get(AccountRules, { strict: false });
      linkedAccounts.mayBelongToAnother = () => Promise.resolve(false);
      linkedAccounts.isOfAnother = () => Promise.resolve(false);
      try {
        wrongIdToken('tidepool', { aud: 'another-client' });
        expect(await link(newUser(), 'tidepool', account)).toEqual(refused);
      } finally {
        Reflect.deleteProperty(linkedAccounts, 'mayBeHeldByAnother');
        Reflect.deleteProperty(linkedAccounts, 'isOfAnother');
      }

      expect(revocations('tidepool')).toBe(before + 1);
    });
  });
});
