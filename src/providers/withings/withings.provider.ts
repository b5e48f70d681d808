import { z } from 'zod';
import { AuthorizationFailedError } from '../../errors/authorization.errors.js';
import { InvalidTokenResponseError } from '../../errors/provider.errors.js';
import type { AccessVerdict, GrantTokens } from '../../provider-kit/health-provider.js';
import { OAuth2HealthProvider } from '../../provider-kit/strategies/oauth2-health-provider.js';
import type { OAuth2Definition } from '../../provider-kit/definition/provider-definition.js';
import { fieldAt } from '../../provider-kit/responses/json-field.js';
import { withingsSignature } from './withings-signature.js';
import { withingsDefinition } from './withings.definition.js';

const nonceResponse = z.object({ body: z.object({ nonce: z.string().min(1) }) });

/** A signed call names the client and does not send its secret. */
const withoutSecret: OAuth2Definition = { ...withingsDefinition, clientAuthentication: 'none' };

export class WithingsProvider extends OAuth2HealthProvider {
  /** Withings sends errors with HTTP 200. */
  override async checkAccess(tokens: GrantTokens): Promise<AccessVerdict> {
    const url = this.settings.notifications.checkUrl ?? '';
    switch (fieldAt(await this.client.getJson(this.definition, this.settings, url, tokens), 'status')) {
      case 0:
        return 'accepted';
      case 401:
        return 'rejected';
      default:
        return 'unknown';
    }
  }

  /** Withings ends a grant by the user's id and our signature over a nonce; no token is sent. */
  override async revoke(tokens: GrantTokens): Promise<'revoked'> {
    const { providerUserId } = tokens;
    if (providerUserId === undefined) {
      throw new AuthorizationFailedError("Withings cannot end the grant: the user's id is not known.");
    }
    const nonce = await this.requestNonce();
    const url = this.settings.endpoints.revokeUrl ?? withingsDefinition.revocation.url;
    await this.postSigned(url, { action: 'revoke', nonce }, { userid: providerUserId });
    return 'revoked';
  }

  private async requestNonce(): Promise<string> {
    const timestamp = String(Math.floor(this.client.now().getTime() / 1000));
    const apiBaseUrl = this.settings.endpoints.apiBaseUrl ?? withingsDefinition.apiBaseUrl;
    const response = nonceResponse.safeParse(
      await this.postSigned(`${apiBaseUrl}/v2/signature`, { action: 'getnonce', timestamp }),
    );
    if (!response.success) {
      throw new InvalidTokenResponseError('The response of Withings has no valid "nonce".');
    }
    return response.data.body.nonce;
  }

  /** @param signed - parameters that the signature covers, beside the client id */
  private postSigned(
    url: string,
    signed: Readonly<Record<string, string>>,
    unsigned: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    const { clientId, clientSecret } = this.settings;
    const signature = withingsSignature({ ...signed, client_id: clientId }, clientSecret.reveal());
    const fields = { ...signed, ...unsigned, signature };
    return this.client.post(withoutSecret, this.settings, { url, fields });
  }
}
