import { AuthorizationStateError } from '../../errors/authorization.errors.js';
import { ProviderMisconfiguredError } from '../../errors/provider.errors.js';
import { readAccountId } from '../../provider-kit/client/account-lookup.js';
import { readAuthorizationCode } from '../../provider-kit/oauth2/authorization-code.js';
import type {
  AuthorizationStart,
  CallbackParameters,
  Handshake,
  HandshakeSecrets,
} from '../../provider-kit/handshake.js';
import type { AccessVerdict, GrantTokens, HealthProvider } from '../../provider-kit/health-provider.js';
import type { Patience } from '../../provider-kit/http/http-message.js';
import { OAuth2HealthProvider } from '../../provider-kit/strategies/oauth2-health-provider.js';
import { OAuth2ProviderStrategy } from '../../provider-kit/strategies/oauth2-provider.strategy.js';
import type { OAuth2Definition } from '../../provider-kit/definition/provider-definition.js';
import type { OAuth2Settings } from '../../provider-kit/definition/provider-settings.js';
import type { OAuth2Client } from '../../provider-kit/client/oauth2-client.js';
import type { TokenResponse } from '../../provider-kit/token-response.js';
import { discoveryTimeoutMs, FhirDiscovery } from './fhir-discovery.js';
import type { FhirServer } from './fhir-servers.js';
import { parseSmartConfiguration, type SmartConfiguration } from './smart-configuration.js';

/**
 * One FHIR server. Discovers its endpoints before each use, and then does as any OAuth 2.0 provider.
 *
 * A patient's id means something at its server only, so the user's id is `<FHIR base URL>|<patient>`.
 */
export class SmartOnFhirProvider implements HealthProvider {
  readonly definition: OAuth2Definition;
  readonly settings: OAuth2Settings;
  readonly furtherOrigins: readonly string[];

  constructor(
    private readonly server: FhirServer,
    private readonly client: OAuth2Client,
    private readonly discovery = new FhirDiscovery(server, client),
  ) {
    this.definition = server.definition;
    this.settings = server.settings;
    this.furtherOrigins = server.allowedHosts.map((host) => `https://${host}`);
  }

  async begin(handshake: Handshake): Promise<AuthorizationStart> {
    const configuration = await this.discovery.read();
    const { authorizeUrl, secrets } = await this.at(configuration).begin(handshake);
    return { authorizeUrl, secrets: { ...secrets, discovered: JSON.stringify(configuration) } };
  }

  checkCallback(callback: CallbackParameters): void {
    readAuthorizationCode(this.definition, this.settings, callback);
  }

  /** The code goes to the endpoint of the link's start, even if the server names another by now (AR-10). */
  async complete(
    callback: CallbackParameters,
    handshake: Handshake,
    secrets: HandshakeSecrets,
  ): Promise<TokenResponse> {
    if (secrets.discovered === undefined) {
      throw new AuthorizationStateError('the link has no record of the endpoints of its start');
    }
    const configuration = parseSmartConfiguration(JSON.parse(secrets.discovered), this.server);
    return this.withServer(await this.at(configuration).complete(callback, handshake, secrets));
  }

  /** The patient in the token response owns the grant. The ID token names the person at the browser instead. */
  async verify(tokenResponse: TokenResponse): Promise<TokenResponse> {
    return tokenResponse;
  }

  /** The operator may have given a server's name to another one; its tokens are not for that one. */
  checkServer({ providerUserId }: GrantTokens): void {
    if (providerUserId !== undefined && !providerUserId.startsWith(this.userIdPrefix)) {
      throw new ProviderMisconfiguredError(
        `This connection belongs to another FHIR server than ${this.definition.displayName} is now. The operator must restore its URL, or the user must link again.`,
      );
    }
  }

  async refresh(tokens: GrantTokens, patience?: Patience): Promise<TokenResponse> {
    this.checkServer(tokens);
    return this.withServer(await this.at(await this.discovery.read()).refresh(tokens, patience));
  }

  async revoke(tokens: GrantTokens): Promise<'revoked' | 'unsupported'> {
    this.checkServer(tokens);
    const configuration = await this.discovery.read();
    return configuration.revocation_endpoint ? this.at(configuration).revoke(tokens) : 'unsupported';
  }

  findProviderUserId(tokens: GrantTokens): Promise<string | undefined> {
    return readAccountId(this.definition, this.settings, this.client, tokens);
  }

  /** No call of FHIR does for every server. */
  async checkAccess(): Promise<AccessVerdict> {
    return 'unknown';
  }

  async prepareAccount(_tokenResponse: TokenResponse): Promise<void> {
    // A FHIR server wants nothing.
  }

  /** The server with the endpoints that it tells, around a strategy for them. */
  private at(configuration: SmartConfiguration): OAuth2HealthProvider {
    const endpoints = {
      ...this.settings.endpoints,
      authorizeUrl: configuration.authorization_endpoint,
      tokenUrl: configuration.token_endpoint,
      revokeUrl: configuration.revocation_endpoint ?? undefined,
    };
    const issuers = configuration.issuer ? [configuration.issuer] : this.settings.issuers;
    const settings = { ...this.settings, issuers, endpoints };
    const timeoutMs = this.definition.refresh.timeoutMs - discoveryTimeoutMs;
    const definition: OAuth2Definition = {
      ...this.definition,
      ...(configuration.authorization_response_iss_parameter_supported === true ? { alwaysSendsIssuer: true } : {}),
      refresh: { ...this.definition.refresh, timeoutMs },
    };
    const strategy = new OAuth2ProviderStrategy(definition, settings, this.client);
    return new OAuth2HealthProvider(definition, settings, strategy, this.client);
  }

  private get userIdPrefix(): string {
    return `${this.definition.apiBaseUrl}|`;
  }

  private withServer(tokenResponse: TokenResponse): TokenResponse {
    const { providerUserId: patient } = tokenResponse;
    return patient === undefined ? tokenResponse : tokenResponse.with({ providerUserId: this.userIdPrefix + patient });
  }
}
