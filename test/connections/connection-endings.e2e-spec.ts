import { describe, expect, it } from '@jest/globals';
import type { Misbehaviour } from '../../src/sandbox/misbehaviour.js';
import { AccountLookupWorker } from '../../src/tokens/accounts/account-lookup.worker.js';
import { RefreshScheduler } from '../../src/tokens/scheduler/refresh-scheduler.js';
import { tokenFingerprint } from '../../src/tokens/store/token-fingerprint.js';
import type { TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { linkAccount } from '../support/linking.js';
import {
  at,
  confirmationSeconds,
  passTimeAtCircuitBreakers,
  resetCircuitBreakers,
  Subject,
} from '../support/subject.js';
import { ago, changeRows, passTimeInRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { useSweepers } from '../support/sweeps.js';

const { start } = useSweepers();

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const refused = at({ type: 'error', error: 'invalid_grant', status: 400 });
const outage = at({ type: 'status', code: 503 });

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

describe('a refresh token that the provider refuses', () => {
  it('is shown at once as a refusal that is not confirmed, and ends the connection after 75 minutes (R-13)', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'whoop');
    expect(await subject.view()).toMatchObject({ status: 'active', reason: null });
    subject.fake.misbehave(refused, Infinity);
    await subject.expire();
    await subject.refusal();
    expect(await subject.view()).toMatchObject({
      status: 'active',
      reason: 'refusal_unconfirmed',
      needs_relink: false,
    });
    await subject.passInDatabase(confirmationSeconds - 10);
    await subject.refusal();
    expect(await subject.view()).toMatchObject({ status: 'active', reason: 'refusal_unconfirmed' });
    await subject.passInDatabase(5 * minute);
    await subject.refusal();
    expect(await subject.view()).toMatchObject({
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
    await changeRows(application.databaseUrl, 'connections', { last_refreshed_at: ago(10 * 60) });
    await application.api
      .post(`/v1/users/${subject.userId}/connections/whoop/token/rejected`)
      .send({ fingerprint: tokenFingerprint(token) });
    expect(await subject.view()).toMatchObject({ reason: 'refusal_unconfirmed' });
    await subject.passInDatabase(5 * minute + 1);
    expect(await subject.force()).toMatchObject({ code: 'TOKEN_REVOKED' });
    expect(await subject.view()).toMatchObject({ status: 'needs_relink', reason: 'grant_refused' });
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
      await subject.passInDatabase(5 * minute + 1);
      await subject.token();
      expect(await subject.view()).toMatchObject({ status });
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
        await passForAll(application, confirmationSeconds);
        await resetCircuitBreakers(application);
        const statuses = await queryDatabase(
          application.databaseUrl,
          'SELECT status, count(*)::int AS count FROM connections GROUP BY status',
        );
        expect({ wrong, statuses }).toEqual({ wrong, statuses: [{ status: 'active', count }] });
        await changeRows(application.databaseUrl, 'connections', {
          suspect_since: null,
          failed_attempts: 0,
          retry_at: null,
        });
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
    await subject.endByRefusals();
    const { refresh_due_at: dueAt, ended_at: endedAt } = await subject.row();
    const waitHours = (Number(dueAt) - Number(endedAt)) / 3_600_000;
    expect(waitHours).toBeGreaterThan(21);
    expect(waitHours).toBeLessThanOrEqual(24);
    subject.fake.behave();
    await resetCircuitBreakers(application);
    // Callers do not try it.
    await subject.refusal();
    const calls = subject.refreshes.length;
    await subject.passInDatabase(day);
    await subject.refusal();
    expect(subject.refreshes).toHaveLength(calls);

    await sweep(application, subject);

    expect(await subject.view()).toMatchObject({ status: 'active', reason: null, last_error: null });
    await subject.expectStoredTokensAlive();
    await subject.token();
    const entries = await auditEntriesOf(application, subject.userId);
    expect(entries.some((entry) => entry.startsWith('connection.recovered'))).toBe(true);
  });

  it('is tried for a week and not longer (R-13, R-14)', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'whoop');
    await subject.endByRefusals();
    await resetCircuitBreakers(application);
    let trials = 0;
    while ((await subject.row()).refresh_due_at !== null && trials < 20) {
      await subject.passInDatabase(day);
      await resetCircuitBreakers(application);
      await sweep(application, subject);
      trials += 1;
    }
    expect(trials).toBeGreaterThanOrEqual(6);
    expect(trials).toBeLessThanOrEqual(8);
    expect(await subject.view()).toMatchObject({ status: 'needs_relink', reason: 'grant_refused' });
  });

  it('is not tried while another connection stays alive its account (AR-23)', async () => {
    const application = await start({ environment: { ACCOUNT_SHARING: 'deny' } });
    const subject = await Subject.link(application, 'whoop');
    await subject.endByRefusals();
    subject.fake.behave();
    await resetCircuitBreakers(application);
    await linkAccount(application, 'another-user', 'whoop', { account: subject.account });
    const before = subject.refreshes.length;
    await changeRows(application.databaseUrl, 'connections', { refresh_due_at: ago(60), retry_at: null });
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
    await subject.passInDatabase(seconds);
    await subject.force();
  }

  it('ends a connection as unreachable once its access token has been expired for a week (R-13)', async () => {
    const application = await start();
    const subject = await Subject.link(application, 'whoop');
    await subject.liveFor(-(week + day) * 1_000);
    subject.fake.misbehave(outage, Infinity);
    await failFor(application, subject, week - hour);
    expect(await subject.view()).toMatchObject({ status: 'active', reason: 'refresh_failing' });
    await resetCircuitBreakers(application);
    await subject.passInDatabase(2 * hour);
    expect(await subject.force()).toMatchObject({ code: 'TOKEN_REVOKED', act: 'user' });
    expect(await subject.view()).toMatchObject({ status: 'needs_relink', reason: 'unreachable' });
    expect(await subject.refusal()).toMatchObject({ code: 'TOKEN_REVOKED' });

    subject.fake.behave();
    await resetCircuitBreakers(application);
    await subject.passInDatabase(day);
    await sweep(application, subject);
    expect(await subject.view()).toMatchObject({ status: 'active' });
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
    await subject.passInDatabase(week + hour);
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
