import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { consent } from '../../sandbox/testing/consent.js';
import { Clock } from '../../clock/clock.js';
import type {
  AuthorizationStart,
  CallbackParameters,
  Handshake,
  HandshakeSecrets,
} from '../../provider-kit/handshake.js';
import type { GrantTokens } from '../../provider-kit/health-provider.js';
import { defineProvider } from '../../provider-kit/definition/provider-definition.js';
import { ProviderHttpClient } from '../../provider-kit/http/http-client.js';
import { ProviderRegistry } from '../../provider-kit/provider-registry.js';
import { describeProviderContract } from '../../provider-kit/testing/provider-contract.js';
import { startRecordingServer, type RecordingServer } from '../../provider-kit/testing/recording-server.js';
import { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import type { TokenResponse } from '../../provider-kit/token-response.js';
import { VendorSandbox } from '../../sandbox/vendor-sandbox.js';
import { readFhirServers, type FhirServer } from './fhir-servers.js';
import { smartOnFhirDefinition } from './smart-on-fhir.definition.js';
import { SmartOnFhirModule } from './smart-on-fhir.module.js';
import { SmartOnFhirProvider } from './smart-on-fhir.provider.js';
import { smartOnFhirSandbox } from './smart-on-fhir.sandbox.js';

const fhirBaseUrl = 'https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R4';
const handshake = {
  state: 'state-of-this-link',
  redirectUri: 'http://localhost:3000/callback',
  scopes: smartOnFhirDefinition.defaultScopes,
};

/**
 * Speaks as the contract expects: its accounts are bare numbers without a server, and all secrets of a link are made
 * for that link. The tests below look at what is taken away here.
 */
class ContractProvider extends SmartOnFhirProvider {
  private static discovered = '';

  override async begin(attempt: Handshake): Promise<AuthorizationStart> {
    const { authorizeUrl, secrets } = await super.begin(attempt);
    const { discovered = '', ...own } = secrets;
    ContractProvider.discovered = discovered;
    return { authorizeUrl, secrets: own };
  }

  override complete(
    callback: CallbackParameters,
    attempt: Handshake,
    secrets: HandshakeSecrets,
  ): Promise<TokenResponse> {
    return super.complete(callback, attempt, { ...secrets, discovered: ContractProvider.discovered });
  }

  override async findProviderUserId(tokens: GrantTokens): Promise<string | undefined> {
    return (await super.findProviderUserId(tokens))?.replace(`${fhirBaseUrl}|`, '');
  }

  override revoke(tokens: GrantTokens): Promise<'revoked' | 'unsupported'> {
    return super.revoke({ ...tokens, providerUserId: undefined });
  }
}

describeProviderContract(
  smartOnFhirDefinition,
  (settings, client) => new ContractProvider({ definition: smartOnFhirDefinition, settings, allowedHosts: [] }, client),
);

// The same server for a client that has registered a key.
const keyedDefinition = defineProvider({
  ...smartOnFhirDefinition,
  clientAuthentication: 'private_key_jwt',
  sandbox: { ...smartOnFhirSandbox, clientAuthentication: 'private_key_jwt' },
});
describe('with a key in place of a secret', () => {
  describeProviderContract(
    keyedDefinition,
    (settings, client) => new ContractProvider({ definition: keyedDefinition, settings, allowedHosts: [] }, client),
  );
});

describe('SMART on FHIR', () => {
  const http = new ProviderHttpClient();
  const client = new OAuth2Client(http, new Clock());
  let sandbox: VendorSandbox;

  beforeEach(async () => {
    sandbox = await VendorSandbox.start({ providers: new Map([['smart-on-fhir', smartOnFhirDefinition.sandbox]]) });
  });
  afterEach(() => sandbox.stop());
  afterAll(() => http.onApplicationShutdown());

  const provider = (): SmartOnFhirProvider => {
    const [server] = readFhirServers({ SANDBOX_URL: sandbox.url });
    return new SmartOnFhirProvider(server as FhirServer, client);
  };

  async function link(linked = provider()): Promise<TokenResponse> {
    const { authorizeUrl, secrets } = await linked.begin(handshake);
    const callback = await consent(authorizeUrl, { account: '4711' });
    return linked.complete(Object.fromEntries(callback.searchParams), handshake, secrets);
  }

  it("puts the FHIR server in front of the patient's id, at the link and at each refresh", async () => {
    const tokenResponse = await link();
    expect(await provider().findProviderUserId(tokenResponse)).toBe(`${fhirBaseUrl}|4711`);
    expect((await provider().refresh(tokenResponse)).providerUserId).toBe(`${fhirBaseUrl}|4711`);
    expect(await provider().revoke(tokenResponse)).toBe('revoked');
  });

  it('asks once for the endpoints, not for each call', async () => {
    const one = provider();
    await one.refresh(await link(one));
    const discoveries = sandbox.provider('smart-on-fhir').history.filter(({ kind }) => kind === 'endpoint');
    expect(discoveries).toHaveLength(1);
  });

  it('sends no token of a connection with another FHIR server', async () => {
    const tokenResponse = (await link()).with({ providerUserId: 'https://other.example/R4|4711' });
    const before = sandbox.provider('smart-on-fhir').history.length;
    await expect(provider().refresh(tokenResponse)).rejects.toMatchObject({ code: 'PROVIDER_MISCONFIGURED' });
    await expect(provider().revoke(tokenResponse)).rejects.toMatchObject({ code: 'PROVIDER_MISCONFIGURED' });
    expect(sandbox.provider('smart-on-fhir').history).toHaveLength(before);
  });

  it('refuses a link without a record of its endpoints (AR-10)', async () => {
    const { authorizeUrl, secrets } = await provider().begin(handshake);
    const callback = Object.fromEntries((await consent(authorizeUrl)).searchParams);
    const { discovered, ...rest } = secrets;
    expect(discovered).toContain('token_endpoint');
    await expect(provider().complete(callback, handshake, rest)).rejects.toMatchObject({
      code: 'AUTHORIZATION_STATE_INVALID',
    });
  });

  it('refuses a link to endpoints that the operator no longer allows (AR-10)', async () => {
    const { authorizeUrl, secrets } = await provider().begin(handshake);
    const callback = Object.fromEntries((await consent(authorizeUrl)).searchParams);
    const discovered = secrets.discovered?.replaceAll('127.0.0.1', 'localhost') ?? '';
    await expect(provider().complete(callback, handshake, { ...secrets, discovered })).rejects.toMatchObject({
      code: 'PROVIDER_MISCONFIGURED',
    });
  });

  it('reports a refresh that discovery holds up as not sent', async () => {
    const tokenResponse = await link();
    sandbox.provider('smart-on-fhir').misbehave({ endpoint: 'endpoint', type: 'drop' });
    await expect(provider().refresh(tokenResponse)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      fate: 'not-sent',
    });
    expect(sandbox.provider('smart-on-fhir').isLiveRefreshToken(tokenResponse.refreshToken ?? '')).toBe(true);
  });

  it('leaves a call to the token endpoint less time than the core gives the whole refresh', async () => {
    const tokenResponse = await link();
    const [server] = readFhirServers({ SANDBOX_URL: sandbox.url });
    const { definition } = server as FhirServer;
    const hasty = { ...definition, refresh: { ...definition.refresh, timeoutMs: 6_000 } };
    sandbox.provider('smart-on-fhir').misbehave({ endpoint: 'refresh', type: 'slow', ms: 600_000 });
    const refresh = new SmartOnFhirProvider({ ...(server as FhirServer), definition: hasty }, client).refresh(
      tokenResponse,
    );
    await expect(refresh).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', fate: 'unknown' });
  });

  it('assumes the strictest where each server decides for itself', () => {
    const strictest = { rotates: 'always', reuse: 'family-revoked', grace: 'none', oldAccessTokenDiesOnRefresh: true };
    expect(smartOnFhirDefinition.refresh).toMatchObject(strictest);
    expect(smartOnFhirDefinition.accessTokenLifetimeSeconds).toBeUndefined();
  });

  it('is one provider for each server that the operator lists', () => {
    const registry = new ProviderRegistry();
    const servers = readFhirServers({
      SMART_ON_FHIR_SERVERS: 'hospital=https://fhir.hospital.example/R4',
      SMART_ON_FHIR_HOSPITAL_CLIENT_ID: 'client-1',
      SMART_ON_FHIR_HOSPITAL_CLIENT_SECRET: 'secret-1',
    });
    new SmartOnFhirModule(registry, client, { servers }).onModuleInit();
    expect(registry.list().map(({ definition }) => definition.slug)).toEqual([
      'smart-on-fhir',
      'smart-on-fhir-hospital',
    ]);
  });
});

describe('a FHIR server of its own ways', () => {
  const http = new ProviderHttpClient();
  const client = new OAuth2Client(http, new Clock());
  let peer: RecordingServer;
  let configuration: object;

  beforeEach(async () => {
    peer = await startRecordingServer(({ target }) => {
      const tokens = { access_token: 'at-1', token_type: 'Bearer', expires_in: 60, patient: 'p-1' };
      const body = JSON.stringify(target.endsWith('/smart-configuration') ? configuration : tokens);
      return { headers: { 'content-type': 'application/json' }, body };
    });
    configuration = {
      authorization_endpoint: `${peer.url}/authorize`,
      token_endpoint: `${peer.url}/token`,
      code_challenge_methods_supported: ['S256'],
    };
  });
  afterEach(() => peer.close());
  afterAll(() => http.onApplicationShutdown());

  const provider = (): SmartOnFhirProvider => {
    const [server] = readFhirServers({
      SMART_ON_FHIR_CLIENT_ID: 'client-1',
      SMART_ON_FHIR_CLIENT_SECRET: 'secret-1',
      SMART_ON_FHIR_API_BASE_URL: `${peer.url}/R4`,
    });
    return new SmartOnFhirProvider(server as FhirServer, client);
  };
  const callback = { code: 'code-1', state: handshake.state };

  it('is named in the authorisation request as the operator configured it', async () => {
    const { authorizeUrl } = await provider().begin(handshake);
    expect(authorizeUrl).toMatch(`${peer.url}/authorize?`);
    expect(new URL(authorizeUrl).searchParams.get('aud')).toBe(`${peer.url}/R4`);
  });

  it("redeems the code at the endpoint of the link's start, even if the settings name another one by then (AR-10)", async () => {
    const { secrets } = await provider().begin(handshake);
    configuration = { ...configuration, token_endpoint: `${peer.url}/elsewhere` };
    const tokenResponse = await provider().complete(callback, handshake, secrets);
    expect(tokenResponse.providerUserId).toBe(`${peer.url}/R4|p-1`);
    expect(peer.requests.map(({ target }) => target)).toEqual(['/R4/.well-known/smart-configuration', '/token']);
  });

  describe('that names its issuer', () => {
    const tokenCalls = (): number => peer.requests.filter(({ target }) => target === '/token').length;

    async function complete(iss: string | undefined): Promise<TokenResponse> {
      const linked = provider();
      const { secrets } = await linked.begin(handshake);
      return linked.complete({ ...callback, ...(iss === undefined ? {} : { iss }) }, handshake, secrets);
    }

    beforeEach(() => {
      configuration = { ...configuration, issuer: `${peer.url}/issuer` };
    });

    it('gets the code of a callback that names it, or nobody (AR-08)', async () => {
      await complete(`${peer.url}/issuer`);
      await complete(undefined);
      expect(tokenCalls()).toBe(2);
    });

    it('gets no code of a callback that names another, or nobody where it says that each of its callbacks does (AR-08)', async () => {
      for (const issuer of ['https://evil.example', `${peer.url}/issuer/`, '']) {
        await expect(complete(issuer)).rejects.toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
      }
      configuration = { ...configuration, authorization_response_iss_parameter_supported: true };
      await expect(complete(undefined)).rejects.toMatchObject({ code: 'AUTHORIZATION_STATE_INVALID' });
      expect(tokenCalls()).toBe(0);
    });

    it('gets the code of a callback of any issuer when it names none: with the defense off (AR-08)', async () => {
      configuration = { ...configuration, issuer: undefined };
      await complete('https://evil.example');
      expect(tokenCalls()).toBe(1);
    });
  });

  describe('with a client that has registered a key', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const keyed = (): SmartOnFhirProvider => {
      const [server] = readFhirServers({
        SMART_ON_FHIR_CLIENT_ID: 'client-1',
        SMART_ON_FHIR_CLIENT_SECRET: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        SMART_ON_FHIR_KEY_ID: 'key-1',
        SMART_ON_FHIR_API_BASE_URL: `${peer.url}/R4`,
      });
      return new SmartOnFhirProvider(server as FhirServer, client);
    };

    it('gets an assertion for the endpoint that it is sent to, and no other proof (AR-21)', async () => {
      configuration = { ...configuration, issuer: `${peer.url}/issuer`, revocation_endpoint: `${peer.url}/revoke` };
      const { secrets } = await keyed().begin(handshake);
      const tokens = await keyed().complete({ ...callback, iss: `${peer.url}/issuer` }, handshake, secrets);
      await keyed().revoke(tokens);
      const calls = peer.requests.filter(({ method }) => method === 'POST');
      const audiences = calls.map(({ body }) => decodeJwt(new URLSearchParams(body).get('client_assertion') ?? '').aud);
      expect(audiences).toEqual([`${peer.url}/token`, `${peer.url}/revoke`]);
      expect(calls.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
      expect(calls.filter(({ body }) => body.includes('client_secret'))).toEqual([]);
    });

    it('gets none if it lists its client authentications without keys', async () => {
      configuration = { ...configuration, token_endpoint_auth_methods_supported: ['client_secret_basic'] };
      await expect(keyed().begin(handshake)).rejects.toMatchObject({
        code: 'PROVIDER_MISCONFIGURED',
        message: expect.stringContaining('token_endpoint_auth_methods_supported') as unknown,
      });
      configuration = { ...configuration, token_endpoint_auth_methods_supported: ['private_key_jwt'] };
      await expect(keyed().begin(handshake)).resolves.toBeDefined();
    });
  });

  it('offers no way to end a grant where it names none', async () => {
    expect(await provider().revoke({ accessToken: 'at-1', refreshToken: 'rt-1' })).toBe('unsupported');
  });

  it('gets no client credentials with a request for its endpoints', async () => {
    await provider().begin(handshake);
    expect(peer.requests).toHaveLength(1);
    expect(peer.requests[0]?.headers.authorization).toBeUndefined();
    expect(JSON.stringify(peer.requests[0])).not.toContain('secret-1');
  });
});
