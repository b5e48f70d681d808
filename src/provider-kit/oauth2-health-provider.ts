import {
  AuthorizationDeniedError,
  AuthorizationFailedError,
  AuthorizationStateError,
} from '../errors/authorization.errors.js';
import { ProviderMisconfiguredError, ProviderUnavailableError } from '../errors/provider.errors.js';
import { readAccountId } from './account-lookup.js';
import type { AuthorizationStart, CallbackParameters, Handshake, HandshakeSecrets } from './handshake.js';
import type { GrantTokens, HealthProvider } from './health-provider.js';
import type { OAuth2ProviderStrategy } from './oauth2-provider.strategy.js';
import type { OAuth2Definition } from './provider-definition.js';
import type { ProviderSettings } from './provider-settings.js';
import { runStrategy, type StrategyRequest } from './strategy-runner.js';
import type { TokenEndpointClient } from './token-endpoint-client.js';
import { TokenGrant } from './token-grant.js';

/** Base of every OAuth 2.0 provider. A provider that is odd beyond its definition overrides one method. */
export abstract class OAuth2HealthProvider implements HealthProvider {
  constructor(
    readonly definition: OAuth2Definition,
    readonly settings: ProviderSettings,
    private readonly strategy: OAuth2ProviderStrategy,
    protected readonly client: TokenEndpointClient,
  ) {}

  async begin(handshake: Handshake): Promise<AuthorizationStart> {
    const request: StrategyRequest = { query: {}, handshake, secrets: {} };
    const outcome = await runStrategy(this.strategy, request);
    if (outcome.kind !== 'redirect') {
      throw new Error(`The ${this.definition.slug} strategy did not redirect.`);
    }
    return { authorizeUrl: outcome.url, secrets: request.secrets };
  }

  async complete(callback: CallbackParameters, handshake: Handshake, secrets: HandshakeSecrets): Promise<TokenGrant> {
    const { error } = callback;
    if (error !== undefined) {
      throw this.authorizationError(error);
    }
    const codeParameters = this.definition.codeParameters ?? ['code'];
    const code = codeParameters.map((name) => callback[name]).find((value) => Boolean(value));
    if (code === undefined) {
      throw new AuthorizationStateError('callback without a code');
    }
    const outcome = await runStrategy(this.strategy, { query: { ...callback, code }, handshake, secrets });
    if (outcome.kind !== 'success') {
      throw new AuthorizationStateError(outcome.kind === 'refused' ? outcome.reason : 'the strategy started again');
    }
    const grant =
      this.definition.account.from === 'id-token'
        ? await this.client.withVerifiedUser(this.definition, this.settings, outcome.grant, secrets.nonce)
        : outcome.grant;
    return this.definition.grantedScopesIn === 'callback' ? this.withCallbackScopes(grant, callback) : grant;
  }

  refresh(tokens: GrantTokens): Promise<TokenGrant> {
    return this.client.refresh(this.definition, this.settings, tokens);
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

  /** RFC 6749 section 4.1.2.1. The provider's description is not kept: it is free text from outside (AR-13). */
  private authorizationError(error: string): Error {
    const { displayName } = this.definition;
    switch (error) {
      case 'access_denied':
        return new AuthorizationDeniedError();
      case 'server_error':
      case 'temporarily_unavailable':
        return new ProviderUnavailableError(`${displayName} could not show its consent page. Start a new link later.`, {
          fate: 'answered',
          detail: error,
        });
      case 'invalid_request':
      case 'invalid_scope':
      case 'unauthorized_client':
      case 'unsupported_response_type':
        return new ProviderMisconfiguredError(
          `${displayName} refused the authorisation request of this deployment. The operator has to check client id, redirect URI and scopes.`,
          { detail: error },
        );
      default:
        return new AuthorizationFailedError(`${displayName} ended the authorisation with an error. Start a new link.`);
    }
  }

  private withCallbackScopes(grant: TokenGrant, callback: CallbackParameters): TokenGrant {
    const scope = callback['scope'];
    return scope === undefined
      ? grant
      : grant.with({ grantedScopes: scope.split(this.definition.scopeSeparator).filter((each) => each !== '') });
  }
}
