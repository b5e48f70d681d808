import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { ApiKeysService } from '../../src/access/api-keys.service.js';
import { EventPublisher } from '../../src/events/event-publisher.js';
import { EventPurge } from '../../src/events/event-purge.js';
import { EventRecorder } from '../../src/events/event-recorder.js';
import { EventStore } from '../../src/events/event-store.js';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import { CircuitBreakerService } from '../../src/tokens/circuit-breaker/circuit-breaker.service.js';
import { ExpiryNotices } from '../../src/tokens/scheduler/expiry-notices.js';
import { RetirementNotices } from '../../src/tokens/scheduler/retirement-notices.js';
import { ConnectionEndings } from '../../src/tokens/scheduler/connection-endings.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import { TokenVault } from '../../src/tokens/store/token-vault.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { eventsOf, readEvents, typesOf } from '../support/event-stream.js';
import { linkAccount } from '../support/linking.js';
import { at, endAllTrouble, Subject } from '../support/subject.js';
import { ago, changeRows, passTimeInRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';

/** The default of REFRESH_CONFIRMATION_SECONDS. */
const confirmationSeconds = 75 * 60;
const outage = at({ type: 'status', code: 503 });
const refused = at({ type: 'error', error: 'invalid_grant', status: 400 });

let application: TestApplication;

beforeAll(async () => {
  application = await startApplication();
});
beforeEach(() => endAllTrouble(application));
afterAll(() => application.close());

describe('the events of a connection', () => {
  it('report a link, a second link and an unlink, numbered from 1', async () => {
    const subject = await Subject.link(application, 'whoop');
    await linkAccount(application, subject.userId, 'whoop', { account: subject.account });
    await subject.unlink().expect(200);

    const events = await eventsOf(application, subject.userId);
    expect(typesOf(events)).toEqual(['connection.linked', 'connection.relinked', 'connection.unlinked']);
    expect(events.map(({ data }) => data.sequence)).toEqual([1, 2, 3]);
    expect(new Set(events.map(({ data }) => data.connection_id)).size).toBe(1);
    for (const { data } of events) {
      expect(data).toMatchObject({ provider: 'whoop', source: 'call', proof: 'confirmed' });
    }
  });

  it('report the first failed refresh and the next success, and nothing in between', async () => {
    const subject = await Subject.link(application, 'whoop');
    subject.fake.misbehave(outage, 2);
    await subject.refresh().expect(503);
    await subject.passInDatabase(3_600);
    await subject.refresh().expect(503);
    await subject.passInDatabase(3_600);
    await subject.refresh().expect(200);
    await subject.refresh().expect(200);

    const events = await eventsOf(application, subject.userId);
    expect(typesOf(events)).toEqual([
      'connection.linked',
      'connection.refresh_failing: refresh_failing',
      'connection.recovered',
    ]);
    expect(events[1]?.data).toMatchObject({ error_code: 'PROVIDER_UNAVAILABLE', source: 'refresh', sequence: 2 });
  });

  it('report a refusal, and the end that confirms it', async () => {
    const subject = await Subject.link(application, 'whoop');
    subject.fake.misbehave(refused, 2);
    await subject.refresh();
    await subject.passInDatabase(confirmationSeconds);
    await subject.refresh().expect(409);

    const events = await eventsOf(application, subject.userId);
    expect(typesOf(events)).toEqual([
      'connection.linked',
      'connection.refresh_failing: refusal_unconfirmed',
      'connection.needs_relink: grant_refused',
    ]);
    expect(events[2]?.data).toMatchObject({ source: 'refresh', proof: 'confirmed', sequence: 3 });
  });

  it('report other scopes after a refresh, and not the same scopes in another order', async () => {
    const subject = await Subject.link(application, 'whoop');
    await changeRows(
      application.databaseUrl,
      'connections',
      { scopes_granted: ['offline'] },
      { user_id: subject.userId },
    );
    await subject.refresh().expect(200);
    expect(typesOf(await eventsOf(application, subject.userId))).toEqual([
      'connection.linked',
      'connection.scopes_changed',
    ]);
    await queryDatabase(
      application.databaseUrl,
      `UPDATE connections SET scopes_granted = ARRAY(SELECT unnest(scopes_granted) ORDER BY 1 DESC) WHERE user_id = $1`,
      [subject.userId],
    );
    await subject.refresh().expect(200);
    expect(await eventsOf(application, subject.userId)).toHaveLength(2);
  });

  it('report connections that end without a refresh, with the reason', async () => {
    const subject = await Subject.link(application, 'whoop');
    await changeRows(
      application.databaseUrl,
      'connections',
      { refreshable: false, expires_at: ago(3_600) },
      { user_id: subject.userId },
    );
    await application.app.get(ConnectionEndings, { strict: false }).sweep();
    expect(typesOf(await eventsOf(application, subject.userId))).toEqual([
      'connection.linked',
      'connection.needs_relink: no_refresh_token',
    ]);
  });

  it('are not written where the change is not made', async () => {
    const subject = await Subject.link(application, 'whoop');
    const [row] = await queryDatabase<{ id: string }>(
      application.databaseUrl,
      `UPDATE connections SET secret_gen = 7 WHERE user_id = $1 RETURNING id`,
      [subject.userId],
    );
    const recorder = application.app.get(EventRecorder, { strict: false });
    const place = { userId: subject.userId, provider: 'whoop', id: row?.id ?? '' };
    const event = { type: 'data.available', source: 'notification', proof: 'signed' } as const;
    expect(await recorder.recordOf({ ...place, provider: 'oura' }, event)).toBe(false);
    expect(await recorder.recordOf(place, { ...event, details: { data_types: ['sleep'] } })).toBe(true);
    const events = await eventsOf(application, subject.userId);
    expect(typesOf(events)).toEqual(['connection.linked', 'data.available']);
    expect(events[1]?.data).toMatchObject({
      data_types: ['sleep'],
      sequence: 2,
      source: 'notification',
      proof: 'signed',
    });
  });
});

describe('the events before an end', () => {
  it('announce once that a refresh token expires within a week', async () => {
    const subject = await Subject.link(application, 'whoop');
    const expire = (days: number) =>
      queryDatabase(
        application.databaseUrl,
        `UPDATE connections SET refresh_expires_at = $2, expiry_moved_at = $2::timestamptz - interval '90 days' WHERE user_id = $1`,
        [subject.userId, new Date(application.clock.now().getTime() + days * 86_400_000)],
      );
    const notices = application.app.get(ExpiryNotices, { strict: false });
    await expire(8);
    await notices.sweep();
    expect(typesOf(await eventsOf(application, subject.userId))).toEqual(['connection.linked']);
    await expire(6);
    await notices.sweep();
    await notices.sweep();
    const events = await eventsOf(application, subject.userId);
    expect(typesOf(events)).toEqual(['connection.linked', 'connection.expiring']);
    expect(events[1]?.data).toMatchObject({ expires_at_source: 'provider' });
    expect(events[1]?.data['expires_at'] as string).toMatch(/^2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    await expire(5);
    await notices.sweep();
    expect(await eventsOf(application, subject.userId)).toHaveLength(3);
  });

  it('announce a fixed expiry once, although each refresh repeats it in whole seconds', async () => {
    const subject = await Subject.link(application, 'whoop');
    const notices = application.app.get(ExpiryNotices, { strict: false });
    const days = (count: number) => new Date(application.clock.now().getTime() + count * 86_400_000);
    const save = async (expiry: Date) => {
      const store = application.app.get(ConnectionStore, { strict: false });
      const row = await store.find(subject.userId, 'whoop');
      const vault = application.app.get(TokenVault, { strict: false });
      if (row === undefined) {
        throw new Error('There is no connection.');
      }
      const tokens = { ...(await vault.open(row)), refreshExpiresAt: expiry };
      expect(await store.saveRefreshed(row, vault.seal({ ...row, secretGen: row.secretGen + 1 }, tokens))).toBe(true);
      await notices.sweep();
    };
    const announced = async () =>
      typesOf(await eventsOf(application, subject.userId)).filter((type) => type === 'connection.expiring').length;
    const fixed = days(6);
    await save(fixed);
    // The expiry is new: a life of six days has most of it left.
    expect(await announced()).toBe(0);
    await passTimeInRows(application.databaseUrl, 'connections', ['expiry_moved_at'], 90 * 86_400, {
      user_id: subject.userId,
    });
    for (const roundedMs of [0, 900, -1_000, 3_000]) {
      await save(new Date(fixed.getTime() + roundedMs));
    }
    expect(await announced()).toBe(1);
    // A refresh has extended it.
    await save(days(6.5));
    expect(await announced()).toBe(1);
  });

  it('announce an expiry that is only declared, once until the token is used', async () => {
    const subject = await Subject.link(application, 'withings');
    const notices = application.app.get(ExpiryNotices, { strict: false });
    const unusedFor = (days: number) =>
      queryDatabase(
        application.databaseUrl,
        `UPDATE connections SET last_refreshed_at = $2, refresh_expires_at = NULL WHERE user_id = $1`,
        [subject.userId, new Date(application.clock.now().getTime() - days * 86_400_000)],
      );
    await unusedFor(357);
    await notices.sweepDeclared();
    expect(typesOf(await eventsOf(application, subject.userId))).toEqual(['connection.linked']);
    await unusedFor(359);
    await notices.sweepDeclared();
    await notices.sweepDeclared();
    const [, event, ...others] = await eventsOf(application, subject.userId);
    expect(event).toMatchObject({ type: 'connection.expiring', data: { expires_at_source: 'declared' } });
    expect(others).toEqual([]);
    await unusedFor(358.5);
    await notices.sweepDeclared();
    expect(await eventsOf(application, subject.userId)).toHaveLength(3);
  });

  it('announce a provider that will shut down, once for each notice', async () => {
    const start = (await readEvents(application, { limit: '1000' })).next_cursor;
    const notices = application.app.get(RetirementNotices, { strict: false });
    await notices.sweep();
    await notices.sweep();
    const { events } = await readEvents(application, { after: start });
    const retiring = application.app
      .get(ProviderRegistry)
      .list()
      .filter(({ definition }) => definition.lifecycle.status !== 'live')
      .filter(({ definition: { lifecycle } }) => 'sunsetAt' in lifecycle && isWithin(lifecycle.sunsetAt, 90));
    expect(retiring.length).toBeGreaterThan(0);
    expect(events.map(({ data }) => data.provider).sort()).toEqual(
      retiring.map(({ definition }) => definition.slug).sort(),
    );
    expect(new Set(typesOf(events))).toEqual(new Set(['provider.retiring']));
    expect(events[0]?.data['sunset_at']).toMatch(/^\d{4}-\d\d-\d\d$/);
  });

  it('report when the circuit breaker of a provider opens, and when it closes', async () => {
    const start = (await readEvents(application, { limit: '1000' })).next_cursor;
    const circuits = application.app.get(CircuitBreakerService, { strict: false });
    const registration = 'whoop:0123456789abcdef';
    await circuits.record(registration, { kind: 'client-refused' }, false);
    await circuits.record(registration, { kind: 'client-refused' }, false);
    await circuits.recordSuccess(registration, true);
    const { events } = await readEvents(application, { after: start });
    expect(typesOf(events)).toEqual(['provider.degraded', 'provider.restored']);
    expect(events[0]?.data).toMatchObject({ provider: 'whoop', error_code: 'PROVIDER_MISCONFIGURED' });
  });

  function isWithin(day: string, days: number): boolean {
    const left = Date.parse(`${day}T00:00:00Z`) + 86_400_000 - application.clock.now().getTime();
    return left > 0 && left <= days * 86_400_000;
  }
});

describe('the events of an erasure', () => {
  it('name the user to the company, and nowhere in the database in clear (LOG-08)', async () => {
    const subject = await Subject.link(application, 'whoop');
    const before = (await readEvents(application, { limit: '1000' })).next_cursor;
    await application.api.delete(`/v1/users/${subject.userId}`).expect(200);

    const { events } = await readEvents(application, { after: before });
    expect(typesOf(events)).toEqual(['connection.unlinked', 'user.erased']);
    expect(events.map(({ data }) => data.user_id)).toEqual([subject.userId, subject.userId]);
    const rows = await queryDatabase(application.databaseUrl, 'SELECT FROM events AS each WHERE each::text LIKE $1', [
      `%${subject.userId}%`,
    ]);
    expect(rows).toEqual([]);
    expect(await eventsOf(application, subject.userId)).toEqual([]);
  });
});

describe('GET /v1/events', () => {
  it('continues after a cursor without a gap or a repetition, and filters by type', async () => {
    const start = (await readEvents(application, { limit: '1000' })).next_cursor;
    const users = ['stream-1', 'stream-2', 'stream-3'];
    for (const userId of users) {
      await linkAccount(application, userId, 'whoop');
    }
    await application.api.delete(`/v1/users/${users[0]}/connections/whoop`).expect(200);

    const seen: string[] = [];
    let after = start;
    for (;;) {
      const page = await readEvents(application, { after, limit: '1' });
      seen.push(...page.events.map(({ type, data }) => `${type} ${data.user_id}`));
      after = page.next_cursor;
      if (!page.has_more) {
        break;
      }
    }
    expect(seen).toEqual([...users.map((user) => `connection.linked ${user}`), `connection.unlinked ${users[0]}`]);
    expect((await readEvents(application, { after })).events).toEqual([]);
    expect((await readEvents(application, { after })).next_cursor).toBe(after);
    const unlinked = await readEvents(application, { after: start, types: 'connection.unlinked,user.erased' });
    expect(unlinked.events.map(({ data }) => data.user_id)).toEqual([users[0]]);
  });

  it('shows a key that is limited to providers the events of these', async () => {
    const userId = 'stream-4';
    await linkAccount(application, userId, 'whoop');
    await linkAccount(application, userId, 'oura');
    const key = await application.app.get(ApiKeysService).create('one', ['events:read'], { providers: ['oura'] });
    await application.app.get(EventPublisher, { strict: false }).publish();
    const response = await application.browser
      .get('/v1/events')
      .query({ user_id: userId })
      .set('authorization', `Bearer ${key}`)
      .expect(200);
    const { events } = response.body as { events: { data: { provider: string } }[] };
    expect(events.map(({ data }) => data.provider)).toEqual(['oura']);
  });

  it.each([{ after: 'x' }, { types: 'connection.gone' }, { types: 'a,,b' }, { limit: '0' }, { user_id: '' }])(
    'refuses %j',
    async (query) => {
      await application.api.get('/v1/events').query(query).expect(400);
    },
  );
});

describe('the stream', () => {
  it('lets no reader miss an event that was written before another and committed after it', async () => {
    const { app, databaseUrl } = application;
    const store = app.get(EventStore, { strict: false });
    const slow = new pg.Client({ connectionString: databaseUrl });
    await slow.connect();
    try {
      const start = Number((await readEvents(application, { limit: '1000' })).next_cursor);
      await slow.query('BEGIN');
      await slow.query(
        `INSERT INTO events (id, type, source, proof) VALUES (gen_random_uuid(), 'webhook.test', 'call', 'confirmed')`,
      );
      const recorder = app.get(EventRecorder, { strict: false });
      await recorder.record({ type: 'provider.restored', source: 'refresh', proof: 'confirmed' }, 'whoop');
      const publisher = app.get(EventPublisher, { strict: false });
      await publisher.publish();
      const first = await store.page(start, 10);
      expect(first.map(({ type }) => type)).toEqual(['provider.restored']);
      await slow.query('COMMIT');
      await publisher.publish();
      const rest = await store.page(first[0]?.position ?? start, 10);
      expect(rest.map(({ type }) => type)).toEqual(['webhook.test']);
    } finally {
      await slow.end();
    }
  });

  it('gives every event one place, however many publishers work at once', async () => {
    const { app, databaseUrl } = application;
    await queryDatabase(
      databaseUrl,
      `INSERT INTO events (id, type, source, proof) SELECT gen_random_uuid(), 'webhook.test', 'call', 'confirmed' FROM generate_series(1, 2500)`,
    );
    const store = app.get(EventStore, { strict: false });
    const counts = await Promise.all([1, 2, 3, 4, 5, 6].map(() => store.publish(1_000)));
    expect(Math.max(...counts)).toBe(1_000);
    while ((await store.publish(1_000)) > 0);
    const [row] = await queryDatabase<{ waiting: number; unordered: number }>(
      databaseUrl,
      `SELECT count(*) FILTER (WHERE position IS NULL)::int AS waiting,
         count(*) FILTER (WHERE position < before)::int AS unordered
       FROM (SELECT position, lag(position) OVER (ORDER BY number) AS before FROM events WHERE type = 'webhook.test') AS each`,
    );
    expect(row).toEqual({ waiting: 0, unordered: 0 });
  });

  it('keeps events for thirty days, and those without a place for longer (LOG-09)', async () => {
    const { app, databaseUrl } = application;
    const insert = (type: string, days: number, position: number | null) =>
      queryDatabase(
        databaseUrl,
        `INSERT INTO events (id, type, source, proof, occurred_at, position)
         VALUES (gen_random_uuid(), $1, 'call', 'confirmed', now() - $2 * interval '1 day', $3)`,
        [type, days, position],
      );
    await insert('young', 29, -1);
    await insert('old', 31, -2);
    await insert('waiting', 31, null);
    await app.get(EventPurge, { strict: false }).sweep();
    const rows = await queryDatabase<{ type: string }>(
      databaseUrl,
      `SELECT type FROM events WHERE type IN ('young', 'old', 'waiting') ORDER BY type`,
    );
    expect(rows.map(({ type }) => type)).toEqual(['waiting', 'young']);
    await queryDatabase(databaseUrl, `DELETE FROM events WHERE type IN ('young', 'waiting')`);
  });
});
