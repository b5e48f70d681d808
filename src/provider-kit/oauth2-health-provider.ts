import {
  AuthorizationDeniedError,
  AuthorizationFailedError,
  AuthorizationStateError,
} from '../errors/authorization.errors.js';
import { ProviderMisconfiguredError, ProviderUnavailableError } from '../errors/provider.errors.js';
import { DeclaredHealthProvider } from './declared-health-provider.js';
import type { CallbackParameters, Handshake, HandshakeSecrets } from './handshake.js';
import type { GrantTokens } from './health-provider.js';
import type { OAuth2ProviderStrategy } from './oauth2-provider.strategy.js';
import type { OAuth2Definition } from './provider-definition.js';
import type { TokenGrant } from './token-grant.js';

/** Base of every OAuth 2.0 provider. A provider that is odd beyond its definition overrides one method. */
export abstract class OAuth2HealthProvider extends DeclaredHealthProvider<OAuth2Definition, OAuth2ProviderStrategy> {
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
    const redeemed = await this.redeem({ query: { ...callback, code }, handshake, secrets });
    const grant =
      this.definition.account.from === 'id-token'
        ? await this.client.withVerifiedUser(this.definition, this.settings, redeemed, secrets.nonce)
        : redeemed;
    return this.definition.grantedScopesIn === 'callback' ? this.withCallbackScopes(grant, callback) : grant;
  }

  refresh(tokens: GrantTokens): Promise<TokenGrant> {
    return this.client.refresh(this.definition, this.settings, tokens);
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
