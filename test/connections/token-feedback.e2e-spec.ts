import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { TokenFeedbackService } from '../../src/tokens/token-feedback.service.js';
import { TokensService } from '../../src/tokens/tokens.service.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { auditEntriesOf } from '../support/audit-entries.js';
import { at, resetCircuitBreakers, Subject } from '../support/subject.js';
import { request } from '../../src/sandbox/testing/request.js';

interface TokenBody {
  readonly access_token: string;
  readonly fingerprint: string;
}

function fingerprintOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Status of the response of the provider's API to a token. */
async function apiStatus({ fake }: Subject, token: string): Promise<number> {
  const { apiPath } = fake.definition;
  const response = await request(`${fake.url}${apiPath}`, { headers: { authorization: `Bearer ${token}` } });
  await response.body.dump();
  return response.statusCode;
}

describe('feedback on tokens', () => {
  let application: TestApplication;

  beforeAll(async () => {
    application = await startApplication();
  });
  afterEach(async () => {
    application.sandbox.provider('whoop').behave();
    await resetCircuitBreakers(application);
  });
  afterAll(() => application.close());

  function report(subject: Subject, token: string, on = application) {
    const path = `/v1/users/${subject.userId}/connections/${subject.slug}/token/rejected`;
    return on.api.post(path).send({ fingerprint: fingerprintOf(token) });
  }

  async function reported(subject: Subject, token: string): Promise<string> {
    const response = await report(subject, token).expect(200);
    return (response.body as TokenBody).access_token;
  }

  it('returns with each token a fingerprint that a caller can compute (TE-09)', async () => {
    const subject = await Subject.link(application, 'whoop');
    const response = await subject.read().expect(200);
    const { access_token: token, fingerprint } = response.body as TokenBody;
    expect(fingerprint).toBe(fingerprintOf(token));
    const reported = await report(subject, 'another').expect(200);
    expect(reported.body).toEqual(response.body);
    expect(reported.headers['cache-control']).toBe('no-store');
  });

  it('refreshes once when a hundred callers report the same token, and responds to all of them with the new one (TE-09, R-11)', async () => {
    const subject = await Subject.link(application, 'whoop');
    const old = await subject.token();
    application.sandbox.provider('whoop').expireAccessTokens();
    expect(await apiStatus(subject, old)).toBe(401);
    const responses = await Promise.all(Array.from({ length: 100 }, () => reported(subject, old)));
    expect(new Set(responses).size).toBe(1);
    expect(await apiStatus(subject, responses[0] ?? '')).toBe(200);
    expect(subject.refreshes).toHaveLength(1);
    // Late reports, one after the other, too.
    for (let late = 0; late < 5; late += 1) {
      expect(await reported(subject, old)).toBe(responses[0]);
    }
    expect(subject.refreshes).toHaveLength(1);
  });

  it('is in the audit trail where it leads to a refresh, and before that (LOG-05)', async () => {
    const subject = await Subject.link(application, 'whoop');
    const token = await subject.token();
    await reported(subject, 'another');
    await reported(subject, token);
    const entries = await auditEntriesOf(application, subject.userId);
    expect(entries.filter((entry) => entry.startsWith('token.'))).toEqual([
      'token.handed_out success api-key',
      'token.handed_out success api-key',
      'token.rejected success api-key',
      'token.refreshed success service',
      'token.handed_out success api-key',
    ]);
  });

  it('without the fingerprint: each report refreshes (TE-09)', async () => {
    const naive = await startApplication({
      override: (builder) =>
        builder.overrideProvider(TokenFeedbackService).useFactory({
          factory: (tokens: TokensService) => ({
            reportRejected: (userId: string, slug: string) => tokens.refreshNow(userId, slug),
          }),
          inject: [TokensService],
        }),
    });
    try {
      const subject = await Subject.link(naive, 'whoop');
      const old = await subject.token();
      for (let call = 0; call < 5; call += 1) {
        await report(subject, old, naive).expect(200);
      }
      expect(subject.refreshes).toHaveLength(5);
    } finally {
      await naive.close();
    }
  });

  it('replaces a token that a refresh has ended by one round trip and no further refresh (R-17)', async () => {
    const subject = await Subject.link(application, 'whoop');
    const old = await subject.token();
    await subject.refresh().expect(200);
    expect(await apiStatus(subject, old)).toBe(401);
    const token = await reported(subject, old);
    expect(await apiStatus(subject, token)).toBe(200);
    expect(subject.refreshes).toHaveLength(1);
  });

  it('does not refresh repeatedly for a caller that rejects every token (TE-09)', async () => {
    const subject = await Subject.link(application, 'whoop');
    let token = await subject.token();
    for (let call = 0; call < 10; call += 1) {
      token = await reported(subject, token);
    }
    expect(subject.refreshes).toHaveLength(1);
    application.clock.advance(31_000);
    expect(await reported(subject, token)).not.toBe(token);
    expect(subject.refreshes).toHaveLength(2);
  });

  it.each([
    ['the provider does not respond', at({ type: 'status', code: 503 })],
    ['the provider refuses the refresh token', at({ type: 'error', error: 'invalid_grant', status: 400 })],
  ])('withholds nothing because of a report: %s (TE-09)', async (_, wrong) => {
    const subject = await Subject.link(application, 'whoop');
    const token = await subject.token();
    subject.fake.misbehave(wrong, Infinity);
    expect(await reported(subject, token)).toBe(token);
    await subject.passInDatabase(900);
    expect(await reported(subject, token)).toBe(token);
    expect(await subject.token()).toBe(token);
  });

  it('responds with the token of OAuth 1.0a, which no refresh replaces (TE-09)', async () => {
    const subject = await Subject.link(application, 'garmin-oauth1');
    const before = await subject.read().expect(200);
    const { token, fingerprint } = before.body as { token: string; fingerprint: string };
    expect(fingerprint).toBe(fingerprintOf(token));
    const after = await report(subject, token).expect(200);
    expect(after.body).toEqual(before.body);
  });

  it('wants the scope tokens:read, and a fingerprint that is one (TE-09)', async () => {
    const subject = await Subject.link(application, 'whoop');
    const path = `/v1/users/${subject.userId}/connections/whoop/token/rejected`;
    const key = await application.createKey('connections:read', 'connections:write');
    const refused = await application.browser
      .post(path)
      .set('authorization', `Bearer ${key}`)
      .send({ fingerprint: fingerprintOf('x') });
    expect(refused.body).toMatchObject({ status: 403, code: 'SCOPE_MISSING' });
    for (const fingerprint of [undefined, '', 'x'.repeat(64), 7, [fingerprintOf('x')]]) {
      const response = await application.api.post(path).send({ fingerprint });
      expect(response.body).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
    }
    expect(subject.refreshes).toEqual([]);
  });
});
