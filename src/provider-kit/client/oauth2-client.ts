import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Clock } from '../../clock/clock.js';
import { AuthorizationCodeRefusedError, AuthorizationFailedError } from '../../errors/authorization.errors.js';
import { ConnectionNotRefreshableError } from '../../errors/connection.errors.js';
import { InvalidTokenResponseError, TokenRevokedError } from '../../errors/provider.errors.js';
import type { OAuth2Definition } from '../definition/provider-definition.js';
import type { OAuth2Settings } from '../definition/provider-settings.js';
import type { GrantTokens } from '../health-provider.js';
import { ProviderHttpClient } from '../http/http-client.js';
import type { Patience, ProviderResponse } from '../http/http-message.js';
import { ClientAuthentication } from '../oauth2/client-authentication.js';
import { tokenCallSeconds } from '../provider-kit.metrics.js';
import { bearerJsonRequest, bearerRequest } from '../requests/bearer-request.js';
import { defaultTimeoutMs } from '../requests/request-timeout.js';
import { verifyIdToken } from '../responses/id-token.js';
import { parseTokenResponse } from '../responses/parse-token-response.js';
import {
  endpointFailure,
  isFailure,
  isSuccessStatus,
  misconfigured,
  refusal,
  tokenFailure,
  unavailable,
  type Refusal,
} from '../responses/provider-failure.js';
import { parseJsonBody } from '../responses/response-body.js';
import { ResponseRemarks } from '../responses/response-remarks.js';
import { parseTokenExtension } from '../responses/token-extension.js';
import { TokenResponse } from '../token-response.js';
import { OAuthClient } from './oauth-client.js';
import { withAcceptJson } from './public-json-client.js';
import { revocationUrl, tokenFields, tokenRevocationRequest } from './revocation-request.js';

const pushedResponseSchema = z.object({
  request_uri: z.string().regex(/^[\x21-\x7e]{1,1000}$/),
  // Without a readable lifetime, that of the link applies.
  expires_in: z.int().positive().optional().catch(undefined),
});

/** The reference to a pushed authorization request (RFC 9126 section 2.2). */
export interface PushedRequest {
  /** The browser carries this in place of the parameters; it works once. */
  readonly requestUri: string;
  /** Its lifetime in seconds; `undefined` when the provider does not say. */
  readonly expiresInSeconds: number | undefined;
}

/** The parameters that redeem an authorization code. */
export interface CodeExchange {
  readonly code: string;
  /** The same redirect URI as in the authorization request. */
  readonly redirectUri: string;
  /** PKCE verifier, where the authorization request had a challenge (RFC 7636 section 4.5). */
  readonly codeVerifier?: string;
  /** The scopes of the authorization request; repeated if the provider requires it. */
  readonly scopes: readonly string[];
}

/** Calls the endpoints of OAuth 2.0 providers. A request is never sent twice. */
@Injectable()
export class OAuth2Client extends OAuthClient<OAuth2Definition> {
  private readonly clientAuthentication = new ClientAuthentication();

  constructor(
    http: ProviderHttpClient,
    clock: Clock,
    private readonly remarks: ResponseRemarks = new ResponseRemarks(),
  ) {
    super(http, clock);
  }

  /**
   * Pushes an authorization request, with the client authentication of the token endpoint.
   *
   * @param form - absolute `url` of the endpoint, and the parameters of the request as `fields`
   * @throws {@link ProviderMisconfiguredError} when the provider refuses the request or our client credentials
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no response, or HTTP 5xx, 408, 409, 410, 425
   * @throws {@link InvalidTokenResponseError} when the response has no valid `request_uri`
   * @see RFC 9126 section 2, https://www.rfc-editor.org/rfc/rfc9126#section-2
   */
  async pushAuthorizationRequest(
    definition: OAuth2Definition,
    settings: OAuth2Settings,
    form: { readonly url: string; readonly fields: Readonly<Record<string, string>> },
  ): Promise<PushedRequest> {
    const request = await this.clientAuthentication.form(definition, settings, form, this.clock.now());
    const response = await this.http.send(request);
    if (isFailure(definition, response)) {
      throw tokenFailure(this.failed(definition, response), misconfigured(definition), misconfigured(definition));
    }
    const pushed = pushedResponseSchema.safeParse(parseJsonBody(response));
    if (!pushed.success) {
      throw new InvalidTokenResponseError(`The response of ${definition.displayName} has no valid "request_uri".`);
    }
    return { requestUri: pushed.data.request_uri, expiresInSeconds: pushed.data.expires_in };
  }

  /**
   * Redeems an authorization code at the token endpoint.
   *
   * @param definition - the provider's facts
   * @param settings - endpoints and client credentials in force
   * @param request - the code of the callback, and the redirect URI of the authorization request
   * @returns the token response; its times count from the instant before the request left
   * @throws {@link AuthorizationCodeRefusedError} on `invalid_grant`, an equivalent error of the definition, or HTTP
   *   400, 401 or 403 without a known error code: the code cannot be used any more
   * @throws {@link ProviderMisconfiguredError} on `invalid_client`, `unauthorized_client`, `unsupported_grant_type`,
   *   `invalid_scope`, `invalid_request`, or HTTP 401 that asks for Basic authentication
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no response, or HTTP 5xx, 408, 409, 410, 425, a request to
   *   retry, or a successful response that cannot be read
   * @throws {@link InvalidTokenResponseError} when a successful response lacks a required field
   * @see RFC 6749 section 4.1.3, https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
   */
  async exchangeCode(
    definition: OAuth2Definition,
    settings: OAuth2Settings,
    request: CodeExchange,
  ): Promise<TokenResponse> {
    const fields = {
      grant_type: 'authorization_code',
      code: request.code,
      redirect_uri: request.redirectUri,
      code_verifier: request.codeVerifier,
      scope: definition.scopeOnExchange === true ? request.scopes.join(definition.scopeSeparator) : undefined,
    };
    const message = `${definition.displayName} rejected the authorization code. The user must start a new link.`;
    const form = { url: settings.endpoints.tokenUrl, fields };
    const refused = refusal(AuthorizationCodeRefusedError, message);
    // A refusal without a reason counts as a refused code. That is safe: a code works once, and the user starts again.
    const { response, requestedAt } = await this.requestToken(definition, settings, form, refused, refused);
    return this.parseTokenResponse(definition, response, requestedAt);
  }

  /**
   * Exchanges a refresh token for a new token response at the token endpoint.
   *
   * When the token response carries a refresh token, the old one is dead and must not be sent again; when it carries
   * none, the old one stays valid.
   *
   * @param definition - the provider's facts
   * @param settings - endpoints and client credentials in force
   * @param tokens - the set in force; its refresh token as last issued by the provider
   * @param patience - keeps reading the response after the time limit of the definition
   * @returns the token response; its times count from the instant before the request left
   * @throws {@link ConnectionNotRefreshableError} when there is no refresh token
   * @throws {@link TokenRevokedError} on `invalid_grant` or an equivalent error of the definition; on nothing else
   * @throws {@link ProviderMisconfiguredError} on `invalid_client`, `unauthorized_client`, `unsupported_grant_type`,
   *   `invalid_scope`, `invalid_request`, or HTTP 401 that asks for Basic authentication
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no response, or HTTP 5xx, 408, 409, 410, 425, or a request
   *   to retry. Also on a refusal without a known code, or a successful response that cannot be read. `fate` says
   *   whether the provider may have spent the refresh token.
   * @throws {@link InvalidTokenResponseError} when a successful response lacks a required field; in doubt unless it has
   *   a refresh token
   * @see RFC 6749 section 6, https://www.rfc-editor.org/rfc/rfc6749#section-6
   * @see RFC 6749 section 5.2 (errors), https://www.rfc-editor.org/rfc/rfc6749#section-5.2
   */
  async refresh(
    definition: OAuth2Definition,
    settings: OAuth2Settings,
    tokens: GrantTokens,
    patience?: Patience,
  ): Promise<TokenResponse> {
    const { refreshToken, accessToken } = tokens;
    const scopes = tokens.scopes ?? settings.scopes;
    if (refreshToken === undefined) {
      throw new ConnectionNotRefreshableError();
    }
    const url = settings.endpoints.refreshUrl ?? settings.endpoints.tokenUrl;
    const { scopeOnRefresh, scopeSeparator } = definition;
    const fields = {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      scope: scopeOnRefresh === true ? scopes.join(scopeSeparator) : scopeOnRefresh,
      redirect_uri: definition.redirectUriOnRefresh === true ? settings.redirectUri : undefined,
    };
    const message = `${definition.displayName} rejected the refresh token. If a second attempt confirms this, the user must link the account again.`;
    const refused = refusal(TokenRevokedError, message);
    const form = { url, fields, patience };
    const { response, requestedAt } = await this.requestToken(definition, settings, form, refused);
    return (
      parseTokenExtension(response, definition, accessToken, requestedAt) ??
      this.parseTokenResponse(definition, response, requestedAt)
    );
  }

  /**
   * Verifies the ID token of a token response, and adds the user's id to the response.
   *
   * @param nonce - as sent with the authorization request; `undefined` if none was sent
   * @returns the token response with `providerUserId`
   * @throws {@link InvalidTokenResponseError} when there is no ID token, or one that is not for this client, this link
   *   or this time
   * @throws {@link ProviderUnavailableError} when the signing keys cannot be read
   * @see OpenID Connect Core 1.0 section 3.1.3.7,
   *   https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
   */
  async withVerifiedUser(
    definition: OAuth2Definition,
    settings: OAuth2Settings,
    tokenResponse: TokenResponse,
    nonce: string | undefined,
  ): Promise<TokenResponse> {
    const { account } = definition;
    if (account.from !== 'id-token') {
      throw new Error(`Provider "${definition.slug}" has no ID token.`);
    }
    const { jwksUrl } = settings.endpoints;
    const keys = jwksUrl === undefined ? undefined : await this.getSigningKeys(definition, jwksUrl);
    const { userId, formerUserId } = await verifyIdToken(tokenResponse.idToken, {
      displayName: definition.displayName,
      issuers: settings.issuers,
      account,
      clientId: settings.clientId,
      nonce,
      keys,
      now: this.clock.now(),
    });
    return tokenResponse.with({ providerUserId: userId, formerUserId });
  }

  /**
   * Posts to an endpoint that only this provider has: JSON with the user's bearer token, or a form with our client
   * authentication.
   *
   * @param request - `url`, `accepted` HTTP statuses beside 2xx, and either `tokens` and `json` or the form's `fields`
   * @returns the parsed JSON, unchecked; `undefined` when the response has none
   * @throws {@link AuthorizationFailedError} when the provider refuses the call
   * @throws the errors that any endpoint has: misconfigured, rate limited, unavailable
   */
  async post(
    definition: OAuth2Definition,
    settings: OAuth2Settings,
    request: { readonly url: string; readonly accepted?: readonly number[] } & (
      { readonly tokens: GrantTokens; readonly json: object } | { readonly fields: Readonly<Record<string, string>> }
    ),
  ): Promise<unknown> {
    const { url, accepted = [] } = request;
    const response = await this.http.send(
      'json' in request
        ? bearerJsonRequest(definition, url, request.tokens, request.json)
        : await this.clientAuthentication.form(definition, settings, request, this.clock.now()),
    );
    if (isFailure(definition, response) && !accepted.includes(response.status)) {
      const message = `${definition.displayName} rejected a call that the link needs. Start a new link.`;
      throw endpointFailure(this.failed(definition, response), refusal(AuthorizationFailedError, message));
    }
    return parseJsonBody(response);
  }

  protected override async sendAsUser(
    definition: OAuth2Definition,
    settings: OAuth2Settings,
    url: string,
    tokens: GrantTokens,
  ): Promise<ProviderResponse> {
    const request = withAcceptJson(bearerRequest(definition, 'GET', url, tokens));
    // Further headers, such as the operator's API key.
    const headers: Record<string, string> = { ...request.headers };
    for (const [name, secret] of Object.entries(settings.accountHeaders ?? {})) {
      headers[name] = secret.reveal();
    }
    return this.http.send({ ...request, headers });
  }

  protected override async sendRevocation(
    definition: OAuth2Definition,
    settings: OAuth2Settings,
    tokens: GrantTokens,
  ): Promise<ProviderResponse> {
    const url = revocationUrl(definition, settings, tokens);
    const { revocation } = definition;
    if (revocation?.proof !== 'client') {
      return this.http.send(tokenRevocationRequest(definition, url, tokens));
    }
    const { clientAuthentication = definition.clientAuthentication } = revocation;
    const form = { url, fields: tokenFields(tokens) };
    return this.http.send(
      await this.clientAuthentication.form({ ...definition, clientAuthentication }, settings, form, this.clock.now()),
    );
  }

  /**
   * Gets the keys by which the provider signs its ID tokens. No credentials are sent.
   *
   * @param definition - the provider's facts
   * @param url - absolute URL of the JSON Web Key Set
   * @returns the parsed JSON, unchecked
   * @throws {@link ProviderUnavailableError} when there is no response, or one that is not HTTP 2xx with JSON
   * @see RFC 7517 section 5, https://www.rfc-editor.org/rfc/rfc7517#section-5
   */
  private async getSigningKeys(definition: OAuth2Definition, url: string): Promise<unknown> {
    const headers = { accept: 'application/json' };
    const response = await this.http.send({ method: 'GET', url, headers, timeoutMs: defaultTimeoutMs });
    const keys = isSuccessStatus(response) ? parseJsonBody(response) : undefined;
    if (keys === undefined) {
      const detail = `HTTP ${response.status} instead of signing keys`;
      throw unavailable(this.failed(definition, response), detail);
    }
    return keys;
  }

  private async requestToken(
    definition: OAuth2Definition,
    settings: OAuth2Settings,
    call: {
      readonly url: string;
      readonly fields: Readonly<Record<string, string | undefined>>;
      readonly patience?: Patience | undefined;
    },
    refused: Refusal,
    refusedWithoutReason?: Refusal,
  ): Promise<{ response: ProviderResponse; requestedAt: Date }> {
    const requestedAt = this.clock.now();
    const form = { url: call.url, fields: { ...call.fields, ...definition.extraTokenParams } };
    const request = await this.clientAuthentication.form(definition, settings, form, requestedAt);
    const labels = { provider: definition.slug, grant_type: call.fields['grant_type'] ?? 'other' };
    const stopTimer = tokenCallSeconds.startTimer(labels);
    const response = await this.http
      .send({ ...request, patience: call.patience, mustBeRead: true })
      .catch((error: unknown) => {
        stopTimer({ outcome: 'no_response' });
        throw error;
      });
    stopTimer({ outcome: `${Math.floor(response.status / 100)}xx` });
    if (isFailure(definition, response)) {
      throw tokenFailure(this.failed(definition, response), refused, refusedWithoutReason);
    }
    return { response, requestedAt };
  }

  private parseTokenResponse(
    definition: OAuth2Definition,
    response: ProviderResponse,
    requestedAt: Date,
  ): TokenResponse {
    return parseTokenResponse(response, definition, requestedAt, (remark) => this.remarks.add(definition, remark));
  }
}
