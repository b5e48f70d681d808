import { Injectable } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import { AuthorizationCodeRefusedError, AuthorizationFailedError } from '../../errors/authorization.errors.js';
import { InvalidTokenResponseError } from '../../errors/provider.errors.js';
import type { OAuth1Definition, OAuth2Definition } from '../definition/provider-definition.js';
import type { OAuth1Settings } from '../definition/provider-settings.js';
import type { GrantTokens } from '../health-provider.js';
import { ProviderHttpClient } from '../http/http-client.js';
import type { Patience, ProviderResponse } from '../http/http-message.js';
import { oauth1Request, type OAuth1Call } from '../oauth1/oauth1-request.js';
import { ProviderClocks } from '../oauth1/provider-clocks.js';
import { parseOAuth1TokenResponse, type OAuth1TokenResponse } from '../responses/oauth1-response.js';
import { parseTokenResponse } from '../responses/parse-token-response.js';
import {
  endpointFailure,
  isFailure,
  isSuccessStatus,
  misconfigured,
  refusal,
  type Refusal,
} from '../responses/provider-failure.js';
import { ResponseRemarks } from '../responses/response-remarks.js';
import { TokenResponse } from '../token-response.js';
import { OAuthClient } from './oauth-client.js';
import { withAcceptJson } from './public-json-client.js';
import { revocationUrl, tokenRevocationRequest } from './revocation-request.js';

/** The parameters that redeem temporary credentials (RFC 5849 section 2.3). */
export interface VerifiedCredentials {
  readonly token: string;
  readonly tokenSecret: string;
  readonly verifier: string;
}

/** Calls the endpoints of OAuth 1.0a providers. Only {@link ProviderClocks} sends a request a second time. */
@Injectable()
export class OAuth1Client extends OAuthClient<OAuth1Definition> {
  constructor(
    http: ProviderHttpClient,
    clock: Clock,
    private readonly remarks: ResponseRemarks = new ResponseRemarks(),
    private readonly clocks: ProviderClocks = new ProviderClocks(clock),
  ) {
    super(http, clock);
  }

  /**
   * Requests temporary credentials, the first step of an OAuth 1.0a link. The callback is signed and sent in the
   * header.
   *
   * @param definition - the provider's facts
   * @param settings - endpoints and client credentials in force
   * @param callbackUrl - the URL to which the provider sends the user back
   * @returns the temporary token and its secret; keep both sealed until the callback
   * @throws {@link ProviderMisconfiguredError} when the provider refuses the request: wrong client credentials,
   *   signature, clock or callback
   * @throws {@link InvalidTokenResponseError} when the response lacks a field or does not confirm the callback. The
   *   user must not be redirected then (session fixation, OAuth Security Advisory 2009.1).
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no response, or HTTP 5xx, 408, 409, 410, 425
   * @see RFC 5849 section 2.1, https://www.rfc-editor.org/rfc/rfc5849#section-2.1
   */
  async temporaryCredentials(
    definition: OAuth1Definition,
    settings: OAuth1Settings,
    callbackUrl: string,
  ): Promise<{ token: string; tokenSecret: string }> {
    const call = { url: settings.endpoints.requestTokenUrl, extraOAuthParams: { oauth_callback: callbackUrl } };
    const refused = misconfigured(definition);
    const response = await this.requestCredentials(definition, settings, call, refused);
    const { token, tokenSecret, callbackConfirmed } = response;
    if (!callbackConfirmed) {
      throw new InvalidTokenResponseError(
        `${definition.displayName} did not confirm the callback: the response has no valid "oauth_callback_confirmed".`,
      );
    }
    return { token, tokenSecret };
  }

  /**
   * Redeems temporary credentials and the verifier of the callback, the last step of an OAuth 1.0a link.
   *
   * @param definition - the provider's facts
   * @param settings - endpoints and client credentials in force
   * @param credentials - the temporary credentials of this attempt, and the verifier from its callback
   * @returns the token response, with a token secret and without expiry
   * @throws {@link AuthorizationCodeRefusedError} when the provider refuses token or verifier
   * @throws {@link ProviderMisconfiguredError} when it names our client credentials, signature or clock as the problem
   * @throws {@link InvalidTokenResponseError} when the response lacks `oauth_token` or `oauth_token_secret`; the secret
   *   may be empty
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no response, or HTTP 5xx, 408, 409, 410, 425
   * @see RFC 5849 section 2.3, https://www.rfc-editor.org/rfc/rfc5849#section-2.3
   */
  async tokenCredentials(
    definition: OAuth1Definition,
    settings: OAuth1Settings,
    credentials: VerifiedCredentials,
  ): Promise<TokenResponse> {
    const { token, tokenSecret, verifier } = credentials;
    const requestedAt = this.clock.now();
    const call = {
      url: settings.endpoints.accessTokenUrl,
      tokens: { accessToken: token, tokenSecret },
      extraOAuthParams: { oauth_verifier: verifier },
    };
    const message = `${definition.displayName} rejected the verifier. The user must start a new link.`;
    const refused = refusal(AuthorizationCodeRefusedError, message);
    const response = await this.requestCredentials(definition, settings, call, refused);
    const { account } = definition;
    const providerUserId = account.from === 'token-response' ? response.extras.get(account.field) : undefined;
    return new TokenResponse({
      accessToken: response.token,
      tokenSecret: response.tokenSecret,
      requestedAt,
      ...(providerUserId ? { providerUserId } : {}),
    });
  }

  /**
   * Exchanges a grant of OAuth 1.0a for one of its successor: a POST without a body, signed with client and token.
   *
   * @param definition - the facts of the grant's provider
   * @param settings - client credentials in force; `exchangeUrl` among its endpoints
   * @param tokens - the tokens in force, with their secret
   * @param successor - the facts that the response follows
   * @param patience - keeps reading the response after the time limit
   * @throws as `HealthProvider.exchangeGrant`; Error when there is no exchange
   */
  async exchangeGrant(
    definition: OAuth1Definition,
    settings: OAuth1Settings,
    tokens: GrantTokens,
    successor: OAuth2Definition,
    patience?: Patience,
  ): Promise<TokenResponse> {
    const url = settings.endpoints.exchangeUrl;
    if (url === undefined) {
      throw new Error(`Provider "${definition.slug}" does not exchange grants.`);
    }
    const requestedAt = this.clock.now();
    const response = await this.clocks.send(definition, (now) => {
      const request = oauth1Request(definition, settings, { method: 'POST', url, tokens }, now);
      return this.http.send({ ...request, patience, mustBeRead: true });
    });
    if (!isSuccessStatus(response)) {
      const message = `${definition.displayName} refused to exchange the grant. The connection is unchanged.`;
      throw endpointFailure(this.failed(definition, response), refusal(AuthorizationFailedError, message));
    }
    return parseTokenResponse(response, successor, requestedAt, (remark) => this.remarks.add(successor, remark));
  }

  protected override sendAsUser(
    definition: OAuth1Definition,
    settings: OAuth1Settings,
    url: string,
    tokens: GrantTokens,
  ): Promise<ProviderResponse> {
    return this.clocks.send(definition, (now) =>
      this.http.send(withAcceptJson(oauth1Request(definition, settings, { method: 'GET', url, tokens }, now))),
    );
  }

  protected override async sendRevocation(
    definition: OAuth1Definition,
    settings: OAuth1Settings,
    tokens: GrantTokens,
  ): Promise<ProviderResponse> {
    const url = revocationUrl(definition, settings, tokens);
    const { revocation } = definition;
    if (revocation?.proof !== 'signature') {
      return this.http.send(tokenRevocationRequest(definition, url, tokens));
    }
    const call = { method: revocation.method, url, tokens };
    return this.clocks.send(definition, (now) => this.http.send(oauth1Request(definition, settings, call, now)));
  }

  private async requestCredentials(
    definition: OAuth1Definition,
    settings: OAuth1Settings,
    call: Omit<OAuth1Call, 'method'>,
    refused: Refusal,
  ): Promise<OAuth1TokenResponse> {
    const place = definition.tokenParametersIn;
    const response = await this.clocks.send(definition, (now) =>
      this.http.send(oauth1Request(definition, settings, { method: 'POST', ...call }, now, place)),
    );
    if (isFailure(definition, response)) {
      throw endpointFailure(this.failed(definition, response), refused);
    }
    return parseOAuth1TokenResponse(response.body);
  }
}
