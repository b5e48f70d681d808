import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { HostResolver } from '../../src/provider-kit/http/host-resolver.js';
import { ProviderHttpClient } from '../../src/provider-kit/http/http-client.js';
import { OutboundPolicy } from '../../src/provider-kit/http/outbound-policy.js';
import { ProviderRegistry } from '../../src/provider-kit/provider-registry.js';
import { sandboxClientId, sandboxClientSecret } from '../../src/provider-kit/definition/provider-settings.js';
import { ouraDefinition } from '../../src/providers/oura/oura.definition.js';
import { VendorSandbox } from '../../src/sandbox/vendor-sandbox.js';
import { startApplication, type TestApplication } from '../support/application.js';
import { linkAccount } from '../support/linking.js';
import { held } from '../support/fake-providers.js';
import { TestClock } from '../support/test-clock.js';
import { until } from '../support/until.js';

/** Refreshes under way. */
const countLeases = {
  name: 'test-count-leases',
  text: 'SELECT count(*) FROM connections WHERE leased_until > now()',
};

/** Every name leads to the metadata service of a cloud. */
class HijackedResolver extends HostResolver {
  readonly asked: string[] = [];

  override resolve(hostname: string): Promise<{ address: string; family: number }[]> {
    this.asked.push(hostname);
    return Promise.resolve([{ address: '169.254.169.254', family: 4 }]);
  }
}

describe('requests to providers', () => {
  const resolver = new HijackedResolver();
  let application: TestApplication;

  beforeAll(async () => {
    application = await startApplication({
      environment: {
        SANDBOX_URL: undefined,
        SMART_ON_FHIR_CLIENT_ID: 'client-1',
        SMART_ON_FHIR_CLIENT_SECRET: 'secret-1',
        SMART_ON_FHIR_ALLOWED_HOSTS: 'auth.hospital.example,other.hospital.example:8443',
        WHOOP_CLIENT_ID: 'client-1',
        WHOOP_CLIENT_SECRET: 'secret-1',
        WHOOP_TOKEN_URL: 'https://whoop-gateway.example/token',
        GARMIN_OAUTH1_CLIENT_ID: 'client-1',
        GARMIN_OAUTH1_CLIENT_SECRET: 'secret-1',
      },
      override: (builder) => builder.overrideProvider(HostResolver).useValue(resolver),
    });
  });
  afterEach(() => {
    resolver.asked.length = 0;
  });
  afterAll(() => application.close());

  it('go to the endpoints of every provider, as the operator configured them (NET-01)', () => {
    const policy = application.app.get(OutboundPolicy, { strict: false });
    const endpoints = application.app
      .get(ProviderRegistry)
      .list()
      .flatMap(({ settings }) => Object.values({ ...settings.endpoints, authorizeUrl: undefined }))
      .filter((url): url is string => Boolean(url))
      .concat('https://auth.hospital.example/token', 'https://other.hospital.example:8443/token');
    expect(endpoints.length).toBeGreaterThan(60);
    expect(endpoints).toContain('https://whoop-gateway.example/token');
    expect(endpoints.filter((url) => policy.findObjection(new URL(url)) !== undefined)).toEqual([]);
  });

  it.each(['https://other.example/', 'https://hospital.example/', 'https://other.hospital.example/'])(
    'go nowhere else: %s (NET-01)',
    async (url) => {
      const http = application.app.get(ProviderHttpClient, { strict: false });
      await expect(http.send({ method: 'GET', url, timeoutMs: 5_000 })).rejects.toMatchObject({
        code: 'PROVIDER_MISCONFIGURED',
      });
      expect(resolver.asked).toEqual([]);
    },
  );

  it('do not follow a name server that points inside: nothing is sent, and the operator is blamed (NET-02)', async () => {
    const response = await application.api.post('/v1/users/user-1/connections/garmin-oauth1/link').send({}).expect(500);
    expect(response.body).toMatchObject({
      code: 'PROVIDER_MISCONFIGURED',
      act: 'operator',
      detail: expect.stringContaining('an address that is not public'),
    });
    expect(resolver.asked).toEqual(['connectapi.garmin.com']);
  });
});

describe('a provider that does not respond (NET-04)', () => {
  const users = Array.from({ length: 80 }, (_, index) => `user-${index}`);
  let application: TestApplication;
  let others: VendorSandbox;

  beforeAll(async () => {
    const clock = new TestClock();
    // At an origin of its own, as providers are.
    others = await VendorSandbox.start({ providers: new Map(), now: () => clock.now().getTime() });
    others.add('oura', ouraDefinition.sandbox);
    const moved = (url: string | undefined): string => `${others.url}/oura${new URL(url ?? '').pathname}`;
    const environment = {
      DATABASE_POOL_SIZE: '2',
      OURA_CLIENT_ID: sandboxClientId('oura'),
      OURA_CLIENT_SECRET: sandboxClientSecret('oura'),
      OURA_AUTH_URL: moved(ouraDefinition.authorizeUrl),
      OURA_TOKEN_URL: moved(ouraDefinition.tokenUrl),
      OURA_API_BASE_URL: moved(ouraDefinition.apiBaseUrl),
    };
    application = await startApplication({ clock, environment });
    for (const user of users) {
      await linkAccount(application, user, 'whoop');
    }
    await linkAccount(application, 'user-0', 'oura');
  });
  afterAll(async () => {
    await application.close();
    await others.stop();
  });

  it('holds up neither calls to another provider nor those that need the database only', async () => {
    application.clock.advance(30 * 24 * 3_600 * 1_000);
    const whoop = application.sandbox.provider('whoop');
    whoop.misbehave({ endpoint: 'refresh', ...held }, Infinity);
    let answered = 0;
    const waiting = users.map(async (user) => {
      const response = await application.api.get(`/v1/users/${user}/connections/whoop/token`);
      answered += 1;
      return response.status;
    });
    const database = application.app.get(Database, { strict: false });
    await until('twenty refreshes are under way', async () => {
      const [row] = await database.query<{ count: string }>(countLeases);
      return Number(row?.count) >= 20;
    });

    await application.api.get('/v1/users/user-0/connections/oura/token').expect(200);
    await application.api.get('/v1/users/user-0/connections').expect(200);
    await linkAccount(application, 'user-1', 'oura');
    expect(answered).toBe(0);
    whoop.behave();
    await Promise.all(waiting);
  });
});
