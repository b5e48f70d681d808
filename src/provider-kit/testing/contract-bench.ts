import { consent, type ConsentOptions } from '../../sandbox/testing/consent.js';
import { Clock } from '../../clock/clock.js';
import { VendorSandbox } from '../../sandbox/vendor-sandbox.js';
import type { FakeProvider } from '../../sandbox/fake-provider.js';
import type { HandshakeSecrets } from '../handshake.js';
import type { HealthProvider } from '../health-provider.js';
import { ProviderHttpClient } from '../http/http-client.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import { environmentPrefix, readProviderSettings, type SettingsOf } from '../definition/provider-settings.js';
import { createClient, type ClientOf } from '../client/create-client.js';
import { PublicJsonClient } from '../client/public-json-client.js';
import { ResponseRemarks } from '../responses/response-remarks.js';
import type { TokenResponse } from '../token-response.js';
import type { ResponseBench } from './response-contract.js';

/** Builds the provider under test from settings that point at its fake. */
export type CreateProvider<Definition extends ProviderDefinition> = (
  settings: SettingsOf<Definition>,
  client: ClientOf<Definition>,
) => HealthProvider;

/** The provider under test, its fake, and the steps of a link. */
export class ContractBench<Definition extends ProviderDefinition = ProviderDefinition> {
  private sandbox: VendorSandbox | undefined;
  private readonly http = new ProviderHttpClient();
  private readonly remarks = new ResponseRemarks();
  private readonly oauthClient: ClientOf<Definition>;
  readonly client = new PublicJsonClient(this.http, new Clock());

  constructor(
    private readonly definition: Definition,
    private readonly server: string | undefined,
    private readonly createProvider: CreateProvider<Definition>,
  ) {
    this.oauthClient = createClient(definition, this.http, new Clock(), this.remarks);
  }

  async start(): Promise<void> {
    this.sandbox = await VendorSandbox.start({ providers: new Map([[this.definition.slug, this.definition.sandbox]]) });
  }

  async stop(): Promise<void> {
    await this.http.onApplicationShutdown();
    await this.sandbox?.stop();
  }

  get fake(): FakeProvider {
    if (this.sandbox === undefined) {
      throw new Error('The sandbox is not started.');
    }
    return this.sandbox.provider(this.definition.slug);
  }

  get settings(): SettingsOf<Definition> {
    const SANDBOX_URL = this.fake.url.slice(0, -this.definition.slug.length - 1);
    const prefix = environmentPrefix(this.definition.slug);
    return readProviderSettings(this.definition, { SANDBOX_URL, [`${prefix}_SERVER`]: this.server });
  }

  provider(change: Partial<SettingsOf<Definition>> = {}): HealthProvider {
    return this.createProvider({ ...this.settings, ...change }, this.oauthClient);
  }

  handshake(state = 'state-of-the-contract-not-random') {
    return { state, redirectUri: this.settings.redirectUri, scopes: this.definition.defaultScopes };
  }

  /** Starts a link and lets the user decide; returns the parameters of the callback. */
  async approve(
    options: ConsentOptions = {},
  ): Promise<{ callback: Record<string, string>; secrets: HandshakeSecrets }> {
    const { authorizeUrl, secrets } = await this.provider().begin(this.handshake());
    const location = await consent(authorizeUrl, options);
    return { callback: Object.fromEntries(location.searchParams), secrets };
  }

  async link(options: ConsentOptions = {}): Promise<TokenResponse> {
    const { callback, secrets } = await this.approve(options);
    const tokenResponse = await this.provider().complete(callback, this.handshake(), secrets);
    return this.provider().verify(tokenResponse, secrets);
  }

  /** Links as the core does: with the user's id, and with the provider's one-time preparation. */
  async linkKnowingUser(): Promise<TokenResponse> {
    const tokenResponse = await this.link();
    const known = tokenResponse.with({ providerUserId: await this.provider().findProviderUserId(tokenResponse) });
    await this.provider().prepareAccount(known);
    return known;
  }

  refresh(refreshToken: string | undefined): Promise<TokenResponse> {
    return this.provider().refresh({ accessToken: 'unused', refreshToken });
  }

  /** The provider under test as the tests of its responses see it. */
  responses(): ResponseBench {
    return {
      fake: () => this.fake,
      remarks: () => this.remarks.all,
      link: () => this.link(),
      refresh: (refreshToken) => this.refresh(refreshToken),
      revoke: async () => this.provider().revoke(await this.linkKnowingUser()),
      findAccount: async () => this.provider().findProviderUserId(await this.link()),
    };
  }

  calls(...kinds: string[]): number {
    return this.fake.history.filter(({ kind }) => kinds.includes(kind)).length;
  }
}
