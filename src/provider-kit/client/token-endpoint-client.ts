import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { AuthorizationCodeRefusedError, AuthorizationFailedError } from '../../errors/authorization.errors.js';
import { ConnectionNotRefreshableError } from '../../errors/connection.errors.js';
import { InvalidTokenResponseError, TokenRevokedError } from '../../errors/provider.errors.js';
import type { GrantTokens } from '../health-provider.js';
import type { Patience, ProviderResponse } from '../http/http-client.js';
import { tokenCallSeconds } from '../provider-kit.metrics.js';
import { verifyIdToken } from '../responses/id-token.js';
import { oauth1Request, type OAuth1Call } from '../oauth1/oauth1-request.js';
import { parseOAuth1TokenResponse, type OAuth1TokenResponse } from '../responses/oauth1-response.js';
import { ProviderApiClient } from './provider-api-client.js';
import type { OAuth1Definition, OAuth2Definition, ProviderDefinition } from '../definition/provider-definition.js';
import {
  endpointFailure,
  isFailure,
  isSuccessStatus,
  misconfigured,
  refusal,
  tokenFailure,
  type Refusal,
} from '../responses/provider-failure.js';
import type { ProviderSettings } from '../definition/provider-settings.js';
import { parseJsonBody } from '../responses/response-body.js';
import { ResponseRemarks } from '../responses/response-remarks.js';
import { revocationRequest } from './revocation-request.js';
import { parseTokenExtension } from '../responses/token-extension.js';
import { TokenResponse } from '../token-response.js';
import { parseTokenResponse } from '../responses/parse-token-response.js';

const pushedResponseSchema = z.object({
  request_uri: z.string().regex(/^[\x21-\x7e]{1,1000}$/),
  // Without a life that can be read, the link's own stands.
  expires_in: z.int().positive().optional().catch(undefined),
});

/** A pushed authorization request, as the provider keeps it (RFC 9126 section 2.2). */
export interface PushedRequest {
  /** The reference that the browser carries instead; it works once. */
  readonly requestUri: string;
  /** How long it works, in seconds; `undefined` when the provider does not tell. */
  readonly expiresInSeconds: number | undefined;
}

/** What an authorization code is redeemed with. */
export interface CodeExchange {
  readonly code: string;
  /** The same redirect URI as in the authorization request. */
  readonly redirectUri: string;
  /** PKCE verifier, where the authorization request had a challenge (RFC 7636 section 4.5). */
  readonly codeVerifier?: string;
  /** Those of the authorization request; repeated where the provider wants that. */
  readonly scopes: readonly string[];
}

/** What temporary credentials are redeemed with (RFC 5849 section 2.3). */
export interface VerifiedCredentials {
  readonly token: string;
  readonly tokenSecret: string;
  readonly verifier: string;
}

/**
 * Talks to the providers' token, revocation and account endpoints: one request per call, never repeated but by {@link
 * ProviderClocks}.
 *
 * Every failure comes out as one of a few typed errors that say who has to act. Their text holds the provider's name,
 * the HTTP status and an error code of letters and `_`; nothing that the provider wrote freely, because it may quote a
 * token.
 */
@Injectable()
export class TokenEndpointClient extends ProviderApiClient {
  /** What was odd about the token responses that were used. */
  readonly remarks = new ResponseRemarks();

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
    settings: ProviderSettings,
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
   * @param request - code and redirect URI as the callback brought and the authorization request sent them
   * @returns the token response; its times count from the instant before the request left
   * @throws {@link AuthorizationCodeRefusedError} on `invalid_grant`, what the definition lists as meaning the same, or HTTP 400, 401 or
   *   403 without a known error code: the code is of no use any more, whatever the reason
   * @throws {@link ProviderMisconfiguredError} on `invalid_client`, `unauthorized_client`, `unsupported_grant_type`,
   *   `invalid_scope`, `invalid_request`, or HTTP 401 that asks for Basic authentication
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no response, or HTTP 5xx, 408, 409, 410, 425, a request to retry, or a successful
   *   response that cannot be read
   * @throws {@link InvalidTokenResponseError} when a successful response lacks a required field
   * @see RFC 6749 section 4.1.3, https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
   */
  async exchangeCode(
    definition: OAuth2Definition,
    settings: ProviderSettings,
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
    // A refusal without a reason ends nothing here: whatever it means, a code works once and the user starts again.
    const { response, requestedAt } = await this.requestToken(definition, settings, form, refused, refused);
    return this.parseGrant(definition, response, requestedAt);
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
   * @param patience - reads the response on after the time limit of the definition
   * @returns the token response; its times count from the instant before the request left
   * @throws {@link ConnectionNotRefreshableError} when there is no refresh token
   * @throws {@link TokenRevokedError} on `invalid_grant`, or what the definition lists as meaning the same; on nothing else
   * @throws {@link ProviderMisconfiguredError} on `invalid_client`, `unauthorized_client`, `unsupported_grant_type`,
   *   `invalid_scope`, `invalid_request`, or HTTP 401 that asks for Basic authentication
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no response, or HTTP 5xx, 408, 409, 410, 425, a request to retry, a refusal without
   *   a known code, or a successful response that cannot be read; `fate` says whether the provider may have spent the refresh token
   * @throws {@link InvalidTokenResponseError} when a successful response lacks a required field; in doubt unless it has a refresh token
   * @see RFC 6749 section 6, https://www.rfc-editor.org/rfc/rfc6749#section-6
   * @see RFC 6749 section 5.2 (errors), https://www.rfc-editor.org/rfc/rfc6749#section-5.2
   */
  async refresh(
    definition: OAuth2Definition,
    settings: ProviderSettings,
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
      this.parseGrant(definition, response, requestedAt)
    );
  }

  /**
   * Ends a grant at the provider, with the proof that its definition names. Resolves on any 2xx.
   *
   * With proof `client` the refresh token is sent where there is one, since that ends the access token too; providers
   * answer 200 to a token they do not know, which counts as ended. With the other proofs a refusal does not tell an
   * ended grant from an expired access token, so it is an {@link AuthorizationFailedError}: refresh once, try again,
   * then give up.
   *
   * @param definition - the provider's facts; must have a `revocation`
   * @param settings - endpoints and client credentials in force
   * @param tokens - the tokens in force; `tokenSecret` is needed for OAuth 1.0a
   * @throws {@link AuthorizationFailedError} when the provider refuses the token or the call
   * @throws {@link ProviderMisconfiguredError} when it refuses our client credentials
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no response, or HTTP 5xx, 408, 409, 410, 425
   * @throws Error when the definition has no revocation, or one that does not go with its OAuth version
   * @see RFC 7009 section 2, https://www.rfc-editor.org/rfc/rfc7009#section-2
   */
  async revoke(definition: ProviderDefinition, settings: ProviderSettings, tokens: GrantTokens): Promise<void> {
    const { revocation, displayName } = definition;
    const send = async (now: Date): Promise<ProviderResponse> =>
      this.http.send(await revocationRequest(definition, settings, tokens, this.clientAuthentication, now));
    const response =
      definition.oauth === '1.0a' ? await this.clocks.send(definition, send) : await send(this.clock.now());
    const isGone = revocation?.proof === 'token' && response.status === revocation.goneStatus;
    if (!isGone && isFailure(definition, response)) {
      const message = `${displayName} refused to revoke the grant. The access token may have expired or be revoked already.`;
      throw endpointFailure(this.failed(definition, response), refusal(AuthorizationFailedError, message));
    }
  }

  /**
   * Requests temporary credentials, the first step of an OAuth 1.0a link. The callback is signed and sent in the
   * header.
   *
   * @param definition - the provider's facts
   * @param settings - endpoints and client credentials in force
   * @param callbackUrl - where the provider shall send the user back
   * @returns the temporary token and its secret; keep both sealed until the callback
   * @throws {@link ProviderMisconfiguredError} when the provider refuses the request: wrong client credentials, signature, clock or
   *   callback
   * @throws {@link InvalidTokenResponseError} when the response lacks a field or does not confirm the callback (session fixation,
   *   OAuth Security Advisory 2009.1); the user must not be redirected
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no response, or HTTP 5xx, 408, 409, 410, 425
   * @see RFC 5849 section 2.1, https://www.rfc-editor.org/rfc/rfc5849#section-2.1
   */
  async temporaryCredentials(
    definition: OAuth1Definition,
    settings: ProviderSettings,
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
   * @throws {@link InvalidTokenResponseError} when the response lacks `oauth_token` or `oauth_token_secret`; the secret may be empty
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no response, or HTTP 5xx, 408, 409, 410, 425
   * @see RFC 5849 section 2.3, https://www.rfc-editor.org/rfc/rfc5849#section-2.3
   */
  async tokenCredentials(
    definition: OAuth1Definition,
    settings: ProviderSettings,
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
   * @param definition - the facts of the provider that the grant is of
   * @param settings - client credentials in force; `exchangeUrl` among its endpoints
   * @param tokens - the tokens in force, with their secret
   * @param successor - the facts by which the response is read
   * @param patience - reads the response on after the time limit
   * @throws as `HealthProvider.exchangeGrant`; Error when there is no exchange
   */
  async exchangeGrant(
    definition: OAuth1Definition,
    settings: ProviderSettings,
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
    return this.parseGrant(successor, response, requestedAt);
  }

  /**
   * Verifies the ID token of a token response and puts the user's id into it.
   *
   * @param nonce - as sent with the authorization request; `undefined` when none was
   * @returns it with `providerUserId`
   * @throws {@link InvalidTokenResponseError} when there is no ID token, or one that is not for this client, this link or this time
   * @throws {@link ProviderUnavailableError} when the signing keys cannot be read
   * @see OpenID Connect Core 1.0 section 3.1.3.7, https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
   */
  async withVerifiedUser(
    definition: OAuth2Definition,
    settings: ProviderSettings,
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
      issuers: settings.issuers ?? [],
      account,
      clientId: settings.clientId,
      nonce,
      keys,
      now: this.clock.now(),
    });
    return tokenResponse.with({ providerUserId: userId, formerUserId });
  }

  private async requestToken(
    definition: OAuth2Definition,
    settings: ProviderSettings,
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

  private parseGrant(definition: OAuth2Definition, response: ProviderResponse, requestedAt: Date): TokenResponse {
    return parseTokenResponse(response, definition, requestedAt, (remark) => this.remarks.add(definition, remark));
  }

  private async requestCredentials(
    definition: OAuth1Definition,
    settings: ProviderSettings,
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
