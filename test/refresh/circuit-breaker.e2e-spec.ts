import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { FakeProvider } from '../../src/sandbox/fake-provider.js';
import { closedCircuit } from '../../src/tokens/circuit-breaker/circuit-state.js';
import { CircuitBreakerService } from '../../src/tokens/circuit-breaker/circuit-breaker.service.js';
import { startApplication, type ApplicationOptions, type TestApplication } from '../support/application.js';
import { held } from '../support/fake-providers.js';
import {
  at,
  confirmationSeconds,
  passTimeAtCircuitBreakers,
  resetCircuitBreakers,
  Subject,
  type TokenBody,
} from '../support/subject.js';
import { deleteRows, passTimeInRows } from '../support/rows.js';
import { queryDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const serverError = at({ type: 'status', code: 503 });
const invalidGrant = at({ type: 'error', error: 'invalid_grant', status: 400 });

/** Switches the circuit breakers off: nothing is ever recorded, so that all stay closed. */
const withoutBreakers: ApplicationOptions = {
  override: (builder) =>
    builder.overrideProvider(CircuitBreakerService).useValue({
      findOpen: () => Promise.resolve(undefined),
      record: () => Promise.resolve(closedCircuit(new Date())),
      recordSuccess: () => Promise.resolve(),
    } satisfies Pick<CircuitBreakerService, 'findOpen' | 'record' | 'recordSuccess'>),
};

async function linkMany(application: TestApplication, slug: string, count: number): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (let index = 0; index < count; index += 1) {
    subjects.push(await Subject.link(application, slug));
  }
  return subjects;
}

async function expireAll([first]: readonly Subject[]): Promise<void> {
  // One clock for all of them.
  await first?.liveFor(-24 * 3_600_000);
}

/** Lets time pass for the circuit breakers and all connections. */
async function pass(application: TestApplication, seconds: number): Promise<void> {
  await passTimeAtCircuitBreakers(application, seconds);
  const columns = ['retry_at', 'suspect_since', 'attempt_started_at', 'leased_until'];
  await passTimeInRows(application.databaseUrl, 'connections', columns, seconds);
}

async function ask(subjects: readonly Subject[]): Promise<{ status: number; body: TokenBody }[]> {
  const responses: { status: number; body: TokenBody }[] = [];
  for (const subject of subjects) {
    const response = await subject.read();
    responses.push({ status: response.status, body: response.body as TokenBody });
  }
  return responses;
}

async function statuses({ databaseUrl }: TestApplication): Promise<Record<string, number>> {
  const rows = await queryDatabase<{ status: string; count: number }>(
    databaseUrl,
    'SELECT status, count(*)::integer AS count FROM connections GROUP BY status',
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

/** The most refreshes that the provider worked on at the same time. */
function mostAtOnce({ history }: FakeProvider): number {
  const calls = history.filter(({ kind }) => kind === 'refresh');
  return Math.max(
    ...calls.map((call) => calls.filter((other) => other.at <= call.at && (other.endsAt ?? Infinity) > call.at).length),
  );
}

describe('the circuit breaker of a provider', () => {
  let application: TestApplication;
  let other: TestApplication;

  beforeAll(async () => {
    application = await startApplication();
    const { databaseUrl, rootKey, sandbox, clock } = application;
    other = await startApplication({ databaseUrl, rootKey, sandbox, clock });
  });
  afterEach(async () => {
    for (const slug of ['whoop', 'fitbit']) {
      application.sandbox.provider(slug).behave();
    }
    await deleteRows(application.databaseUrl, 'connections');
    await resetCircuitBreakers(application);
  });
  afterAll(async () => {
    await other.close();
    await application.close();
  });

  it.each([
    ['seconds', (): string => '120', 120],
    ['a date', (now: Date): string => new Date(now.getTime() + 180_000).toUTCString(), 180],
    ['an absurd number', (): string => '86400', 3_600],
  ])(
    'keeps all replicas from a provider that asks to wait, by %s, and from no other (R-10)',
    async (_, header, seconds) => {
      const [first, second, third] = await linkMany(application, 'whoop', 3);
      const elsewhere = await Subject.link(application, 'fitbit');
      await first?.expire();
      const askedAtMs = Date.now();
      const headers = { 'Retry-After': header(application.clock.now()) };
      first?.fake.misbehave(at({ type: 'status', code: 429, headers }));
      await first?.refusal();

      const refusal = await second?.refusal();
      expect(refusal).toMatchObject({ status: 503, code: 'PROVIDER_RATE_LIMITED', act: 'provider' });
      // The time comes closer while the responses are under way.
      const leastSeconds = seconds - 2 - (Date.now() - askedAtMs) / 1_000;
      expect(refusal?.retry_after_seconds).toBeGreaterThanOrEqual(leastSeconds);
      expect(refusal?.retry_after_seconds).toBeLessThanOrEqual(seconds + 2);
      const atOther = await other.api.get(`/v1/users/${third?.userId}/connections/whoop/token`);
      expect(atOther.body).toMatchObject({ code: 'PROVIDER_RATE_LIMITED' });
      await pass(application, seconds - 30);
      await second?.refusal();
      expect(first?.refreshes).toHaveLength(1);
      await elsewhere.expire();
      await elsewhere.token();

      await pass(application, 31);
      await second?.token();
      await third?.token();
      await other.api.get(`/v1/users/${third?.userId}/connections/whoop/token`).expect(200);
    },
  );

  it('without circuit breakers: the next connection calls the provider although it asked to wait (R-10)', async () => {
    const open = await startApplication(withoutBreakers);
    try {
      const [first, second] = await linkMany(open, 'whoop', 2);
      await first?.expire();
      first?.fake.misbehave(at({ type: 'status', code: 429, headers: { 'Retry-After': '120' } }));
      await first?.refusal();
      await second?.token();
      expect(first?.refreshes).toHaveLength(2);
    } finally {
      await open.close();
    }
  });

  it('is tried by one refresh at a time before it closes (R-10, R-09)', async () => {
    const subjects = await linkMany(application, 'whoop', 8);
    const [first] = subjects;
    await expireAll(subjects);
    first?.fake.misbehave(at({ type: 'status', code: 429, headers: { 'Retry-After': '60' } }));
    await first?.refusal();
    await pass(application, 61);

    first?.fake.misbehave(at(held), Infinity);
    const responses: number[] = [];
    const asking = subjects.map(async ({ userId }, index) => {
      const { api } = index % 2 === 0 ? application : other;
      responses.push((await api.get(`/v1/users/${userId}/connections/whoop/token`)).status);
    });
    await until('all have a response but the one that tries', () => responses.length === subjects.length - 1);
    expect(responses).not.toContain(200);
    expect(first?.refreshes).toHaveLength(2);
    first?.fake.behave();
    await Promise.all(asking);
    expect(responses.at(-1)).toBe(200);
    expect(first?.refreshes).toHaveLength(2);
    expect((await ask(subjects)).map(({ status }) => status)).toEqual(subjects.map(() => 200));
  });

  it('gives the half-open trial back when it could not be made', async () => {
    const [poisoned, healthy] = await linkMany(application, 'whoop', 2);
    await poisoned?.expire();
    poisoned?.fake.misbehave(at({ type: 'status', code: 429, headers: { 'Retry-After': '60' } }));
    await poisoned?.refusal();
    await pass(application, 61);
    await queryDatabase(application.databaseUrl, `UPDATE connections SET sealed = '\\x00' WHERE user_id = $1`, [
      poisoned?.userId,
    ]);
    expect(await poisoned?.force()).toMatchObject({ code: 'TOKEN_UNREADABLE' });
    await healthy?.token();
  });

  it('opens for refused credentials, changes no connection, and closes when they are right again (TE-14)', async () => {
    const subjects = await linkMany(application, 'whoop', 6);
    const [first] = subjects;
    await expireAll(subjects);
    first?.fake.misbehave(at({ type: 'error', error: 'invalid_client', status: 401 }), Infinity);
    for (let minute = 0; minute < 5; minute += 1) {
      for (const { status, body } of await ask(subjects)) {
        expect(status).toBe(500);
        expect(body).toMatchObject({ code: 'PROVIDER_MISCONFIGURED', act: 'operator' });
        expect(body.retry_after_seconds).toBeGreaterThan(0);
      }
      await pass(application, 61);
    }
    // One call a minute, by any caller.
    expect(first?.refreshes).toHaveLength(5);
    expect(await statuses(application)).toEqual({ active: 6 });
    first?.fake.behave();
    await pass(application, 3_600);
    expect((await ask(subjects)).map(({ status }) => status)).toEqual(subjects.map(() => 200));
  });

  it('does not open for an error that may concern one grant alone (TE-14)', async () => {
    const [first, second] = await linkMany(application, 'whoop', 2);
    await first?.expire();
    first?.fake.misbehave(at({ type: 'error', error: 'invalid_scope', status: 400 }));
    expect(await first?.refusal()).toMatchObject({ code: 'PROVIDER_MISCONFIGURED' });
    await second?.token();
  });

  /** Half an hour of HTTP 503; returns how many calls the provider got in all. */
  async function outage(subject: TestApplication, subjects: readonly Subject[]): Promise<number> {
    const fake = subject.sandbox.provider('whoop');
    await expireAll(subjects);
    const before = fake.history.length;
    fake.misbehave(serverError, Infinity);
    for (let minute = 0; minute < 30; minute += 1) {
      await ask(subjects);
      await pass(subject, 60);
    }
    fake.behave();
    return fake.history.length - before;
  }

  it('pauses at a provider that is down for half an hour, and refreshes every connection afterwards (R-09)', async () => {
    const subjects = await linkMany(application, 'whoop', 15);
    const calls = await outage(application, subjects);
    // Ten until it is noticed, then one for each pause.
    expect(calls).toBeLessThan(40);
    expect(await statuses(application)).toEqual({ active: 15 });
    await pass(application, 15 * 60);
    expect((await ask(subjects)).map(({ status }) => status)).toEqual(subjects.map(() => 200));
    for (const subject of subjects) {
      await subject.expectStoredTokensAlive();
    }
  });

  it('without circuit breakers: every connection keeps calling (R-09)', async () => {
    const open = await startApplication(withoutBreakers);
    try {
      expect(await outage(open, await linkMany(open, 'whoop', 15))).toBeGreaterThan(100);
    } finally {
      await open.close();
    }
  });

  it('is not opened by one connection that always fails (R-09)', async () => {
    const [poisoned, healthy] = await linkMany(application, 'whoop', 2);
    await poisoned?.expire();
    poisoned?.fake.misbehave(serverError, 15);
    for (let attempt = 0; attempt < 15; attempt += 1) {
      await poisoned?.refusal();
      await pass(application, 900);
    }
    expect(poisoned?.refreshes).toHaveLength(15);
    await healthy?.token();
  });

  /** Ten minutes in which the provider calls grants dead that are not. */
  async function falseRefusals(
    subject: TestApplication,
    refused: readonly Subject[],
    well: readonly Subject[],
  ): Promise<void> {
    const fake = subject.sandbox.provider('whoop');
    for (let minute = 0; minute < 10; minute += 1) {
      for (const one of refused) {
        fake.misbehave(invalidGrant, 1);
        await ask([one]);
        fake.behave();
      }
      await ask(well.slice(minute * 4, minute * 4 + 4));
      await pass(subject, 75);
    }
  }

  it.each([
    ['everybody', 12, 0],
    ['one in ten', 6, 54],
  ])('ends no connection while the provider refuses %s for ten minutes (R-13)', async (_, refusedCount, wellCount) => {
    const subjects = await linkMany(application, 'whoop', refusedCount + wellCount);
    await expireAll(subjects);
    await falseRefusals(application, subjects.slice(0, refusedCount), subjects.slice(refusedCount));
    expect(await statuses(application)).toEqual({ active: subjects.length });
    await pass(application, confirmationSeconds);
    expect((await ask(subjects)).map(({ status }) => status)).toEqual(subjects.map(() => 200));

    // A real revocation afterwards is still noticed.
    const [revoked, ...others] = subjects;
    revoked?.fake.revokeGrant(revoked.account);
    await expireAll(subjects);
    expect((await ask(others)).every(({ status }) => status === 200)).toBe(true);
    expect(await revoked?.refusal()).toMatchObject({ code: 'TOKEN_REFRESH_PENDING' });
    await pass(application, confirmationSeconds + 1);
    expect(await revoked?.refusal()).toMatchObject({ code: 'TOKEN_REVOKED' });
    expect(await statuses(application)).toEqual({ active: subjects.length - 1, needs_relink: 1 });
  });

  it('holds no refusal of a spike against a connection that is refused once more, and counts from then on (R-13)', async () => {
    const subjects = await linkMany(application, 'whoop', 6);
    const [first, , , , closing, well] = subjects;
    await expireAll(subjects);
    const refuse = async (subject: Subject | undefined): Promise<TokenBody | undefined> => {
      subject?.fake.misbehave(invalidGrant);
      return subject?.refusal();
    };
    for (const subject of subjects.slice(0, 5)) {
      await refuse(subject);
    }
    expect((await closing?.row())?.suspect_since).toBeNull();
    await pass(application, confirmationSeconds + 1);
    // Its success closes the circuit breaker.
    await well?.token();

    for (const subject of [first, closing]) {
      expect(await refuse(subject)).toMatchObject({ code: 'TOKEN_REFRESH_PENDING' });
    }
    expect(await statuses(application)).toEqual({ active: 6 });
    await pass(application, confirmationSeconds + 1);
    for (const subject of [first, closing]) {
      expect(await refuse(subject)).toMatchObject({ code: 'TOKEN_REVOKED' });
    }
  });

  it('with a confirmation of five minutes and without the spike guard everybody would have to link again (R-13)', async () => {
    const off = await startApplication({
      environment: { PROVIDER_SPIKE_PERCENT: '100', REFRESH_CONFIRMATION_SECONDS: '300' },
    });
    try {
      const subjects = await linkMany(off, 'whoop', 12);
      await expireAll(subjects);
      await falseRefusals(off, subjects, []);
      expect(await statuses(off)).toEqual({ needs_relink: 12 });
    } finally {
      await off.close();
    }
  });
});

describe('the concurrency limit of a provider', () => {
  it.each([
    [2, 2],
    [100, 10],
  ])(
    'with %i let %i refreshes at once to a slow provider and hold no other provider up (NET-04)',
    async (concurrency, expected) => {
      const application = await startApplication({ environment: { PROVIDER_CONCURRENCY: String(concurrency) } });
      try {
        const slow = await linkMany(application, 'whoop', 10);
        const fast = await Subject.link(application, 'fitbit');
        await expireAll(slow);
        const [first] = slow;
        first?.fake.misbehave(at(held), Infinity);
        const waiting = Promise.all(slow.map((subject) => subject.token()));
        await until('the provider has them', () => mostAtOnce(application.sandbox.provider('whoop')) === expected);
        await fast.token();
        expect(
          application.sandbox
            .provider('whoop')
            .history.some(({ kind, endsAt }) => kind === 'refresh' && endsAt === undefined),
        ).toBe(true);
        first?.fake.behave();
        await waiting;
        expect(mostAtOnce(application.sandbox.provider('whoop'))).toBe(expected);
      } finally {
        await application.close();
      }
    },
  );
});
