import { AuthorizationFailedError } from '../../errors/authorization.errors.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import type { SettingsOf } from '../definition/provider-settings.js';
import type { GrantTokens } from '../health-provider.js';
import type { ProviderResponse } from '../http/http-message.js';
import { endpointFailure, isFailure, refusal } from '../responses/provider-failure.js';
import { PublicJsonClient } from './public-json-client.js';

/**
 * Calls the endpoints that providers have in both versions of OAuth.
 *
 * Each call sends one request. Every failure is one of a few typed errors, whose class names the party that must act.
 * Their text has the provider's name, the HTTP status and an error code of letters and `_`. It has no free text of the
 * provider, which may quote a token.
 */
export abstract class OAuthClient<Definition extends ProviderDefinition> extends PublicJsonClient {
  /** Returns the current instant, by the clock of the deployment. */
  now(): Date {
    return this.clock.now();
  }

  /**
   * Gets a JSON document of the user's from the provider's API, such as the account.
   *
   * @param definition - the provider's facts
   * @param settings - client credentials in force
   * @param url - absolute URL below the provider's API
   * @param tokens - the tokens in force; `tokenSecret` is needed for OAuth 1.0a
   * @returns the parsed JSON, unchecked
   * @throws {@link AuthorizationFailedError} when the provider refuses the token or the call (any other 4xx);
   *   `rejectsToken` on 401
   * @throws {@link ProviderMisconfiguredError} when it refuses our client, signature or clock
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no response, or HTTP 5xx, 408, 409, 410, 425, or no JSON
   */
  async getJson(
    definition: Definition,
    settings: SettingsOf<Definition>,
    url: string,
    tokens: GrantTokens,
  ): Promise<unknown> {
    const response = await this.sendAsUser(definition, settings, url, tokens);
    const message = `${definition.displayName} rejected the access token at its API. Start a new link.`;
    const rejectsToken = response.status === 401;
    return this.jsonOf(
      definition,
      response,
      (detail) => new AuthorizationFailedError(message, { detail, rejectsToken }),
    );
  }

  /**
   * Ends a grant at the provider, with the proof that its definition names. Resolves on any 2xx.
   *
   * Proof `client` sends the refresh token if there is one, since that ends the access token too. Providers respond
   * with 200 to an unknown token, which counts as ended. With the other proofs a refusal may mean an ended grant or an
   * expired access token. So it is an {@link AuthorizationFailedError}: refresh once, try again, then give up.
   *
   * @param definition - the provider's facts; must have a `revocation`
   * @param settings - endpoints and client credentials in force
   * @param tokens - the tokens in force; `tokenSecret` is needed for OAuth 1.0a
   * @throws {@link AuthorizationFailedError} when the provider refuses the token or the call
   * @throws {@link ProviderMisconfiguredError} when it refuses our client credentials
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no response, or HTTP 5xx, 408, 409, 410, 425
   * @throws Error when the definition has no revocation, or one of the other OAuth version
   * @see RFC 7009 section 2, https://www.rfc-editor.org/rfc/rfc7009#section-2
   */
  async revoke(definition: Definition, settings: SettingsOf<Definition>, tokens: GrantTokens): Promise<void> {
    const { revocation, displayName } = definition;
    const response = await this.sendRevocation(definition, settings, tokens);
    const isGone = revocation?.proof === 'token' && response.status === revocation.goneStatus;
    if (!isGone && isFailure(definition, response)) {
      const message = `${displayName} refused to revoke the grant. The access token may have expired or be revoked already.`;
      throw endpointFailure(this.failed(definition, response), refusal(AuthorizationFailedError, message));
    }
  }

  /** Sends a GET with the user's token or signature. */
  protected abstract sendAsUser(
    definition: Definition,
    settings: SettingsOf<Definition>,
    url: string,
    tokens: GrantTokens,
  ): Promise<ProviderResponse>;

  /** Sends the request that ends a grant. */
  protected abstract sendRevocation(
    definition: Definition,
    settings: SettingsOf<Definition>,
    tokens: GrantTokens,
  ): Promise<ProviderResponse>;
}
