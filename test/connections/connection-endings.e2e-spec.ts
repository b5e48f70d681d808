import { afterEach, describe, expect, it } from '@jest/globals';
import {
  environmentPrefix,
  sandboxClientId,
  sandboxClientSecret,
} from '../../src/provider-kit/definition/provider-settings.js';
import type { Misbehaviour } from '../../src/sandbox/misbehaviour.js';
import { ConnectionEndings } from '../../src/tokens/scheduler/connection-endings.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import { AccountLookupWorker } from '../../src/tokens/accounts/account-lookup.worker.js';
import { RefreshScheduler } from '../../src/tokens/scheduler/refresh-scheduler.js';
import { tokenFingerprint } from '../../src/tokens/store/token-fingerprint.js';
import { startApplication, type ApplicationOptions, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { approvedLink, linkAccount, pathOf } from '../support/linking.js';
import { at, resetCircuitBreakers, passTimeAtCircuitBreakers, Subject } from '../support/subject.js';
import { passTimeInRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
/** The default of REFRESH_CONFIRMATION_SECONDS. */
const confirmation = 75 * minute;
const refused = at({ type: 'error', error: 'invalid_grant', status: 400 });
const outage = at({ type: 'status', code: 503 });

const applications: TestApplication[] = [];

afterEach(async () => {
  // The first one owns the sandbox that the others use.
  for (const application of applications.splice(0).reverse()) {
    await application.close();
  }
});

async function start(options: ApplicationOptions = {}): Promise<TestApplication> {
  const application = await startApplication(options);
  applications.push(application);
  return application;
}

/**
 * Starts a second instance on the same data which takes the fakes for the real providers: it has credentials for them.
 */
function startConfigured(first: TestApplication, slugs: readonly string[]): Promise<TestApplication> {
  const { databaseUrl, rootKey, sandbox, clock } = first;
  const variables = slugs.flatMap((slug) => [
    [`${environmentPrefix(slug)}_CLIENT_ID`, sandboxClientId(slug)],
    [`${environmentPrefix(slug)}_CLIENT_SECRET`, sandboxClientSecret(slug)],
  ]);
  return start({
    databaseUrl,
    rootKey,
    sandbox,
    clock,
    environment: Object.fromEntries(variables) as Record<string, string>,
  });
}

async function lookAt(subject: Subject): Promise<Record<string, unknown>> {
  const response = await subject.look().expect(200);
  return response.body as Record<string, unknown>;
}

/** Lets time pass for a connection and the circuit of its provider. */
function pass(subject: Subject, seconds: number): Promise<void> {
  return subject.passInDatabase(seconds);
}

/** Lets the scheduler refresh a connection now, and waits until it has. */
async function sweep(application: TestApplication, subject: Subject): Promise<void> {
  const before = subject.refreshes.length;
  await queryDatabase(
    application.databaseUrl,
    "UPDATE connections SET refresh_due_at = now() - interval '1 second' WHERE user_id = $1 AND refresh_due_at IS NOT NULL",
    [subject.userId],
  );
  application.app.get(RefreshScheduler, { strict: false }).lookNow();
  await until('the scheduler has refreshed the connection', async () => {
    const row = await subject.row();
    return subject.refreshes.length > before && row.lease_id === null;
  });
}

/** Ends a connection as two refusals do. */
async function refuseTwice(subject: Subject): Promise<void> {
  subject.fake.misbehave(refused, Infinity);
  await subject.expire();
  await subject.refusal();
  await pass(subject, confirmation + 1);
  expect(await subject.refusal()).toMatchObject({ code: 'TOKEN_REVOKED' });
}

describe('a refresh token that the provider refuses', () => {
  it('is shown at once as a refusal that is not confirmed, and ends the connection after 75 minutes (R-13)', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'whoop');
    expect(await lookAt(subject)).toMatchObject({ status: 'active', reason: null });
    subject.fake.misbehave(refused, Infinity);
    await subject.expire();
    await subject.refusal();
    expect(await lookAt(subject)).toMatchObject({
      status: 'active',
      reason: 'refusal_unconfirmed',
      needs_relink: false,
    });
    await pass(subject, confirmation - 10);
    await subject.refusal();
    expect(await lookAt(subject)).toMatchObject({ status: 'active', reason: 'refusal_unconfirmed' });
    await pass(subject, 5 * minute);
    await subject.refusal();
    expect(await lookAt(subject)).toMatchObject({
      status: 'needs_relink',
      reason: 'grant_refused',
      needs_relink: true,
    });
    const entries = await auditEntriesOf(application, subject.userId);
    expect(entries.filter((entry) => entry.startsWith('connection.needs_relink'))).toHaveLength(1);
  });

  it('ends the connection after five minutes where a caller reports that the API rejected the living token (R-13)', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'whoop');
    const token = await subject.token();
    subject.fake.misbehave(refused, Infinity);
    await queryDatabase(
      application.databaseUrl,
      `UPDATE connections SET last_refreshed_at = now() - interval '10 minutes'`,
    );
    await application.api
      .post(`/v1/users/${subject.userId}/connections/whoop/token/rejected`)
      .send({ fingerprint: tokenFingerprint(token) });
    expect(await lookAt(subject)).toMatchObject({ reason: 'refusal_unconfirmed' });
    await pass(subject, 5 * minute + 1);
    expect(await subject.force()).toMatchObject({ code: 'TOKEN_REVOKED' });
    expect(await lookAt(subject)).toMatchObject({ status: 'needs_relink', reason: 'grant_refused' });
  });

  it.each([
    ['rejects the access token', 'needs_relink', { endpoint: 'account', type: 'status', code: 401 } as const],
    ['does not respond', 'active', { endpoint: 'account', type: 'status', code: 503 } as const],
    ['lacks a permission', 'active', { endpoint: 'account', type: 'status', code: 403 } as const],
    ['takes the access token', 'active', undefined],
  ])(
    'asks the account call whether the grant works: after five minutes, when it %s, the connection is %s (R-13)',
    async (_, status, wrong: Misbehaviour | undefined) => {
      const application = await start();
      const subject = await Subject.link(application, 'whoop');
      await subject.liveFor(4 * minute * 1_000);
      subject.fake.misbehave(refused, Infinity);
      await subject.token();
      if (wrong !== undefined) {
        subject.fake.misbehave(wrong);
      }
      await application.app.get(AccountLookupWorker, { strict: false }).sweep();
      await pass(subject, 5 * minute + 1);
      await subject.token();
      expect(await lookAt(subject)).toMatchObject({ status });
      expect(subject.refreshes).toHaveLength(2);
    },
  );

  it.each([
    ['1 connection', 1, {}],
    ['4 connections', 4, {}],
    ['100 connections', 100, {}],
    ['1 connection without the spike guard', 1, { PROVIDER_SPIKE_PERCENT: '100' }],
    ['4 connections without the spike guard', 4, { PROVIDER_SPIKE_PERCENT: '100' }],
    ['100 connections without the spike guard', 100, { PROVIDER_SPIKE_PERCENT: '100' }],
  ])(
    'ends none of %s when the provider refuses all of them for an hour, whatever it says (R-13)',
    async (_, count, environment) => {
      const application = await start({ environment });
      const first = await Subject.link(application, 'suunto');
      await linkOthers(application, 'suunto', count - 1);
      const { fake } = first;
      await first.expire();
      for (const wrong of count > 10 ? refusals.slice(0, kindsForMany) : refusals) {
        fake.misbehave(wrong, Infinity);
        // Each quarter of an hour every connection is asked for its token; the hour is over before the last refusal
        // counts.
        for (let quarter = 0; quarter < 5; quarter += 1) {
          await askAll(application, count);
          await passForAll(application, quarter === 4 ? 0 : 14 * minute);
        }
        fake.behave();
        await passForAll(application, confirmation);
        await resetCircuitBreakers(application);
        const statuses = await queryDatabase(
          application.databaseUrl,
          'SELECT status, count(*)::int AS count FROM connections GROUP BY status',
        );
        expect({ wrong, statuses }).toEqual({ wrong, statuses: [{ status: 'active', count }] });
        await queryDatabase(
          application.databaseUrl,
          'UPDATE connections SET suspect_since = NULL, failed_attempts = 0, retry_at = NULL',
        );
      }
    },
  );
});

const json = 'application/json';
/** How many kinds of refusal a hundred connections get; `REFUSALS_OF_MANY=9` gives them all. */
const kindsForMany = Number(process.env['REFUSALS_OF_MANY'] ?? 2);

/** Every way in which a provider, or something before it, can refuse a refresh. Only the first speaks of the grant. */
const refusals: readonly Misbehaviour[] = [
  refused,
  at({
    type: 'status',
    code: 403,
    body: '{"title":"Request blocked","detail":"","status":403}',
    contentType: 'application/problem+json',
  }),
  at({ type: 'status', code: 403, body: '{"message":"Forbidden"}', contentType: json }),
  at({ type: 'status', code: 403 }),
  at({ type: 'status', code: 401, body: '{"message":"Unauthorized"}', contentType: json }),
  at({ type: 'error', error: 'rate_limit_exceeded', status: 400 }),
  at({ type: 'error', error: 'too_many_requests', status: 400 }),
  at({ type: 'error', error: 'internal_error', status: 400 }),
  at({ type: 'status', code: 400, body: '{"fault":{"faultstring":"Failed to resolve"}}', contentType: json }),
];

/** Adds connections of further users. */
async function linkOthers(application: TestApplication, slug: string, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await linkAccount(application, `other-${index}`, slug, { account: String(70_000 + index) });
  }
}

async function askAll(application: TestApplication, count: number): Promise<void> {
  const users = await queryDatabase<{ user_id: string; provider: string }>(
    application.databaseUrl,
    'SELECT user_id, provider FROM connections',
  );
  expect(users).toHaveLength(count);
  for (const { user_id: user, provider } of users) {
    await application.api.get(`/v1/users/${user}/connections/${provider}/token`);
  }
}

async function passForAll(application: TestApplication, seconds: number): Promise<void> {
  await passTimeAtCircuitBreakers(application, seconds);
  const columns = ['retry_at', 'suspect_since', 'gone_since', 'failing_since', 'attempt_started_at', 'leased_until'];
  await passTimeInRows(application.databaseUrl, 'connections', columns, seconds);
}

describe('a connection that has ended', () => {
  it('is tried once a day, and works again when the provider takes its refresh token (R-13)', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'whoop');
    await refuseTwice(subject);
    const { refresh_due_at: dueAt, ended_at: endedAt } = await subject.row();
    const waitHours = (Number(dueAt) - Number(endedAt)) / 3_600_000;
    expect(waitHours).toBeGreaterThan(21);
    expect(waitHours).toBeLessThanOrEqual(24);
    subject.fake.behave();
    await resetCircuitBreakers(application);
    // Callers do not try it.
    await subject.refusal();
    const calls = subject.refreshes.length;
    await pass(subject, day);
    await subject.refusal();
    expect(subject.refreshes).toHaveLength(calls);

    await sweep(application, subject);

    expect(await lookAt(subject)).toMatchObject({ status: 'active', reason: null, last_error: null });
    await subject.expectStoredTokensAlive();
    await subject.token();
    const entries = await auditEntriesOf(application, subject.userId);
    expect(entries.some((entry) => entry.startsWith('connection.recovered'))).toBe(true);
  });

  it('is tried for a week and not longer (R-13, R-14)', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'whoop');
    await refuseTwice(subject);
    await resetCircuitBreakers(application);
    let trials = 0;
    while ((await subject.row()).refresh_due_at !== null && trials < 20) {
      await pass(subject, day);
      await resetCircuitBreakers(application);
      await sweep(application, subject);
      trials += 1;
    }
    expect(trials).toBeGreaterThanOrEqual(6);
    expect(trials).toBeLessThanOrEqual(8);
    expect(await lookAt(subject)).toMatchObject({ status: 'needs_relink', reason: 'grant_refused' });
  });

  it('is not tried while another connection stays alive its account (AR-23)', async () => {
    const application = await start({ environment: { ACCOUNT_SHARING: 'deny' } });
    const subject = await Subject.link(application, 'whoop');
    await refuseTwice(subject);
    subject.fake.behave();
    await resetCircuitBreakers(application);
    await linkAccount(application, 'another-user', 'whoop', { account: subject.account });
    const before = subject.refreshes.length;
    await queryDatabase(
      application.databaseUrl,
      `UPDATE connections SET refresh_due_at = now() - interval '1 minute', retry_at = NULL`,
    );
    application.app.get(RefreshScheduler, { strict: false }).lookNow();
    await until('the other connection is refreshed', () => subject.refreshes.length === before + 1);
    expect((await subject.row()).status).toBe('needs_relink');
    const other = await application.api.get('/v1/users/another-user/connections/whoop').expect(200);
    expect(other.body).toMatchObject({ status: 'active' });
  });
});

describe('a provider that only ever fails', () => {
  const week = 7 * day;

  async function failFor(application: TestApplication, subject: Subject, seconds: number): Promise<void> {
    await subject.force();
    await resetCircuitBreakers(application);
    await pass(subject, seconds);
    await subject.force();
  }

  it('ends a connection as unreachable once its access token has been expired for a week (R-13)', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'whoop');
    await subject.liveFor(-(week + day) * 1_000);
    subject.fake.misbehave(outage, Infinity);
    await failFor(application, subject, week - hour);
    expect(await lookAt(subject)).toMatchObject({ status: 'active', reason: 'refresh_failing' });
    await resetCircuitBreakers(application);
    await pass(subject, 2 * hour);
    expect(await subject.force()).toMatchObject({ code: 'TOKEN_REVOKED', act: 'user' });
    expect(await lookAt(subject)).toMatchObject({ status: 'needs_relink', reason: 'unreachable' });
    expect(await subject.refusal()).toMatchObject({ code: 'TOKEN_REVOKED' });

    subject.fake.behave();
    await resetCircuitBreakers(application);
    await pass(subject, day);
    await sweep(application, subject);
    expect(await lookAt(subject)).toMatchObject({ status: 'active' });
  });

  it.each([
    ['its access token still works', -hour, outage],
    ['it refuses our credentials', -(week + day), at({ type: 'error', error: 'invalid_client', status: 401 })],
    ['it limits the rate', -(week + day), at({ type: 'status', code: 429 })],
    ['its responses are lost', -(week + day), at({ type: 'drop' })],
  ])('ends nothing while %s (R-13)', async (_, life, wrong) => {
    const application = await start();
    const subject = await Subject.link(application, 'whoop');
    await subject.liveFor(life * 1_000);
    subject.fake.misbehave(wrong, Infinity);
    await failFor(application, subject, week + hour);
    await resetCircuitBreakers(application);
    await pass(subject, week + hour);
    await subject.force();
    expect((await subject.row()).status).toBe('active');
  });

  it('ends nothing at the first failure after a long stop of this service (R-27)', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'whoop');
    await subject.liveFor(-30 * day * 1_000);
    subject.fake.misbehave(outage, Infinity);
    await subject.force();
    expect((await subject.row()).status).toBe('active');
  });
});

describe('a provider that responds with HTTP 410', () => {
  const gone = at({ type: 'status', code: 410 });

  it('ends the connection with a second one an hour later, and names no date that it has not announced (TE-16)', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'whoop');
    await subject.expire();
    subject.fake.misbehave(gone, Infinity);
    const first = await subject.refusal();
    expect(first).toMatchObject({ status: 503, code: 'PROVIDER_UNAVAILABLE' });
    expect(first.retry_after_seconds).toBeGreaterThan(3_500);
    expect(await lookAt(subject)).toMatchObject({ status: 'active', reason: 'gone_unconfirmed' });
    await pass(subject, hour - 60);
    await subject.refusal();
    expect((await subject.row()).status).toBe('active');
    await pass(subject, 61);
    expect(await subject.refusal()).toMatchObject({ status: 410, code: 'PROVIDER_RETIRED', act: 'caller' });
    expect(await lookAt(subject)).toMatchObject({ status: 'needs_relink', reason: 'provider_gone' });
    expect(subject.refreshes).toHaveLength(2);
  });

  it('ends nothing when another response comes between (TE-16)', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'whoop');
    await subject.expire();
    for (const wrong of [gone, outage, gone]) {
      subject.fake.misbehave(wrong);
      await subject.refusal();
      await resetCircuitBreakers(application);
      await pass(subject, hour + 1);
    }
    expect((await subject.row()).status).toBe('active');
    await subject.token();
  });
});

describe('a provider that has shut down', () => {
  it.each([
    ['fitbit', '2026-11-03T00:00:00Z', 'google-health'],
    ['garmin-oauth1', '2027-01-01T00:00:00Z', 'garmin'],
  ])(
    '%s gets no request from the day after its end, and its successor is named (TE-16)',
    async (slug, dayAfter, next) => {
      const sandboxed = await start();
      const subject = await Subject.link(sandboxed, slug);
      const { clock } = sandboxed;
      clock.advance(Date.parse(dayAfter) - clock.now().getTime());
      const application = await startConfigured(sandboxed, [slug]);
      const requests = subject.fake.history.length;
      const path = `/v1/users/${subject.userId}/connections/${slug}`;
      const { api } = application;
      for (const call of [
        api.get(`${path}/token`),
        api.post(`${path}/refresh`),
        api.get(`${path}/proxy/1/user/-/profile.json`),
        api.post(`${path}/link`).send({}),
      ]) {
        const response = await call;
        expect({ status: response.status, body: response.body as unknown }).toMatchObject({
          status: 410,
          body: { code: 'PROVIDER_RETIRED', act: 'caller', detail: expect.stringContaining(`"${next}"`) as unknown },
        });
      }
      const expected = { status: 'needs_relink', reason: 'provider_retired', needs_relink: true };
      expect((await api.get(path).expect(200)).body).toMatchObject(expected);
      await application.app.get(ConnectionEndings, { strict: false }).sweep();
      expect((await api.get(path).expect(200)).body).toMatchObject(expected);
      expect(await subject.row()).toMatchObject({ status: 'needs_relink', end_reason: 'provider_retired' });
      await queryDatabase(
        application.databaseUrl,
        `UPDATE connections SET refresh_due_at = now(), account_due_at = now()`,
      );
      application.app.get(RefreshScheduler, { strict: false }).lookNow();
      await application.app.get(AccountLookupWorker, { strict: false }).sweep();

      const unlinked = await api.delete(path).expect(200);
      expect(unlinked.body).toEqual({ disconnected: true, provider_revocation: 'unsupported' });
      expect(subject.fake.history).toHaveLength(requests);
    },
  );

  it('is called as before on its last day, and with ALLOW_RETIRED_PROVIDERS (TE-16)', async () => {
    const sandboxed = await start();
    const subject = await Subject.link(sandboxed, 'garmin-oauth1');
    const { clock, databaseUrl, rootKey, sandbox } = sandboxed;
    clock.advance(Date.parse('2026-12-31T23:00:00Z') - clock.now().getTime());
    const path = `/v1/users/${subject.userId}/connections/garmin-oauth1`;
    const configured = await startConfigured(sandboxed, ['garmin-oauth1']);
    await configured.api.get(`${path}/token`).expect(200);
    clock.advance(2 * hour * 1_000);
    await configured.api.get(`${path}/token`).expect(410);
    const allowed = await start({
      databaseUrl,
      rootKey,
      sandbox,
      clock,
      environment: {
        GARMIN_OAUTH1_CLIENT_ID: sandboxClientId('garmin-oauth1'),
        GARMIN_OAUTH1_CLIENT_SECRET: sandboxClientSecret('garmin-oauth1'),
        ALLOW_RETIRED_PROVIDERS: 'true',
      },
    });
    await allowed.api.get(`${path}/token`).expect(200);
  });

  it('has the connections that are left counted (TE-16)', async () => {
    const application = await start();
    await Subject.link(application, 'garmin-oauth1');
    await application.app.get(ConnectionEndings, { strict: false }).sweep();
    const { text } = await application.api.get('/metrics').expect(200);
    expect(text).toMatch(/^cufflink_retiring_connections\{provider="garmin-oauth1"\} 1$/m);
  });
});

describe('a connection without a refresh token', () => {
  const withoutRefreshToken = { endpoint: 'token', type: 'omitRefreshToken' } as const;

  it('says so from the link on, and ends with its access token (TE-15)', async () => {
    const application = await start();
    application.sandbox.provider('whoop').misbehave(withoutRefreshToken);
    const link = await approvedLink(application, 'whoop');
    const finished = await application.browser.get(pathOf(link.callback)).expect(200);
    expect(finished.body).toMatchObject({ success: true, warning: 'no_refresh_token' });
    const path = `/v1/users/${link.user}/connections/whoop`;
    expect((await application.api.get(path)).body).toMatchObject({
      status: 'active',
      reason: 'no_refresh_token',
      refreshable: false,
      refresh_expires_at: null,
    });
    await application.api.get(`${path}/token`).expect(200);
    application.clock.advance(2 * hour * 1_000);
    const expected = { status: 'needs_relink', reason: 'no_refresh_token', needs_relink: true };
    expect((await application.api.get(path)).body).toMatchObject(expected);
    const refusal = await application.api.get(`${path}/token`).expect(409);
    expect(refusal.body).toMatchObject({ code: 'TOKEN_REVOKED', act: 'user' });
    expect((refusal.body as { detail: string }).detail).not.toContain('has ended this connection');
    await application.app.get(ConnectionEndings, { strict: false }).sweep();
    expect((await application.api.get(path)).body).toMatchObject(expected);
    const [row] = await queryDatabase(application.databaseUrl, 'SELECT status, end_reason FROM connections');
    expect(row).toEqual({ status: 'needs_relink', end_reason: 'no_refresh_token' });
  });

  it('is nothing to warn of where the provider never gives one (TE-15)', async () => {
    const application = await start();
    const link = await approvedLink(application, 'polar');
    const finished = await application.browser.get(pathOf(link.callback)).expect(200);
    expect(finished.body).not.toHaveProperty('warning');
    expect((await application.api.get(`/v1/users/${link.user}/connections/polar`)).body).toMatchObject({
      status: 'active',
      reason: null,
      refreshable: false,
    });
  });

  it('keeps the stored one when a new link of the same account brings none (TE-15)', async () => {
    const application = await start();
    const account = '4711001';
    await linkAccount(application, 'user-k', 'google-health', { account });
    const store = application.app.get(ConnectionStore, { strict: false });
    application.sandbox.provider('google-health').misbehave(withoutRefreshToken);
    await linkAccount(application, 'user-k', 'google-health', { account });
    expect((await store.find('user-k', 'google-health'))?.refreshable).toBe(true);
    const path = '/v1/users/user-k/connections/google-health';
    await application.api.post(`${path}/refresh`).expect(200);
    expect((await application.api.get(path)).body).toMatchObject({ status: 'active', refreshable: true });
  });

  it('does not keep the one of another account (TE-15, AR-24)', async () => {
    const application = await start();
    await linkAccount(application, 'user-o', 'google-health', { account: '4711002' });
    application.sandbox.provider('google-health').misbehave(withoutRefreshToken);
    const path = '/v1/users/user-o/connections/google-health';
    const link = await approvedLink(application, 'google-health', {
      user: 'user-o',
      body: { on_account_change: 'replace' },
    });
    await application.browser.get(pathOf(link.callback)).expect(200);
    expect((await application.api.get(path)).body).toMatchObject({ refreshable: false });
    await application.api.post(`${path}/refresh`).expect(409);
  });

  it('does not keep one that the provider has refused (TE-15)', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'whoop');
    await refuseTwice(subject);
    subject.fake.behave();
    subject.fake.misbehave(withoutRefreshToken);
    await linkAccount(application, subject.userId, 'whoop', { account: subject.account });
    expect(await lookAt(subject)).toMatchObject({ status: 'active', reason: 'no_refresh_token', refreshable: false });
  });
});

describe('the end of a refresh token', () => {
  it('is told where only its lifetime is published, and marked as declared', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'withings');
    const body = await lookAt(subject);
    expect(body).toMatchObject({ refreshable: true, refresh_expires_at_source: 'declared' });
    const linkedAt = Date.parse(String(body['linked_at']));
    expect(Date.parse(String(body['refresh_expires_at']))).toBeGreaterThan(linkedAt + 30 * day * 1_000);
  });

  it('is told by the token response where that says it', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'garmin');
    expect(await lookAt(subject)).toMatchObject({ refreshable: true, refresh_expires_at_source: 'provider' });
  });
});
