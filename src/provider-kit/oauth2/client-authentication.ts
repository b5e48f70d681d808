import { clientAssertion } from './client-assertion.js';
import { ClientSecretSigner } from './client-secret-signer.js';
import { formRequest } from '../requests/form-request.js';
import type { ProviderRequest } from '../http/http-message.js';
import { formEncode } from '../http/percent-encoding.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import type { OAuth2Settings } from '../definition/provider-settings.js';

/** Builds forms with our client authentication. Keeps signed secrets until half of their lifetime is over. */
export class ClientAuthentication {
  private readonly signedSecrets = new ClientSecretSigner();

  /**
   * Builds a form POST with exactly one client authentication, as the definition says.
   *
   * @param definition - tells the kind of authentication
   * @param settings - client credentials in force
   * @param form - absolute `url`, and `fields` in the order to send them; a field that is `undefined` is left out
   * @param now - the current instant, for a signed secret or assertion
   * @throws Error when definition or settings are incomplete for a signed secret or assertion
   * @see RFC 6749 section 2.3, https://www.rfc-editor.org/rfc/rfc6749#section-2.3
   */
  async form(
    definition: OAuth2Definition,
    settings: OAuth2Settings,
    form: { readonly url: string; readonly fields: Readonly<Record<string, string | undefined>> },
    now: Date,
  ): Promise<ProviderRequest> {
    const { url, fields } = form;
    const { clientId, clientSecret } = settings;
    switch (definition.clientAuthentication) {
      case 'basic': {
        const credentials = `${formEncode(clientId)}:${formEncode(clientSecret.reveal())}`;
        const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
        return formRequest(definition, url, fields, { authorization });
      }
      case 'body':
        return formRequest(definition, url, { ...fields, client_id: clientId, client_secret: clientSecret.reveal() });
      case 'none':
        return formRequest(definition, url, { ...fields, client_id: clientId });
      case 'es256-jwt': {
        const secret = await this.signedSecrets.sign(definition, settings, now);
        return formRequest(definition, url, { ...fields, client_id: clientId, client_secret: secret });
      }
      case 'private_key_jwt':
        return formRequest(definition, url, { ...fields, ...(await clientAssertion(definition, settings, url, now)) });
    }
  }
}
