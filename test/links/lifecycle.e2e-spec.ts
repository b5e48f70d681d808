import { afterEach, describe, expect, it } from '@jest/globals';
import { startApplication, type ApplicationOptions, type TestApplication } from '../support/application.js';
import { queryDatabase } from '../support/test-database.js';

/** Credentials take a provider out of the sandbox; nothing is sent to the provider before a browser opens the link. */
const fitbit = { FITBIT_CLIENT_ID: 'not-a-real-id', FITBIT_CLIENT_SECRET: 'not-a-real-secret' };

let application: TestApplication;

function bodyOf(response: { body: unknown }): Record<string, unknown> {
  return response.body as Record<string, unknown>;
}

async function start(environment: NonNullable<ApplicationOptions['environment']>): Promise<void> {
  application = await startApplication({ environment });
}

afterEach(() => application.close());

describe('a provider that was shut down', () => {
  it('is not linked: the response names the successor, and nothing is stored', async () => {
    await start(fitbit);
    const body = bodyOf(await application.api.post('/v1/users/user-1/connections/fitbit/link').send({}).expect(410));
    expect(body).toMatchObject({ code: 'PROVIDER_RETIRED', act: 'caller' });
    expect(body['detail']).toContain('google-health');
    expect(await queryDatabase(application.databaseUrl, 'SELECT id FROM links')).toEqual([]);
  });

  it('is linked where ALLOW_RETIRED_PROVIDERS says so', async () => {
    await start({ ...fitbit, ALLOW_RETIRED_PROVIDERS: 'true' });
    await application.api.post('/v1/users/user-1/connections/fitbit/link').send({}).expect(201);
  });

  it('is linked in the sandbox', async () => {
    await start({});
    await application.api.post('/v1/users/user-1/connections/fitbit/link').send({}).expect(201);
  });
});

describe('a provider that will be shut down', () => {
  const garmin = { GARMIN_OAUTH1_CLIENT_ID: 'not-a-real-id', GARMIN_OAUTH1_CLIENT_SECRET: 'not-a-real-secret' };

  it('is linked with a warning that names the day and the successor, and is counted', async () => {
    await start({});
    application.clock.advance(Date.parse('2026-12-01T00:00:00Z') - application.clock.now().getTime());
    const counted = async (): Promise<number> => {
      const { text } = await application.api.get('/metrics').expect(200);
      return Number(/^cufflink_retiring_links_total\{provider="garmin-oauth1"\} (\d+)$/m.exec(text)?.[1] ?? 0);
    };
    const before = await counted();
    const body = bodyOf(
      await application.api.post('/v1/users/user-1/connections/garmin-oauth1/link').send({}).expect(201),
    );
    expect(body).toMatchObject({ warning: { sunset_at: '2026-12-31', replaced_by: 'garmin' } });
    expect(await counted()).toBe(before + 1);
  });

  it('warns of nothing where no end is announced', async () => {
    await start({});
    const body = bodyOf(await application.api.post('/v1/users/user-1/connections/whoop/link').send({}).expect(201));
    expect(body).not.toHaveProperty('warning');
  });

  it('is not linked any more from the day after', async () => {
    await start(garmin);
    application.clock.advance(Date.parse('2027-01-01T00:00:00Z') - application.clock.now().getTime());
    const body = bodyOf(
      await application.api.post('/v1/users/user-1/connections/garmin-oauth1/link').send({}).expect(410),
    );
    expect(body).toMatchObject({ code: 'PROVIDER_RETIRED' });
    const list = await application.api.get('/v1/providers').expect(200);
    const { providers } = list.body as { providers: { slug: string; lifecycle: string }[] };
    expect(providers.find(({ slug }) => slug === 'garmin-oauth1')).toMatchObject({ lifecycle: 'retired' });
  });
});
