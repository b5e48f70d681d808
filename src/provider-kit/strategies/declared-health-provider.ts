import { AuthorizationFailedError, AuthorizationStateError } from '../../errors/authorization.errors.js';
import { readAccountId } from '../client/account-lookup.js';
import type { AuthorizationStart, CallbackParameters, Handshake, HandshakeSecrets } from '../handshake.js';
import type { AccessVerdict, GrantTokens, HealthProvider } from '../health-provider.js';
import type { Patience } from '../http/http-message.js';
import { definitionInForce, type ProviderDefinition } from '../definition/provider-definition.js';
import type { SettingsOf } from '../definition/provider-settings.js';
import { runStrategy, type RunnableStrategy, type StrategyRequest } from './strategy-runner.js';
import type { OAuthClient } from '../client/oauth-client.js';
import type { TokenResponse } from '../token-response.js';

/**
 * A provider that follows its definition: the common part of both versions of OAuth. Use or extend
 * `OAuth1HealthProvider` or `OAuth2HealthProvider`, not this.
 */
export abstract class DeclaredHealthProvider<
  Definition extends ProviderDefinition,
  Strategy extends RunnableStrategy,
  Client extends OAuthClient<Definition>,
> implements HealthProvider {
  /** In force: with the facts of the server that the deployment has chosen. */
  readonly definition: Definition;

  constructor(
    definition: Definition,
    readonly settings: SettingsOf<Definition>,
    private readonly strategy: Strategy,
    protected readonly client: Client,
  ) {
    this.definition = definitionInForce(definition, settings);
  }

  async begin(handshake: Handshake): Promise<AuthorizationStart> {
    const request: StrategyRequest = { query: {}, handshake, secrets: {} };
    const outcome = await runStrategy(this.strategy, request);
    if (outcome.kind !== 'redirect') {
      throw new Error(`The ${this.definition.slug} strategy did not redirect.`);
    }
    return { authorizeUrl: outcome.url, secrets: request.secrets };
  }

  abstract checkCallback(callback: CallbackParameters): void;

  abstract complete(
    callback: CallbackParameters,
    handshake: Handshake,
    secrets: HandshakeSecrets,
  ): Promise<TokenResponse>;

  async verify(tokenResponse: TokenResponse, _secrets: HandshakeSecrets): Promise<TokenResponse> {
    // Without an ID token there is nothing to check.
    return tokenResponse;
  }

  abstract refresh(tokens: GrantTokens, patience?: Patience): Promise<TokenResponse>;

  async revoke(tokens: GrantTokens): Promise<'revoked' | 'unsupported'> {
    if (this.definition.revocation === undefined) {
      return 'unsupported';
    }
    await this.client.revoke(this.definition, this.settings, tokens);
    return 'revoked';
  }

  findProviderUserId(tokens: GrantTokens): Promise<string | undefined> {
    return readAccountId(this.definition, this.settings, this.client, tokens);
  }

  async checkAccess(tokens: GrantTokens): Promise<AccessVerdict> {
    const url = this.settings.notifications.checkUrl ?? this.settings.endpoints.accountUrl;
    if (url === undefined) {
      return 'unknown';
    }
    try {
      await this.client.getJson(this.definition, this.settings, url, tokens);
      return 'accepted';
    } catch (error) {
      if (error instanceof AuthorizationFailedError && error.rejectsToken) {
        return 'rejected';
      }
      throw error;
    }
  }

  async prepareAccount(_tokenResponse: TokenResponse): Promise<void> {
    // Most providers require nothing.
  }

  /**
   * Runs the strategy's second half, which redeems the code or verifier of a callback.
   *
   * @param request - the callback, already checked for errors, and its attempt
   * @throws {@link AuthorizationStateError} when the callback does not belong to the attempt
   * @throws the errors of the client, unchanged
   */
  protected async redeem(request: StrategyRequest): Promise<TokenResponse> {
    const outcome = await runStrategy(this.strategy, request);
    if (outcome.kind !== 'success') {
      throw new AuthorizationStateError(outcome.kind === 'refused' ? outcome.reason : 'the strategy started again');
    }
    return outcome.tokenResponse;
  }
}
