import { AuthorizationDeniedError, AuthorizationStateError } from '../../errors/authorization.errors.js';
import { ConnectionNotRefreshableError } from '../../errors/connection.errors.js';
import { DeclaredHealthProvider } from './declared-health-provider.js';
import { isDenial } from '../responses/denial.js';
import type { AuthorizationStart, CallbackParameters, Handshake, HandshakeSecrets } from '../handshake.js';
import type { OAuth1ProviderStrategy } from './oauth1-provider.strategy.js';
import type { OAuth1Client } from '../client/oauth1-client.js';
import type { OAuth1Definition } from '../definition/provider-definition.js';
import type { TokenResponse } from '../token-response.js';

/** Verifiers that some providers send when the user says no. RFC 5849 names no way to say so. */
const noVerifiers = new Set(['denied', 'null']);

/** A provider of OAuth 1.0a. Its tokens do not expire, so there is nothing to refresh. */
export class OAuth1HealthProvider extends DeclaredHealthProvider<
  OAuth1Definition,
  OAuth1ProviderStrategy,
  OAuth1Client
> {
  override async begin(handshake: Handshake): Promise<AuthorizationStart> {
    return super.begin(withStateInCallback(handshake));
  }

  checkCallback(callback: CallbackParameters): void {
    const { denied, oauth_token: token, oauth_verifier: verifier } = callback;
    const problem = callback['oauth_problem'] ?? callback['error'];
    const isDenied = denied !== undefined || (verifier !== undefined && noVerifiers.has(verifier.toLowerCase()));
    if (isDenied || (problem !== undefined && isDenial(problem))) {
      throw new AuthorizationDeniedError();
    }
    if (token === undefined || verifier === undefined) {
      throw new AuthorizationStateError('callback without oauth_token or oauth_verifier');
    }
  }

  async complete(
    callback: CallbackParameters,
    handshake: Handshake,
    secrets: HandshakeSecrets,
  ): Promise<TokenResponse> {
    this.checkCallback(callback);
    return this.redeem({ query: callback, handshake, secrets });
  }

  async refresh(): Promise<TokenResponse> {
    throw new ConnectionNotRefreshableError();
  }
}

function withStateInCallback(handshake: Handshake): Handshake {
  const url = new URL(handshake.redirectUri);
  url.searchParams.set('state', handshake.state);
  return { ...handshake, redirectUri: url.href };
}
