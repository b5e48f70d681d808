import { AuthorizationDeniedError, AuthorizationStateError } from '../errors/authorization.errors.js';
import { ConnectionNotRefreshableError } from '../errors/connection.errors.js';
import { readAccountId } from './account-lookup.js';
import type { AuthorizationStart, CallbackParameters, Handshake, HandshakeSecrets } from './handshake.js';
import type { GrantTokens, HealthProvider } from './health-provider.js';
import type { OAuth1ProviderStrategy } from './oauth1-provider.strategy.js';
import type { OAuth1Definition } from './provider-definition.js';
import type { ProviderSettings } from './provider-settings.js';
import { runStrategy, type StrategyRequest } from './strategy-runner.js';
import type { TokenEndpointClient } from './token-endpoint-client.js';
import type { TokenGrant } from './token-grant.js';

/** Base of every OAuth 1.0a provider. Its tokens do not expire, so there is nothing to refresh. */
export abstract class OAuth1HealthProvider implements HealthProvider {
  constructor(
    readonly definition: OAuth1Definition,
    readonly settings: ProviderSettings,
    private readonly strategy: OAuth1ProviderStrategy,
    protected readonly client: TokenEndpointClient,
  ) {}

  async begin(handshake: Handshake): Promise<AuthorizationStart> {
    const request: StrategyRequest = { query: {}, handshake: withStateInCallback(handshake), secrets: {} };
    const outcome = await runStrategy(this.strategy, request);
    if (outcome.kind !== 'redirect') {
      throw new Error(`The ${this.definition.slug} strategy did not redirect.`);
    }
    return { authorizeUrl: outcome.url, secrets: request.secrets };
  }

  async complete(callback: CallbackParameters, handshake: Handshake, secrets: HandshakeSecrets): Promise<TokenGrant> {
    if (callback['denied'] !== undefined || callback['oauth_problem'] === 'user_refused') {
      throw new AuthorizationDeniedError();
    }
    if (!callback['oauth_token'] || !callback['oauth_verifier']) {
      throw new AuthorizationStateError('callback without oauth_token or oauth_verifier');
    }
    const outcome = await runStrategy(this.strategy, { query: callback, handshake, secrets });
    if (outcome.kind !== 'success') {
      throw new AuthorizationStateError(outcome.kind === 'refused' ? outcome.reason : 'the strategy started again');
    }
    return outcome.grant;
  }

  async refresh(): Promise<TokenGrant> {
    throw new ConnectionNotRefreshableError();
  }

  async revoke(tokens: GrantTokens): Promise<'revoked' | 'unsupported'> {
    if (this.definition.revocation === undefined) {
      return 'unsupported';
    }
    await this.client.revoke(this.definition, this.settings, tokens);
    return 'revoked';
  }

  findProviderUserId(grant: TokenGrant): Promise<string | undefined> {
    return readAccountId(this.definition, this.settings, this.client, grant);
  }

  async prepareAccount(_grant: TokenGrant): Promise<void> {
    // Most providers want nothing.
  }
}

function withStateInCallback(handshake: Handshake): Handshake {
  const url = new URL(handshake.redirectUri);
  url.searchParams.set('state', handshake.state);
  return { ...handshake, redirectUri: url.href };
}
