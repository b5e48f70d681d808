import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EndReason } from '../../src/tokens/store/connection.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import type { EndingTerms, RefreshEvidence } from '../../src/tokens/store/connection.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { newUser } from '../support/linking.js';
import { queryDatabase } from '../support/test-database.js';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const week = 7 * day;

const terms: Omit<EndingTerms, 'expiredBefore'> = {
  confirmationMs: 75 * minute,
  corroboratedMs: 5 * minute,
  goneMs: hour,
  unreachableMs: week,
  trialInMs: day,
  trialsForMs: week,
};

/** Columns of a row or a circuit breaker, each with the milliseconds since its instant. */
type Ages = Readonly<Record<string, number | null>>;

interface Circumstances {
  readonly terms?: Partial<EndingTerms>;
  readonly circuit?: Ages;
  readonly otherCircuit?: Ages;
  readonly outcomeKnown?: boolean;
  readonly asksAccount?: boolean;
  /** An ended connection. */
  readonly endReason?: EndReason;
  readonly refreshDue?: boolean;
}

interface Row {
  readonly status: string;
  readonly end_reason: EndReason | null;
  readonly ended_at: Date | null;
  readonly suspect_since: Date | null;
  readonly gone_since: Date | null;
  readonly failing_since: Date | null;
  readonly attempt_started_at: Date | null;
  readonly account_due_at: Date | null;
  readonly due_in_ms: number | null;
}

let application: TestApplication;
let store: ConnectionStore;
let places = 0;

beforeAll(async () => {
  application = await startApplication();
  store = application.app.get(ConnectionStore, { strict: false });
});
afterAll(() => application.close());

async function setAges(table: string, key: string, id: string, ages: Ages): Promise<void> {
  const changes = Object.entries(ages).map(([column, age]) =>
    age === null ? `${column} = NULL` : `${column} = now() - ${age} * interval '1 millisecond'`,
  );
  if (changes.length > 0) {
    await queryDatabase(application.databaseUrl, `UPDATE ${table} SET ${changes.join(', ')} WHERE ${key} = $1`, [id]);
  }
}

async function setCircuit(registrationId: string, ages: Ages): Promise<void> {
  await queryDatabase(
    application.databaseUrl,
    `INSERT INTO circuit_breakers (registration_id, openings, streak, window_started_at, decisions, suspects, version)
     VALUES ($1, 0, 0, now(), 0, 0, 1)`,
    [registrationId],
  );
  await setAges('circuit_breakers', 'registration_id', registrationId, ages);
}

async function look(userId: string): Promise<Row> {
  const [row] = await queryDatabase<Row>(
    application.databaseUrl,
    `SELECT *, (extract(epoch FROM refresh_due_at - now()) * 1000)::float8 AS due_in_ms FROM connections WHERE user_id = $1`,
    [userId],
  );
  return row as Row;
}

/** Lets a refresh of a connection with such a past fail. */
async function fail(
  evidence: RefreshEvidence,
  past: Ages,
  {
    circuit,
    otherCircuit,
    endReason,
    outcomeKnown = true,
    asksAccount = false,
    refreshDue = true,
    ...rest
  }: Circumstances,
): Promise<{ before: Row; after: Row }> {
  places += 1;
  const [userId, registrationId, claimId] = [newUser(), `whoop:${places}`, randomUUID()];
  const key = { userId, provider: 'whoop', id: randomUUID(), registrationId };
  const tokens = { scopesGranted: null, scopesUnknown: false, refreshable: true, refreshExpiresAt: null };
  const rested = { sealed: Buffer.from('sealed'), expiresAt: new Date(), refreshDueInMs: refreshDue ? 0 : null };
  const account = { digest: null, formerDigest: null, exclusive: false, isPending: false };
  await store.insert({ ...key, scopesRequested: [] }, { ...tokens, ...rested }, account);
  await queryDatabase(
    application.databaseUrl,
    `UPDATE connections SET lease_id = $2, leased_until = now() + interval '1 minute', attempt_started_at = now(),
       status = CASE WHEN $3::text IS NULL THEN 'active' ELSE 'needs_relink' END, end_reason = $3 WHERE user_id = $1`,
    [userId, claimId, endReason ?? null],
  );
  await setAges('connections', 'user_id', userId, past);
  if (circuit !== undefined) {
    await setCircuit(registrationId, circuit);
  }
  if (otherCircuit !== undefined) {
    await setCircuit(`whoop:other-${places}`, otherCircuit);
  }
  const before = await look(userId);
  const failure = { code: 'PROVIDER_UNAVAILABLE', outcomeKnown, retryInMs: minute, dueInMs: minute, evidence } as const;
  const write = (claim: string) =>
    store.recordFailure(
      { ...key, secretGen: 1 },
      claim,
      failure,
      { ...terms, expiredBefore: new Date(Date.now() - week), ...rest.terms },
      { dueInMs: 2 * hour, asksAccount },
    );
  expect(await write(randomUUID())).toBeUndefined();
  const unchanged = await look(userId);
  expect({ ...unchanged, due_in_ms: null }).toEqual({ ...before, due_in_ms: null });
  const recorded = await write(claimId);
  const after = await look(userId);
  expect(recorded).toEqual({ status: after.status, endReason: after.end_reason });
  return { before, after };
}

type Case = readonly [
  title: string,
  evidence: RefreshEvidence,
  past: Ages,
  reason: EndReason | null,
  circumstances?: Circumstances,
];

const refusedBefore = { suspect_since: 75 * minute + second };
const goneBefore = { gone_since: hour + second };
const deadForLong = { failing_since: week + second, expires_at: week + minute };
const open = { open_until: -hour };

const refusals: readonly Case[] = [
  ['the first refusal', 'refused', {}, null],
  ['a refusal 74 minutes after the first', 'refused', { suspect_since: 74 * minute }, null],
  ['a refusal 75 minutes after the first', 'refused', refusedBefore, 'grant_refused'],
  ['the same while refreshes are held back', 'refused', refusedBefore, 'grant_refused', { circuit: open }],
  [
    'the same when the first was forgotten since',
    'refused',
    refusedBefore,
    null,
    { circuit: { suspects_forgotten_at: 0 } },
  ],
  [
    'the same when others were forgotten before the first',
    'refused',
    refusedBefore,
    'grant_refused',
    { circuit: { suspects_forgotten_at: 2 * hour } },
  ],
  [
    'the same when those of another registration were forgotten',
    'refused',
    refusedBefore,
    'grant_refused',
    { otherCircuit: { suspects_forgotten_at: 0 } },
  ],
  [
    'a refusal five minutes after the first where the API rejects the access token',
    'refused',
    { suspect_since: 5 * minute + second, access_rejected_at: minute },
    'grant_refused',
  ],
  [
    'a refusal four minutes after the first where the API rejects the access token',
    'refused',
    { suspect_since: 4 * minute, access_rejected_at: minute },
    null,
  ],
  [
    'a refusal one minute after the first where the API rejects the access token and no confirmation is asked for',
    'refused',
    { suspect_since: minute, access_rejected_at: second },
    'grant_refused',
    { terms: { confirmationMs: 0 } },
  ],
];

const others: readonly Case[] = [
  ['the first HTTP 410', 'gone', {}, null],
  ['an HTTP 410 59 minutes after the first', 'gone', { gone_since: 59 * minute }, null],
  ['an HTTP 410 an hour after the first', 'gone', goneBefore, 'provider_gone'],
  ['the same while refreshes are held back', 'gone', goneBefore, 'provider_gone', { circuit: open }],
  ['a failure after a week of failures, with a token that expired before', 'failed', deadForLong, 'unreachable'],
  ['the first failure, with a token that expired long ago', 'failed', { expires_at: 2 * week }, null],
  ['a failure after six days of failures', 'failed', { ...deadForLong, failing_since: 6 * day }, null],
  ['a failure with a token that expired six days ago', 'failed', { ...deadForLong, expires_at: 6 * day }, null],
  ['a failure with a token whose expiry nobody knows', 'failed', { ...deadForLong, expires_at: null }, null],
  ['a failure while refreshes are held back', 'failed', deadForLong, null, { circuit: open }],
  [
    'a failure while those of another registration are held back',
    'failed',
    deadForLong,
    'unreachable',
    { otherCircuit: open },
  ],
  ['a failure beside a closed circuit breaker', 'failed', deadForLong, 'unreachable', { circuit: {} }],
  ['a failure after a refusal and an HTTP 410', 'failed', { ...refusedBefore, ...goneBefore }, null],
  ['a refusal after an HTTP 410 and a week of failures', 'refused', { ...goneBefore, ...deadForLong }, null],
  ['an HTTP 410 after a refusal and a week of failures', 'gone', { ...refusedBefore, ...deadForLong }, null],
  ['silence after all of it', 'silent', { ...refusedBefore, ...goneBefore, ...deadForLong }, null],
  ['a mistake of ours after all of it', 'ours', { ...refusedBefore, ...goneBefore, ...deadForLong }, null],
];

describe('whether a failed refresh ends its connection', () => {
  it.each([...refusals, ...others])(
    'is decided by %s (R-13, TE-16)',
    async (_, evidence, past, reason, circumstances = {}) => {
      const { before, after } = await fail(evidence, past, circumstances);
      expect({ status: after.status, reason: after.end_reason }).toEqual({
        status: reason === null ? 'active' : 'needs_relink',
        reason,
      });
      expect(before.ended_at).toBeNull();
      expect(after.ended_at === null).toBe(reason === null);
    },
  );

  it.each(['refused', 'gone', 'failed'] as const)(
    'is not decided again for an ended one: reason and instant stay when a trial gets "%s" (R-13)',
    async (evidence) => {
      const past = { ...refusedBefore, ...goneBefore, ...deadForLong, ended_at: day };
      const { before, after } = await fail(evidence, past, { endReason: 'no_refresh_token' });
      expect(after).toMatchObject({
        status: 'needs_relink',
        end_reason: 'no_refresh_token',
        ended_at: before.ended_at,
      });
    },
  );
});

describe('the row after a failed refresh', () => {
  type Memory = 'none' | 'kept' | 'now';

  function memoryOf(before: Date | null, after: Date | null): Memory {
    if (after === null) {
      return 'none';
    }
    return after.getTime() === before?.getTime() ? 'kept' : 'now';
  }

  const past = { suspect_since: minute, gone_since: minute, failing_since: minute };
  const nothing = {};
  it.each<[RefreshEvidence, Ages, Memory, Memory, Memory, Circumstances?]>([
    ['refused', nothing, 'now', 'none', 'none'],
    ['refused', past, 'kept', 'none', 'none'],
    ['refused', past, 'now', 'none', 'none', { circuit: { suspects_forgotten_at: 0 } }],
    ['gone', nothing, 'none', 'now', 'none'],
    ['gone', past, 'kept', 'kept', 'none'],
    ['failed', nothing, 'none', 'none', 'now'],
    ['failed', past, 'kept', 'none', 'kept'],
    ['silent', past, 'kept', 'kept', 'kept'],
    ['silent', nothing, 'none', 'none', 'none'],
    ['ours', past, 'kept', 'none', 'none'],
    ['ours', nothing, 'none', 'none', 'none'],
  ])(
    'is, after "%s" on %j: refusal %s, HTTP 410 %s, failures %s (R-13)',
    async (evidence, ages, suspect, gone, failing, circumstances = {}) => {
      const { before, after } = await fail(evidence, ages, circumstances);
      expect([
        memoryOf(before.suspect_since, after.suspect_since),
        memoryOf(before.gone_since, after.gone_since),
        memoryOf(before.failing_since, after.failing_since),
      ]).toEqual([suspect, gone, failing]);
    },
  );

  it.each([
    [true, false],
    [false, true],
  ])('keeps the attempt in doubt unless its outcome is known (known: %s) (R-04)', async (outcomeKnown, isInDoubt) => {
    const { after } = await fail('silent', {}, { outcomeKnown });
    expect(after.attempt_started_at !== null).toBe(isInDoubt);
  });

  it.each<[string, Ages, Circumstances, boolean]>([
    ['a first refusal whose provider can be asked', {}, { asksAccount: true }, true],
    ['a first refusal whose provider cannot be asked', {}, { asksAccount: false }, false],
    ['the refusal that ends the connection', refusedBefore, { asksAccount: true }, false],
    ['a refusal of an ended connection', { ended_at: day }, { asksAccount: true, endReason: 'grant_refused' }, false],
  ])('asks for the account after %s: as a look at the access token (R-13)', async (_, ages, circumstances, asks) => {
    const { after } = await fail('refused', ages, circumstances);
    expect(after.account_due_at !== null).toBe(asks);
  });

  it.each<[string, Ages, Circumstances, number | null]>([
    ['is due as the back-off says', {}, {}, 2 * hour],
    ['is due for callers only, where it was before', {}, { refreshDue: false }, null],
    ['is tried again in a day when it ends', refusedBefore, {}, day],
    [
      'is tried again in a day when it ends, due for callers only until then',
      refusedBefore,
      { refreshDue: false },
      day,
    ],
    ['is tried again in a day, five days after its end', { ended_at: 5 * day }, { endReason: 'grant_refused' }, day],
    ['is not tried again, seven days after its end', { ended_at: week }, { endReason: 'grant_refused' }, null],
    [
      'is not tried again where that would be later than seven days after its end',
      { ended_at: week - day + minute },
      { endReason: 'grant_refused' },
      null,
    ],
  ])('says when the connection is looked at: it %s (R-13, R-14)', async (_, ages, circumstances, dueInMs) => {
    const { after } = await fail('refused', ages, circumstances);
    if (dueInMs === null) {
      expect(after.due_in_ms).toBeNull();
    } else {
      // The row is read a moment later.
      expect(after.due_in_ms).toBeLessThanOrEqual(dueInMs);
      expect(after.due_in_ms).toBeGreaterThan(dueInMs - hour);
    }
  });
});
