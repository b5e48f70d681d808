import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { AuditEvent } from '../../src/audit/audit-event.js';
import { AuditTrail } from '../../src/audit/audit-trail.js';
import { TokenFeedbackService } from '../../src/tokens/token-feedback.service.js';
import { TokensService } from '../../src/tokens/tokens.service.js';
import { type ApplicationOptions, startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { startReplica } from '../support/observed-application.js';
import { linkAccount } from '../support/linking.js';
import { type ProxiedResponse, ProxyCaller } from '../support/proxied-call.js';
import { resetCircuitBreakers, Subject } from '../support/subject.js';
import { closeAuditTrail } from '../support/rows.js';

let application: TestApplication;
let replica: TestApplication;
let caller: ProxyCaller;
let another: ProxyCaller;

beforeAll(async () => {
  application = await startApplication();
  replica = await startReplica(application);
  caller = await ProxyCaller.of(application);
  another = await ProxyCaller.of(replica);
});
afterEach(async () => {
  application.sandbox.provider('whoop').behave();
  await resetCircuitBreakers(application);
});
afterAll(async () => {
  await replica.close();
  await application.close();
});

/** The request as the fake provider received it. */
function received({ json }: ProxiedResponse): Record<string, unknown> {
  return json['received'] as Record<string, unknown>;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Calls of the provider's API since the link of a subject, with how they ended. */
function apiCalls(subject: Subject, from = 0): string[] {
  return subject.fake.history
    .slice(from)
    .filter(({ kind }) => kind === 'api')
    .map(({ outcome, status }) => `${outcome} ${status}`);
}

describe("a provider's 401 (TE-09)", () => {
  it('leads to one refresh for a hundred callers of two replicas, and each gets the new token (R-11)', async () => {
    const subject = await Subject.link(application, 'whoop');
    const from = subject.fake.history.length;
    subject.fake.expireAccessTokens();
    const responses = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        (index % 2 === 0 ? caller : another).call('whoop', `cycle/${index}`, {
          user: subject.userId,
          method: 'POST',
          body: `${index}`,
        }),
      ),
    );
    expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 200));
    expect(responses.map((response) => received(response)['body_sha256'])).toEqual(
      responses.map((_, index) => sha256(Buffer.from(`${index}`))),
    );
    expect(subject.refreshes).toHaveLength(1);
    expect(apiCalls(subject, from).filter((outcome) => outcome === 'ok 200')).toHaveLength(100);
    const entries = await auditEntriesOf(application, subject.userId);
    // One for each request that left, and one refresh.
    expect(entries.filter((entry) => entry.startsWith('request.proxied'))).toHaveLength(apiCalls(subject, from).length);
    expect(entries.filter((entry) => entry.startsWith('token.refreshed'))).toHaveLength(1);
  });

  it('is passed on when another refresh changes nothing: two requests at most, one refresh', async () => {
    const subject = await Subject.link(application, 'whoop');
    const from = subject.fake.history.length;
    const wrong = { type: 'status', code: 401, body: '{"theirs":1}', contentType: 'application/json' } as const;
    subject.fake.misbehave({ endpoint: 'api', ...wrong }, Infinity);
    for (const expected of [2, 3, 4]) {
      const response = await caller.call('whoop', 'cycle', { user: subject.userId });
      expect(response).toMatchObject({
        status: 401,
        headers: { 'cufflink-answer-from': 'whoop' },
        json: { theirs: 1 },
      });
      expect(response.headers).not.toHaveProperty('www-authenticate');
      expect(apiCalls(subject, from)).toHaveLength(expected);
    }
    expect(subject.refreshes).toHaveLength(1);
  });

  it('is passed on when the refresh fails', async () => {
    const subject = await Subject.link(application, 'whoop');
    subject.fake.expireAccessTokens();
    subject.fake.misbehave({ endpoint: 'refresh', type: 'status', code: 503 }, Infinity);
    const response = await caller.call('whoop', 'cycle', { user: subject.userId });
    expect(response).toMatchObject({ status: 401, headers: { 'cufflink-answer-from': 'whoop' } });
  });

  it('is passed on for OAuth 1.0a, where nothing can be refreshed', async () => {
    const subject = await Subject.link(application, 'garmin-oauth1');
    const from = subject.fake.history.length;
    subject.fake.revokeGrant(subject.account);
    const response = await caller.call('garmin-oauth1', 'dailies', { user: subject.userId });
    expect(response).toMatchObject({ status: 401, headers: { 'cufflink-answer-from': 'garmin-oauth1' } });
    expect(apiCalls(subject, from)).toEqual(['token_rejected 401']);
  });

  it('without the fingerprint: each 401 refreshes, for any token', async () => {
    const naive = await startReplica(application, {
      override: (builder) =>
        builder.overrideProvider(TokenFeedbackService).useFactory({
          factory: (tokens: TokensService) => ({
            reportRejected: async (userId: string, slug: string) => {
              await tokens.refreshNow(userId, slug);
              return true;
            },
          }),
          inject: [TokensService],
        }),
    });
    try {
      const subject = await Subject.link(application, 'whoop');
      const own = await ProxyCaller.of(naive);
      subject.fake.misbehave({ endpoint: 'api', type: 'status', code: 401 }, Infinity);
      for (let call = 0; call < 3; call += 1) {
        await own.call('whoop', 'cycle', { user: subject.userId });
      }
      expect(subject.refreshes).toHaveLength(3);
    } finally {
      await naive.close();
    }
  });
});

/** The audit trail as many services have it: written when it can be, and nobody waits for it. */
class FireAndForgetAuditTrail extends AuditTrail {
  override record(event: AuditEvent): Promise<void> {
    super.record(event).catch(() => undefined);
    return Promise.resolve();
  }
}

describe('a call without a writable audit entry (LOG-06)', () => {
  let own: TestApplication;
  afterEach(() => own.close());

  /**
   * A call and a signature while the trail takes nothing; what became of them, of the provider's API and of the trail.
   */
  async function callWithoutTrail(options: ApplicationOptions = {}): Promise<unknown> {
    own = await startApplication(options);
    await linkAccount(own, 'the-user', 'garmin-oauth1');
    const service = await ProxyCaller.of(own);
    await closeAuditTrail(own.databaseUrl);
    const fake = own.sandbox.provider('garmin-oauth1');
    const called = await service.call('garmin-oauth1', 'dailies');
    const signed = await service.sign('garmin-oauth1', {
      method: 'GET',
      url: `${fake.url}/wellness-api/rest/dailies`,
    });
    const entries = await auditEntriesOf(own, 'the-user');
    return {
      responses: [called, signed].map(({ status, json }) => [status, json['code']]),
      sent: fake.history.filter(({ kind }) => kind === 'api').length,
      signature: signed.json['authorization'] !== undefined,
      entries: entries.filter((entry) => entry.startsWith('request.')),
    };
  }

  it('is not made, and not signed', async () => {
    const refused = [503, 'DATABASE_UNAVAILABLE'];
    expect(await callWithoutTrail()).toEqual({ responses: [refused, refused], sent: 0, signature: false, entries: [] });
  });

  it('is made without a trace where nobody waits for the entry: the defense switched off', async () => {
    const careless = await callWithoutTrail({
      override: (builder) => builder.overrideProvider(AuditTrail).useClass(FireAndForgetAuditTrail),
    });
    const done = [200, undefined];
    expect(careless).toEqual({ responses: [done, done], sent: 1, signature: true, entries: [] });
  });
});
