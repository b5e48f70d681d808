import { AuthorizationFailedError } from '../../errors/authorization.errors.js';
import { InvalidTokenResponseError } from '../../errors/provider.errors.js';
import { OAuth2HealthProvider } from '../../provider-kit/strategies/oauth2-health-provider.js';
import type { TokenResponse } from '../../provider-kit/token-response.js';
import { polarDefinition } from './polar.definition.js';

export class PolarProvider extends OAuth2HealthProvider {
  /** Registers the user, without which every data call fails. HTTP 409 says that the user is registered already. */
  override async prepareAccount(tokenResponse: TokenResponse): Promise<void> {
    const { providerUserId } = tokenResponse;
    if (providerUserId === undefined) {
      throw new InvalidTokenResponseError("Polar did not return the user's id, so the user cannot be registered.");
    }
    const url = `${this.settings.endpoints.apiBaseUrl ?? polarDefinition.apiBaseUrl}/users`;
    const json = { 'member-id': providerUserId };
    try {
      await this.client.post(this.definition, this.settings, { url, json, accepted: [409], tokens: tokenResponse });
    } catch (error) {
      if (error instanceof AuthorizationFailedError) {
        const message = 'Polar did not register the user, who may have to accept its mandatory consents first.';
        throw new AuthorizationFailedError(message, { detail: error.detail, cause: error });
      }
      throw error;
    }
  }
}
