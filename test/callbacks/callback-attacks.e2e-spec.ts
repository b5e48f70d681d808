import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { ProviderUnavailableError } from '../../src/errors/provider.errors.js';
import { createOneTimeSecret, hashOneTimeSecret } from '../../src/links/store/one-time-secret.js';
import { LinkStore, type StoredLink } from '../../src/links/store/link-store.js';
import { ProviderHttpClient } from '../../src/provider-kit/http/http-client.js';
import type { ProviderRequest, ProviderResponse } from '../../src/provider-kit/http/http-message.js';
import type { TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import {
  calls,
  connected,
  expectNoConnection,
  isGrantLive,
  redemption,
  refused,
  sendCallback,
  startReplica,
  useObserved,
} from '../support/observed-application.js';
import { dumpDatabase, expectAbsent } from '../support/database-dump.js';
import { findLinkRow, shiftExpiry } from '../support/link-rows.js';
import { slugs } from '../support/fake-providers.js';
import { approvedLink, linkAccount, pathOf } from '../support/linking.js';

let application: TestApplication;

useObserved((observed) => ({ application } = observed));

describe('the state', () => {
  it('is 256 random bits in base64url: ten thousand of them are all different (AR-01)', () => {
    const states = Array.from({ length: 10_000 }, createOneTimeSecret);

    expect(new Set(states).size).toBe(states.length);
    expect(states.filter((state) => !/^[A-Za-z0-9_-]{43}$/.test(state))).toEqual([]);
    // A constant or counted part would show as a position with few different characters.
    const positions = Array.from({ length: 42 }, (_, at) => new Set(states.map((state) => state[at])).size);
    expect(Math.min(...positions)).toBe(64);
  });

  it.each(slugs)('of a link to %s is nowhere in the database, only its hash is (AR-01)', async (slug) => {
    const { state, callback } = await approvedLink(application, slug);
    const before = await dumpDatabase(application);
    expect(await sendCallback(application, pathOf(callback))).toEqual(connected);
    const after = await dumpDatabase(application);

    expectAbsent(state, before, after);
    expect(before).toContain(hashOneTimeSecret(state).toString('hex'));
  });

  it.each(['whoop', 'garmin-oauth1'])('of a link to %s works for ten minutes (AR-01, O1-06)', async (slug) => {
    const inTime = await approvedLink(application, slug);
    await shiftExpiry(application, inTime.state, 9 * 60 + 30);
    const late = await approvedLink(application, slug);
    await shiftExpiry(application, late.state, 10 * 60);
    const before = calls(application, slug);

    expect(await sendCallback(application, pathOf(late.callback))).toEqual(refused);
    expect(calls(application, slug)).toBe(before);
    await expectNoConnection(application, late.user, slug);
    expect(await sendCallback(application, pathOf(inTime.callback))).toEqual(connected);
  });

  it.each(['whoop', 'garmin-oauth1'])('of a callback from %s must be there and be ours (AR-01)', async (slug) => {
    const { user, state, callback } = await approvedLink(application, slug);
    const historyLength = application.sandbox.provider(slug).history.length;
    const withState = (value: string | undefined): string => {
      const url = new URL(callback);
      url.searchParams.delete('state');
      if (value !== undefined) {
        url.searchParams.set('state', value);
      }
      return pathOf(url);
    };

    for (const forged of [undefined, '', createOneTimeSecret(), `${state}x`, state.slice(1), state.toLowerCase()]) {
      expect(await sendCallback(application, withState(forged))).toEqual(refused);
    }
    expect(application.sandbox.provider(slug).history).toHaveLength(historyLength);
    await expectNoConnection(application, user, slug);
  });
});

describe('a callback that arrives more than once', () => {
  let replica: TestApplication;
  beforeAll(async () => {
    replica = await startReplica(application);
  });
  afterAll(() => replica.close());

  /** The same callback fifty times at once, over both instances. */
  async function sendFifty(callback: URL, instances = [application, replica]): Promise<Map<number, number>> {
    const responses = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        sendCallback(instances[index % instances.length] ?? application, pathOf(callback)),
      ),
    );
    for (const { status, code } of responses) {
      expect([undefined, 'AUTHORIZATION_STATE_INVALID']).toContain(code);
      expect(status).toBe(code === undefined ? 200 : 403);
    }
    const counts = new Map<number, number>();
    for (const { status } of responses) {
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    return counts;
  }

  it.each(slugs)(
    'is redeemed at %s once, however many arrive at the same moment at two instances (AR-02, O1-06)',
    async (slug) => {
      const { user, account, callback } = await approvedLink(application, slug);
      const before = calls(application, slug);

      const counts = await sendFifty(callback);

      expect([...counts].sort()).toEqual([
        [200, 1],
        [403, 49],
      ]);
      expect(calls(application, slug)).toBe(before + 1);
      expect(isGrantLive(application, slug, account)).toBe(true);
      await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(200);
    },
  );

  it.each(slugs)('is refused when it comes again later from %s, and the connection stays (AR-02)', async (slug) => {
    const { user, account, callback } = await approvedLink(application, slug);
    expect(await sendCallback(application, pathOf(callback))).toEqual(connected);
    const before = calls(application, slug);
    const entries = await auditEntriesOf(application, user);

    expect(await sendCallback(replica, pathOf(callback))).toEqual(refused);
    for (let again = 0; again < 15; again += 1) {
      expect(await sendCallback(application, pathOf(callback))).toEqual(refused);
    }

    expect(calls(application, slug)).toBe(before);
    expect(isGrantLive(application, slug, account)).toBe(true);
    // A few of each instance, so that nobody fills the audit trail with them.
    const stray = (await auditEntriesOf(application, user)).filter((entry) => !entries.includes(entry));
    expect(new Set(stray)).toEqual(new Set(['link.failed denied browser AUTHORIZATION_STATE_INVALID']));
    expect(stray.length).toBeLessThan(16);
  });

  it('with the defense off (SELECT, then UPDATE) is redeemed many times, and the provider revokes the grant (AR-02)', async () => {
    const naive = await startReplica(application, {
      override: (builder) =>
        builder.overrideProvider(LinkStore).useFactory({
          factory: (database: Database) => new SelectThenUpdateStore(database, 50),
          inject: [Database],
        }),
    });
    try {
      const { account, callback } = await approvedLink(application, 'whoop');
      const before = calls(application, 'whoop');

      await Promise.all(Array.from({ length: 50 }, () => naive.browser.get(pathOf(callback))));

      expect(calls(application, 'whoop')).toBe(before + 50);
      expect(isGrantLive(application, 'whoop', account)).toBe(false);
    } finally {
      await naive.close();
    }
  });
});

/** Does the "find, then save" of an ORM. All readers pass before the first one writes. */
class SelectThenUpdateStore extends LinkStore {
  private readonly everyoneHasRead = Promise.withResolvers<void>();
  private readers = 0;

  constructor(
    private readonly connection: Database,
    private readonly expectedReaders: number,
  ) {
    super(connection);
  }

  override async consume(stateHash: Buffer, provider: string): Promise<StoredLink | undefined> {
    const [link] = await this.connection.query<StoredLink>(
      {
        name: 'test-naive-find',
        text: `SELECT id, state_hash AS "stateHash", user_id AS "userId", provider, registration_id AS "registrationId",
                 registration_hash AS "registrationHash", return_url AS "returnUrl", scopes, sealed,
                 require_confirmation AS "requireConfirmation", browser_hash AS "browserHash",
                 on_account_change AS "onAccountChange", expires_at AS "expiresAt"
               FROM links WHERE state_hash = $1 AND provider = $2 AND consumed_at IS NULL AND expires_at > now()`,
      },
      [stateHash, provider],
    );
    this.readers += 1;
    if (this.readers === this.expectedReaders) {
      this.everyoneHasRead.resolve();
    }
    await this.everyoneHasRead.promise;
    await this.connection.query(
      { name: 'test-naive-save', text: 'UPDATE links SET consumed_at = now(), sealed = NULL WHERE state_hash = $1' },
      [stateHash],
    );
    return link;
  }
}

describe('a provider that takes the code and does not respond', () => {
  it.each(slugs)(
    'is sent once: %s drops the connection, the link ends, the user starts again (AR-22)',
    async (slug) => {
      const { user, account, state, callback } = await approvedLink(application, slug);
      const kind = redemption[slug] === 'access_token' ? 'access_token' : 'token';
      application.sandbox.provider(slug).misbehave({ endpoint: kind, type: 'drop', processed: true });
      const before = calls(application, slug);

      expect(await sendCallback(application, pathOf(callback))).toEqual({ status: 503, code: 'PROVIDER_UNAVAILABLE' });
      expect(await sendCallback(application, pathOf(callback))).toEqual(refused);

      expect(calls(application, slug)).toBe(before + 1);
      expect(isGrantLive(application, slug, account)).toBe(true);
      expect(await findLinkRow(application, state)).toMatchObject({ outcome: 'PROVIDER_UNAVAILABLE', sealed: null });
      await expectNoConnection(application, user, slug);
      await linkAccount(application, user, slug);
    },
  );

  it('with the defense off (the HTTP client repeats) is sent twice, and the provider revokes the grant (AR-22)', async () => {
    const careless = await startReplica(application, {
      override: (builder) => builder.overrideProvider(ProviderHttpClient).useValue(new RepeatingHttpClient()),
    });
    try {
      const { account, callback } = await approvedLink(application, 'whoop');
      application.sandbox.provider('whoop').misbehave({ endpoint: 'token', type: 'drop', processed: true });
      const before = calls(application, 'whoop');

      await careless.browser.get(pathOf(callback)).expect(403);

      expect(calls(application, 'whoop')).toBe(before + 2);
      expect(isGrantLive(application, 'whoop', account)).toBe(false);
    } finally {
      await careless.close();
    }
  });
});

class RepeatingHttpClient extends ProviderHttpClient {
  override async send(request: ProviderRequest): Promise<ProviderResponse> {
    try {
      return await super.send(request);
    } catch (error) {
      if (error instanceof ProviderUnavailableError) {
        return super.send(request);
      }
      throw error;
    }
  }
}

describe('a callback in the wrong place', () => {
  it.each([
    ['whoop', 'oura'],
    ['oura', 'whoop'],
    ['garmin-oauth1', 'fitbit-oauth1'],
    ['garmin', 'garmin-oauth1'],
    ['fitbit-oauth1', 'fitbit'],
  ])('from %s is not taken on the path of %s, and neither provider is asked (AR-09)', async (started, other) => {
    const { user, callback } = await approvedLink(application, started);
    const before = [started, other].map((slug) => application.sandbox.provider(slug).history.length);
    const wrongPath = `/v1/oauth/${other}/callback${callback.search}`;

    expect(await sendCallback(application, wrongPath)).toEqual(refused);

    expect([started, other].map((slug) => application.sandbox.provider(slug).history.length)).toEqual(before);
    await expectNoConnection(application, user, other);
    await expectNoConnection(application, user, started);
    expect((await auditEntriesOf(application, user)).slice(1)).toEqual([
      'link.failed denied browser AUTHORIZATION_STATE_INVALID',
    ]);
    expect(await sendCallback(application, pathOf(callback))).toEqual(connected);
  });

  it('is refused when the client of the provider was changed after the link was started (AR-10)', async () => {
    const providerUrl = application.sandbox.provider('whoop').url;
    const { definition } = application.sandbox.provider('whoop');
    const changed = await startReplica(application, {
      environment: {
        WHOOP_CLIENT_ID: 'another-client',
        WHOOP_CLIENT_SECRET: 'another-secret',
        WHOOP_AUTH_URL: providerUrl + definition.authorizePath,
        WHOOP_TOKEN_URL: `${providerUrl}/oauth/oauth2/token`,
        WHOOP_API_BASE_URL: `${providerUrl}/developer/v2`,
      },
    });
    try {
      const { user, state, callback } = await approvedLink(application, 'whoop');
      const before = application.sandbox.provider('whoop').history.length;

      expect(await sendCallback(changed, pathOf(callback))).toEqual(refused);
      expect(await sendCallback(application, pathOf(callback))).toEqual(refused);

      expect(application.sandbox.provider('whoop').history).toHaveLength(before);
      expect((await findLinkRow(application, state)).outcome).toBe('AUTHORIZATION_STATE_INVALID');
      await expectNoConnection(application, user, 'whoop');
    } finally {
      await changed.close();
    }
  });

  it.each([
    ['the token URL', { WHOOP_TOKEN_URL: 'http://127.0.0.1:9/token' }],
    ['the redirect URI', { WHOOP_REDIRECT_URL: 'https://other.example.com/v1/oauth/whoop/callback' }],
  ])('is refused when %s was changed after the link was started (AR-10)', async (_what, environment) => {
    const { url: providerUrl, definition } = application.sandbox.provider('whoop');
    const settings = {
      WHOOP_CLIENT_ID: 'sandbox-whoop-client',
      WHOOP_CLIENT_SECRET: 'sandbox:whoop%+ &-not-a-real-secret',
      WHOOP_AUTH_URL: providerUrl + definition.authorizePath,
      WHOOP_TOKEN_URL: `${providerUrl}/oauth/oauth2/token`,
      WHOOP_API_BASE_URL: `${providerUrl}/developer/v2`,
    };
    const same = await startReplica(application, { environment: settings });
    const changed = await startReplica(application, { environment: { ...settings, ...environment } });
    try {
      const [first, second] = [await approvedLink(application, 'whoop'), await approvedLink(application, 'whoop')];
      const before = calls(application, 'whoop');

      expect(await sendCallback(changed, pathOf(first.callback))).toEqual(refused);
      expect(calls(application, 'whoop')).toBe(before);
      // The settings that both were started under are taken, so the refusal is about the change.
      expect(await sendCallback(same, pathOf(second.callback))).toEqual(connected);
    } finally {
      await Promise.all([same.close(), changed.close()]);
    }
  });
});
