import { describe, expect, it } from '@jest/globals';
import {
  environmentPrefix,
  sandboxClientId,
  sandboxClientSecret,
} from '../../src/provider-kit/definition/provider-settings.js';
import { ConnectionEndings } from '../../src/tokens/scheduler/connection-endings.js';
import { AccountLookupWorker } from '../../src/tokens/accounts/account-lookup.worker.js';
import { RefreshScheduler } from '../../src/tokens/scheduler/refresh-scheduler.js';
import { type TestApplication } from '../support/application.js';
import { at, resetCircuitBreakers, Subject } from '../support/subject.js';
import { changeRows } from '../support/rows.js';
import { useSweepers } from '../support/sweeps.js';

const { start, startBeside } = useSweepers();

const hour = 3_600;
const outage = at({ type: 'status', code: 503 });

/**
 * Starts a second instance on the same data which takes the fakes for the real providers: it has credentials for them.
 */
function startConfigured(first: TestApplication, slugs: readonly string[]): Promise<TestApplication> {
  const variables = slugs.flatMap((slug) => [
    [`${environmentPrefix(slug)}_CLIENT_ID`, sandboxClientId(slug)],
    [`${environmentPrefix(slug)}_CLIENT_SECRET`, sandboxClientSecret(slug)],
  ]);
  return startBeside(first, { environment: Object.fromEntries(variables) as Record<string, string> });
}

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
    expect(await subject.view()).toMatchObject({ status: 'active', reason: 'gone_unconfirmed' });
    await subject.passInDatabase(hour - 60);
    await subject.refusal();
    expect((await subject.row()).status).toBe('active');
    await subject.passInDatabase(61);
    expect(await subject.refusal()).toMatchObject({ status: 410, code: 'PROVIDER_RETIRED', act: 'caller' });
    expect(await subject.view()).toMatchObject({ status: 'needs_relink', reason: 'provider_gone' });
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
      await subject.passInDatabase(hour + 1);
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
      await changeRows(application.databaseUrl, 'connections', { refresh_due_at: 'now', account_due_at: 'now' });
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
    const { clock } = sandboxed;
    clock.advance(Date.parse('2026-12-31T23:00:00Z') - clock.now().getTime());
    const path = `/v1/users/${subject.userId}/connections/garmin-oauth1`;
    const configured = await startConfigured(sandboxed, ['garmin-oauth1']);
    await configured.api.get(`${path}/token`).expect(200);
    clock.advance(2 * hour * 1_000);
    await configured.api.get(`${path}/token`).expect(410);
    const allowed = await startBeside(sandboxed, {
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
