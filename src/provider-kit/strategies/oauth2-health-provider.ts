import { readAuthorizationCode } from '../oauth2/authorization-code.js';
import { DeclaredHealthProvider } from './declared-health-provider.js';
import type { AuthorizationStart, CallbackParameters, Handshake, HandshakeSecrets } from '../handshake.js';
import { parseGrantedScopes } from '../responses/granted-scopes.js';
import type { GrantTokens } from '../health-provider.js';
import type { Patience } from '../http/http-message.js';
import type { OAuth2ProviderStrategy } from './oauth2-provider.strategy.js';
import type { OAuth2Client } from '../client/oauth2-client.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import { uncheckedIssuers } from '../provider-kit.metrics.js';
import type { TokenResponse } from '../token-response.js';

/**
 * A provider of OAuth 2.0. A provider with a behavior that its definition cannot declare extends this, and overrides
 * one method.
 */
export class OAuth2HealthProvider extends DeclaredHealthProvider<
  OAuth2Definition,
  OAuth2ProviderStrategy,
  OAuth2Client
> {
  /**
   * If the provider takes pushed requests, the browser carries a reference to one and nothing else (RFC 9126 section
   * 4).
   */
  override async begin(handshake: Handshake): Promise<AuthorizationStart> {
    const start = await super.begin(handshake);
    const { parUrl, authorizeUrl } = this.settings.endpoints;
    if (parUrl === undefined) {
      return { ...start, authorizeUrl: this.withRoute(start.authorizeUrl) };
    }
    const fields = Object.fromEntries(new URL(start.authorizeUrl).searchParams);
    const { requestUri, expiresInSeconds } = await this.client.pushAuthorizationRequest(
      this.definition,
      this.settings,
      {
        url: parUrl,
        fields,
      },
    );
    const url = new URL(authorizeUrl);
    url.searchParams.set('client_id', this.settings.clientId);
    url.searchParams.set('request_uri', requestUri);
    return { ...start, authorizeUrl: url.href, expiresInSeconds };
  }

  checkCallback(callback: CallbackParameters): void {
    readAuthorizationCode(this.definition, this.settings, callback);
  }

  async complete(
    callback: CallbackParameters,
    handshake: Handshake,
    secrets: HandshakeSecrets,
  ): Promise<TokenResponse> {
    const code = readAuthorizationCode(this.definition, this.settings, callback);
    if (callback['iss'] !== undefined && this.settings.issuers.length === 0) {
      uncheckedIssuers.inc({ provider: this.definition.slug });
    }
    const tokenResponse = await this.redeem({ query: { ...callback, code }, handshake, secrets });
    return this.definition.grantedScopesIn === 'callback'
      ? this.withCallbackScopes(tokenResponse, callback)
      : tokenResponse;
  }

  override async verify(tokenResponse: TokenResponse, { nonce }: HandshakeSecrets): Promise<TokenResponse> {
    return this.definition.account.from === 'id-token'
      ? this.client.withVerifiedUser(this.definition, this.settings, tokenResponse, nonce)
      : tokenResponse;
  }

  refresh(tokens: GrantTokens, patience?: Patience): Promise<TokenResponse> {
    return this.client.refresh(this.definition, this.settings, tokens, patience);
  }

  /** Moves the parameters to the fragment, after the route of a web app that reads them there. */
  private withRoute(authorizeUrl: string): string {
    const { authorizeRoute } = this.definition;
    return authorizeRoute === undefined ? authorizeUrl : authorizeUrl.replace('?', `#${authorizeRoute}?`);
  }

  private withCallbackScopes(tokenResponse: TokenResponse, callback: CallbackParameters): TokenResponse {
    return tokenResponse.with({ grantedScopes: parseGrantedScopes(callback['scope']) });
  }
}
