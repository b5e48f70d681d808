import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import type { AppError } from '../errors/app-error.js';
import { ConnectionNotRefreshableError } from '../errors/connection.errors.js';
import { AuthorizationCodeRefusedError, AuthorizationFailedError } from '../errors/authorization.errors.js';
import {
  InvalidTokenResponseError,
  ProviderMisconfiguredError,
  ProviderRateLimitedError,
  ProviderUnavailableError,
  TokenRevokedError,
} from '../errors/provider.errors.js';
import { ClientSecretSigner } from './client-secret-signer.js';
import type { GrantTokens } from './health-provider.js';
import { ProviderHttpClient, type ProviderRequest, type ProviderResponse } from './http-client.js';
import { verifyIdToken } from './id-token.js';
import { oauth1Nonce, signOAuth1Request } from './oauth1-signature.js';
import { formBody, formEncode, percentEncode } from './percent-encoding.js';
import type { OAuth1Definition, OAuth2Definition, ProviderDefinition } from './provider-definition.js';
import type { ProviderSettings } from './provider-settings.js';
import { parseRetryAfterSeconds } from './retry-after.js';
import { TokenGrant } from './token-grant.js';
import {
  errorCodeReader,
  parseErrorAnswer,
  parseJsonBody,
  parseOAuth1Problem,
  parseOAuth1TokenResponse,
  parseTokenResponse,
} from './token-response.js';

/** What an authorization code is redeemed with. */
export interface CodeExchange {
  readonly code: string;
  /** The same redirect URI as in the authorization request. */
  readonly redirectUri: string;
  /** PKCE verifier, where the authorization request had a challenge (RFC 7636 section 4.5). */
  readonly codeVerifier?: string;
}

/** What temporary credentials are redeemed with (RFC 5849 section 2.3). */
export interface VerifiedCredentials {
  readonly token: string;
  readonly tokenSecret: string;
  readonly verifier: string;
}

/** Total time of a request that has no refresh policy to set it. */
const defaultTimeoutMs = 10_000;

/**
 * Talks to the providers' token, revocation and account endpoints: one request per call, never repeated.
 *
 * Every failure comes out as one of a few typed errors that say who has to act. Their text holds the provider's name, the HTTP
 * status and an error code of letters and `_`; nothing that the provider wrote freely, because it may quote a token.
 */
@Injectable()
export class TokenEndpointClient {
  private readonly clientSecrets = new ClientSecretSigner();

  constructor(
    private readonly http: ProviderHttpClient,
    private readonly clock: Clock,
  ) {}

  /**
   * Redeems an authorization code at the token endpoint.
   *
   * @param definition - the provider's facts
   * @param settings - endpoints and client credentials in force
   * @param request - code and redirect URI as the callback brought and the authorization request sent them
   * @returns the grant; its times count from the instant before the request left
   * @throws {@link AuthorizationCodeRefusedError} on `invalid_grant`, or HTTP 400, 401 or 403 without a known error code
   * @throws {@link ProviderMisconfiguredError} on `invalid_client`, `unauthorized_client`, `unsupported_grant_type`,
   *   `invalid_scope`, `invalid_request`, or HTTP 401 that asks for Basic authentication
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no answer, or HTTP 5xx, 408, 409, 425, a request to retry, or no JSON
   * @throws {@link InvalidTokenResponseError} when a successful answer lacks a required field
   * @see RFC 6749 section 4.1.3, https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
   */
  async exchangeCode(
    definition: OAuth2Definition,
    settings: ProviderSettings,
    request: CodeExchange,
  ): Promise<TokenGrant> {
    const fields = {
      grant_type: 'authorization_code',
      code: request.code,
      redirect_uri: request.redirectUri,
      code_verifier: request.codeVerifier,
      scope: definition.scopeOnExchange === true ? settings.scopes.join(definition.scopeSeparator) : undefined,
    };
    return this.requestToken(definition, settings, settings.endpoints.tokenUrl, fields, (detail) => {
      const message = `${definition.displayName} refused the authorization code. The user has to start a new link.`;
      return new AuthorizationCodeRefusedError(message, { detail });
    });
  }

  /**
   * Exchanges a refresh token for a new grant at the token endpoint.
   *
   * When the grant carries a refresh token, the old one is dead and must not be sent again; when it carries none, the old
   * one stays valid.
   *
   * @param definition - the provider's facts
   * @param settings - endpoints and client credentials in force
   * @param tokens - the set in force; its refresh token as last issued by the provider
   * @returns the grant; its times count from the instant before the request left
   * @throws {@link ConnectionNotRefreshableError} when there is no refresh token
   * @throws {@link TokenRevokedError} on `invalid_grant`, or HTTP 400, 401 or 403 without a known error code
   * @throws {@link ProviderMisconfiguredError} on `invalid_client`, `unauthorized_client`, `unsupported_grant_type`,
   *   `invalid_scope`, `invalid_request`, or HTTP 401 that asks for Basic authentication
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no answer, or HTTP 5xx, 408, 409, 425, a request to retry, or no JSON;
   *   `fate` says whether the provider may have spent the refresh token
   * @throws {@link InvalidTokenResponseError} when a successful answer lacks a required field
   * @see RFC 6749 section 6, https://www.rfc-editor.org/rfc/rfc6749#section-6
   * @see RFC 6749 section 5.2 (errors), https://www.rfc-editor.org/rfc/rfc6749#section-5.2
   */
  async refresh(definition: OAuth2Definition, settings: ProviderSettings, tokens: GrantTokens): Promise<TokenGrant> {
    const { refreshToken, accessToken } = tokens;
    if (refreshToken === undefined) {
      throw new ConnectionNotRefreshableError();
    }
    const url = settings.endpoints.refreshUrl ?? settings.endpoints.tokenUrl;
    const fields = {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      scope: definition.scopeOnRefresh,
      redirect_uri: definition.redirectUriOnRefresh === true ? settings.redirectUri : undefined,
    };
    const kept = definition.refreshExtendsToken === true ? accessToken : undefined;
    return this.requestToken(
      definition,
      settings,
      url,
      fields,
      (detail) => {
        const message = `${definition.displayName} refused the refresh token. If this is confirmed, the user has to connect again.`;
        return new TokenRevokedError(message, { detail });
      },
      kept,
    );
  }

  /**
   * Ends a grant at the provider, with the proof that its definition names. Resolves on any 2xx.
   *
   * With proof `client` the refresh token is sent where there is one, since that ends the access token too; providers answer 200
   * to a token they do not know, which counts as ended. With the other proofs a refusal does not tell an ended grant from an expired
   * access token, so it is an {@link AuthorizationFailedError}: refresh once, try again, then give up.
   *
   * @param definition - the provider's facts; must have a `revocation`
   * @param settings - endpoints and client credentials in force
   * @param grant - the tokens in force; `tokenSecret` is needed for OAuth 1.0a
   * @throws {@link AuthorizationFailedError} when the provider refuses the token or the call
   * @throws {@link ProviderMisconfiguredError} when it refuses our client credentials
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no answer, or HTTP 5xx, 408, 409, 425
   * @throws Error when the definition has no revocation, or one that does not go with its OAuth version
   * @see RFC 7009 section 2, https://www.rfc-editor.org/rfc/rfc7009#section-2
   */
  async revoke(definition: ProviderDefinition, settings: ProviderSettings, grant: GrantTokens): Promise<void> {
    const response = await this.http.send(await this.revocationRequest(definition, settings, grant));
    const { revocation } = definition;
    const gone = revocation?.proof === 'token' && response.status === revocation.goneStatus;
    if (gone || (isSuccess(response) && parseErrorAnswer(response, errorCodeReader(definition)).code === undefined)) {
      return;
    }
    throw this.failure(definition, response, (detail) => {
      const message = `${definition.displayName} refused to end the grant. The access token may have expired or be revoked already.`;
      return new AuthorizationFailedError(message, { detail });
    });
  }

  /**
   * Requests temporary credentials, the first step of an OAuth 1.0a link. The callback is signed and sent in the header.
   *
   * @param definition - the provider's facts
   * @param settings - endpoints and client credentials in force
   * @param callbackUrl - where the provider shall send the user back
   * @returns the temporary token and its secret; keep both sealed until the callback
   * @throws {@link ProviderMisconfiguredError} when the provider refuses the request: wrong client credentials, signature, clock or
   *   callback
   * @throws {@link InvalidTokenResponseError} when the answer lacks a field or does not confirm the callback (session fixation,
   *   OAuth Security Advisory 2009.1); the user must not be redirected
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no answer, or HTTP 5xx, 408, 409, 425
   * @see RFC 5849 section 2.1, https://www.rfc-editor.org/rfc/rfc5849#section-2.1
   */
  async temporaryCredentials(
    definition: OAuth1Definition,
    settings: ProviderSettings,
    callbackUrl: string,
  ): Promise<{ token: string; tokenSecret: string }> {
    const response = await this.http.send(
      this.signed(definition, settings, 'POST', settings.endpoints.requestTokenUrl, undefined, {
        oauth_callback: callbackUrl,
      }),
    );
    if (!isSuccess(response)) {
      throw this.oauth1Failure(definition, response, (detail) => misconfigured(definition, detail));
    }
    const { token, tokenSecret, callbackConfirmed } = parseOAuth1TokenResponse(response.text);
    if (!callbackConfirmed) {
      throw new InvalidTokenResponseError(
        `${definition.displayName} did not confirm the callback: the answer has no valid "oauth_callback_confirmed".`,
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
   * @returns the grant, with a token secret and without expiry
   * @throws {@link AuthorizationCodeRefusedError} when the provider refuses token or verifier
   * @throws {@link ProviderMisconfiguredError} when it names our client credentials, signature or clock as the problem
   * @throws {@link InvalidTokenResponseError} when the answer lacks `oauth_token` or `oauth_token_secret`
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no answer, or HTTP 5xx, 408, 409, 425
   * @see RFC 5849 section 2.3, https://www.rfc-editor.org/rfc/rfc5849#section-2.3
   */
  async tokenCredentials(
    definition: OAuth1Definition,
    settings: ProviderSettings,
    credentials: VerifiedCredentials,
  ): Promise<TokenGrant> {
    const { token, tokenSecret, verifier } = credentials;
    const requestedAt = this.clock.now();
    const response = await this.http.send(
      this.signed(
        definition,
        settings,
        'POST',
        settings.endpoints.accessTokenUrl,
        { accessToken: token, tokenSecret },
        { oauth_verifier: verifier },
      ),
    );
    if (!isSuccess(response)) {
      throw this.oauth1Failure(definition, response, (detail) => {
        const message = `${definition.displayName} refused the verifier. The user has to start a new link.`;
        return new AuthorizationCodeRefusedError(message, { detail });
      });
    }
    const answer = parseOAuth1TokenResponse(response.text);
    const { account } = definition;
    const providerUserId = account.from === 'token-response' ? answer.extras.get(account.field) : undefined;
    return new TokenGrant({
      accessToken: answer.token,
      tokenSecret: answer.tokenSecret,
      requestedAt,
      ...(providerUserId ? { providerUserId } : {}),
    });
  }

  /**
   * Gets a JSON document of the user's from the provider's API, such as the account.
   *
   * @param definition - the provider's facts; its OAuth version decides between a bearer token and a signature
   * @param settings - client credentials in force
   * @param url - absolute URL below the provider's API
   * @param grant - the tokens in force; `tokenSecret` is needed for OAuth 1.0a
   * @returns the parsed JSON, unchecked
   * @throws {@link AuthorizationFailedError} when the provider refuses the token or the call (any other 4xx)
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no answer, or HTTP 5xx, 408, 409, 425, or no JSON
   */
  async getJson(
    definition: ProviderDefinition,
    settings: ProviderSettings,
    url: string,
    grant: GrantTokens,
  ): Promise<unknown> {
    const request =
      definition.oauth === '1.0a'
        ? this.signed(definition, settings, 'GET', url, grant)
        : bearer(definition, 'GET', url, grant);
    const response = await this.http.send({ ...request, headers: { ...request.headers, accept: 'application/json' } });
    if (!isSuccess(response)) {
      throw this.failure(definition, response, (detail) => {
        const message = `${definition.displayName} refused the access token for its API.`;
        return new AuthorizationFailedError(message, { detail });
      });
    }
    const body = parseJsonBody(response);
    if (body === undefined) {
      throw this.unavailable(definition, response, `HTTP ${response.status}, not JSON`);
    }
    return body;
  }

  /**
   * Gets a JSON document that the provider publishes for everybody, such as a description of its endpoints. No credentials are sent.
   *
   * @param definition - the provider's facts
   * @param url - absolute URL
   * @param timeoutMs - total time of the request, in milliseconds
   * @returns the parsed JSON, unchecked
   * @throws {@link ProviderMisconfiguredError} when there is no such document (any other 4xx): the URL is wrong
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no answer, or HTTP 5xx, 408, 409, 425, or no JSON
   */
  async getPublicJson(definition: ProviderDefinition, url: string, timeoutMs = defaultTimeoutMs): Promise<unknown> {
    const headers = { accept: 'application/json' };
    const response = await this.http.send({ method: 'GET', url, headers, timeoutMs });
    if (!isSuccess(response)) {
      throw this.failure(definition, response, (detail) => misconfigured(definition, detail));
    }
    const body = parseJsonBody(response);
    if (body === undefined) {
      throw this.unavailable(definition, response, `HTTP ${response.status}, not JSON`);
    }
    return body;
  }

  /**
   * Posts to an endpoint of the provider's own: JSON with the user's bearer token, or a form with our client authentication.
   *
   * @param request - `url`, `accepted` HTTP statuses beside 2xx, and either `grant` and `json` or the form's `fields`
   * @returns the parsed JSON, unchecked; `undefined` when the answer has none
   * @throws {@link AuthorizationFailedError} when the provider refuses the call
   * @throws the errors that any endpoint has: misconfigured, rate limited, unavailable
   */
  async post(
    definition: OAuth2Definition,
    settings: ProviderSettings,
    request: { readonly url: string; readonly accepted?: readonly number[] } & (
      { readonly grant: GrantTokens; readonly json: object } | { readonly fields: Readonly<Record<string, string>> }
    ),
  ): Promise<unknown> {
    const { url, accepted = [] } = request;
    const form =
      'json' in request
        ? withJson(bearer(definition, 'POST', url, request.grant), request.json)
        : await this.authenticatedForm(definition, settings, url, request.fields);
    const response = await this.http.send(form);
    const failed = parseErrorAnswer(response, errorCodeReader(definition)).code !== undefined;
    if ((isSuccess(response) && !failed) || accepted.includes(response.status)) {
      return parseJsonBody(response);
    }
    throw this.failure(definition, response, (detail) => {
      const message = `${definition.displayName} refused a call that belongs to the link.`;
      return new AuthorizationFailedError(message, { detail });
    });
  }

  /**
   * Verifies the ID token of a grant and puts the user's id into the grant.
   *
   * @param nonce - as sent with the authorisation request; `undefined` when none was
   * @returns the grant with `providerUserId`
   * @throws {@link InvalidTokenResponseError} when there is no ID token, or one that is not for this client, this link or this time
   * @throws {@link ProviderUnavailableError} when the signing keys cannot be read
   * @see OpenID Connect Core 1.0 section 3.1.3.7, https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
   */
  async withVerifiedUser(
    definition: OAuth2Definition,
    settings: ProviderSettings,
    grant: TokenGrant,
    nonce: string | undefined,
  ): Promise<TokenGrant> {
    const { account } = definition;
    if (account.from !== 'id-token') {
      throw new Error(`Provider "${definition.slug}" has no ID token.`);
    }
    const { jwksUrl } = settings.endpoints;
    const keys = jwksUrl === undefined ? undefined : await this.readKeys(definition, jwksUrl);
    const providerUserId = await verifyIdToken(grant.idToken, {
      displayName: definition.displayName,
      issuer: account.issuer,
      clientId: settings.clientId,
      nonce,
      keys,
      now: this.clock.now(),
    });
    return grant.with({ providerUserId });
  }

  private async readKeys(definition: OAuth2Definition, url: string): Promise<unknown> {
    const request = {
      method: 'GET',
      url,
      headers: { accept: 'application/json' },
      timeoutMs: defaultTimeoutMs,
    } as const;
    const response = await this.http.send(request);
    const keys = isSuccess(response) ? parseJsonBody(response) : undefined;
    if (keys === undefined) {
      throw this.unavailable(definition, response, `HTTP ${response.status} instead of signing keys`);
    }
    return keys;
  }

  private async requestToken(
    definition: OAuth2Definition,
    settings: ProviderSettings,
    url: string,
    fields: Readonly<Record<string, string | undefined>>,
    refused: (detail: string) => AppError,
    keptAccessToken?: string,
  ): Promise<TokenGrant> {
    const requestedAt = this.clock.now();
    const allFields = { ...fields, ...definition.extraTokenParams };
    const response = await this.http.send(await this.authenticatedForm(definition, settings, url, allFields));
    const isError = !isSuccess(response) || parseErrorAnswer(response, errorCodeReader(definition)).code !== undefined;
    if (isError) {
      throw this.tokenFailure(definition, response, refused);
    }
    if (keptAccessToken !== undefined && isExtension(response)) {
      const { accessTokenLifetimeSeconds: life } = definition;
      return new TokenGrant({
        accessToken: keptAccessToken,
        requestedAt,
        ...(life === undefined ? {} : { expiresInSeconds: life }),
      });
    }
    return parseTokenResponse(response, definition, requestedAt);
  }

  private async revocationRequest(
    definition: ProviderDefinition,
    settings: ProviderSettings,
    grant: GrantTokens,
  ): Promise<ProviderRequest> {
    const { revocation } = definition;
    const template = settings.endpoints.revokeUrl;
    if (revocation === undefined || template === undefined) {
      throw new Error(`Provider "${definition.slug}" offers no way to end a grant.`);
    }
    const url = fillTemplate(definition, template, {
      clientId: settings.clientId,
      providerUserId: grant.providerUserId,
    });
    const token = {
      token: grant.refreshToken ?? grant.accessToken,
      token_type_hint: grant.refreshToken === undefined ? 'access_token' : 'refresh_token',
    };
    if (revocation.proof === 'bearer') {
      return bearer(definition, revocation.method, url, grant);
    }
    if (revocation.proof === 'token') {
      return withForm({ method: 'POST', url, timeoutMs: timeoutOf(definition) }, token);
    }
    if (revocation.proof === 'query') {
      const parameter = `${percentEncode(revocation.parameter)}=${percentEncode(grant.accessToken)}`;
      const timeoutMs = timeoutOf(definition);
      return { method: revocation.method, url: `${url}${url.includes('?') ? '&' : '?'}${parameter}`, timeoutMs };
    }
    if (revocation.proof === 'client' && definition.oauth === '2.0') {
      const { clientAuthentication = definition.clientAuthentication } = revocation;
      return this.authenticatedForm({ ...definition, clientAuthentication }, settings, url, token);
    }
    if (revocation.proof === 'signature' && definition.oauth === '1.0a') {
      return this.signed(definition, settings, revocation.method, url, grant);
    }
    throw new Error(
      `Provider "${definition.slug}": proof "${revocation.proof}" does not go with OAuth ${definition.oauth}.`,
    );
  }

  /** Builds a form POST with the client authentication of the definition, exactly one (RFC 6749 section 2.3). */
  private async authenticatedForm(
    definition: OAuth2Definition,
    settings: ProviderSettings,
    url: string,
    fields: Readonly<Record<string, string | undefined>>,
  ): Promise<ProviderRequest> {
    const request = { method: 'POST', url, timeoutMs: timeoutOf(definition) } as const;
    const { clientId } = settings;
    switch (definition.clientAuthentication) {
      case 'basic': {
        const credentials = `${formEncode(clientId)}:${formEncode(settings.clientSecret.reveal())}`;
        const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
        return withForm({ ...request, headers: { authorization } }, fields);
      }
      case 'body':
        return withForm(request, { ...fields, client_id: clientId, client_secret: settings.clientSecret.reveal() });
      case 'none':
        return withForm(request, { ...fields, client_id: clientId });
      case 'es256-jwt': {
        const secret = await this.clientSecrets.sign(definition, settings, this.clock.now());
        return withForm(request, { ...fields, client_id: clientId, client_secret: secret });
      }
    }
  }

  /** Builds an OAuth 1.0a request with a fresh timestamp and nonce (O1-03). */
  private signed(
    definition: OAuth1Definition,
    settings: ProviderSettings,
    method: ProviderRequest['method'],
    url: string,
    grant: GrantTokens | undefined,
    extraOAuthParams: Readonly<Record<string, string>> = {},
  ): ProviderRequest {
    const authorization = signOAuth1Request({
      method,
      url,
      clientId: settings.clientId,
      clientSecret: settings.clientSecret.reveal(),
      ...(grant === undefined ? {} : { token: grant.accessToken, tokenSecret: grant.tokenSecret ?? '' }),
      signatureMethod: definition.signatureMethod,
      extraOAuthParams: { oauth_version: '1.0', ...extraOAuthParams },
      timestampSeconds: Math.floor(this.clock.now().getTime() / 1000),
      nonce: oauth1Nonce(),
    });
    return { method, url, headers: { authorization }, timeoutMs: timeoutOf(definition) };
  }

  /** Failures of the token endpoint: those that any endpoint has, then the codes of RFC 6749 section 5.2. */
  private tokenFailure(
    definition: OAuth2Definition,
    response: ProviderResponse,
    refused: (detail: string) => AppError,
  ): AppError {
    const { isJson, code, asksToRetry } = parseErrorAnswer(response, errorCodeReader(definition));
    return this.failure(definition, response, (detail) => {
      if (code === 'invalid_grant') {
        return refused(detail);
      }
      if (code === 'invalid_request') {
        return asksToRetry ? this.unavailable(definition, response, detail) : misconfigured(definition, detail);
      }
      const isOpaque = [400, 401, 403].includes(response.status) && (isJson || response.text.trim() === '');
      return isOpaque ? refused(detail) : this.unavailable(definition, response, detail);
    });
  }

  private oauth1Failure(
    definition: OAuth1Definition,
    response: ProviderResponse,
    refused: (detail: string) => AppError,
  ): AppError {
    const problem = parseOAuth1Problem(response.text);
    return this.failure(definition, response, () => {
      const detail = detailOf(response, problem);
      return problem !== undefined && clientProblems.has(problem) ? misconfigured(definition, detail) : refused(detail);
    });
  }

  /**
   * Failures that mean the same at every endpoint: rate limit, outage, conflict, our client credentials.
   *
   * @param otherwise - decides what the rest means
   */
  private failure(
    definition: ProviderDefinition,
    response: ProviderResponse,
    otherwise: (detail: string) => AppError,
  ): AppError {
    const { status } = response;
    const { code } = parseErrorAnswer(response, errorCodeReader(definition));
    const detail = detailOf(response, code);
    if (status === 429 || code === 'rate_limited') {
      return new ProviderRateLimitedError(`${definition.displayName} limits the rate of our requests. Try later.`, {
        detail,
        ...this.retryAfter(response),
      });
    }
    if (status >= 500 || [408, 409, 425].includes(status) || (code !== undefined && outageCodes.has(code))) {
      return this.unavailable(definition, response, detail);
    }
    const asksForClient = status === 401 && /(^|,)\s*basic\b/i.test(response.headers['www-authenticate'] ?? '');
    if ((asksForClient && code !== 'invalid_grant') || (code !== undefined && clientCodes.has(code))) {
      return misconfigured(definition, detail);
    }
    return otherwise(detail);
  }

  private unavailable(
    definition: ProviderDefinition,
    response: ProviderResponse,
    detail: string,
  ): ProviderUnavailableError {
    return new ProviderUnavailableError(`${definition.displayName} cannot answer at the moment. Try later.`, {
      fate: 'answered',
      detail,
      ...this.retryAfter(response),
    });
  }

  private retryAfter(response: ProviderResponse): { retryAfterSeconds?: number } {
    const retryAfterSeconds = parseRetryAfterSeconds(response.headers['retry-after'], this.clock.now());
    return retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  }
}

/** Error codes that say that the provider refuses us and not the user (RFC 6749 section 5.2). */
const clientCodes: ReadonlySet<string> = new Set([
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
]);

/** Error codes of an outage; RFC 6749 section 4.1.2.1 has them for the authorization endpoint, some token endpoints send them too. */
const outageCodes: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable', 'slow_down']);

/** `oauth_problem` values that say that the provider refuses us and not the user (OAuth Problem Reporting extension). */
const clientProblems: ReadonlySet<string> = new Set([
  'consumer_key_unknown',
  'consumer_key_rejected',
  'consumer_key_refused',
  'signature_invalid',
  'signature_method_rejected',
  'timestamp_refused',
  'version_rejected',
  'parameter_absent',
  'parameter_rejected',
]);

function isSuccess(response: ProviderResponse): boolean {
  return response.status >= 200 && response.status < 300;
}

function detailOf(response: ProviderResponse, code: string | undefined): string {
  return code === undefined ? `HTTP ${response.status}` : `HTTP ${response.status}, ${code}`;
}

function timeoutOf(definition: ProviderDefinition): number {
  return definition.oauth === '2.0' ? definition.refresh.timeoutMs : defaultTimeoutMs;
}

function misconfigured(definition: ProviderDefinition, detail: string): ProviderMisconfiguredError {
  return new ProviderMisconfiguredError(
    `${definition.displayName} refused this deployment, not the user. The operator has to check client id, client secret and URLs.`,
    { detail },
  );
}

function bearer(
  definition: ProviderDefinition,
  method: ProviderRequest['method'],
  url: string,
  grant: GrantTokens,
): ProviderRequest {
  return { method, url, headers: { authorization: `Bearer ${grant.accessToken}` }, timeoutMs: timeoutOf(definition) };
}

function withForm(
  request: ProviderRequest,
  fields: Readonly<Record<string, string | undefined>>,
): ProviderRequest & { readonly headers: Readonly<Record<string, string>> } {
  const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
  return { ...request, headers: { ...headers, ...request.headers }, body: formBody(fields) };
}

function withJson(request: ProviderRequest, json: object): ProviderRequest {
  const headers = { accept: 'application/json', 'content-type': 'application/json' };
  return { ...request, headers: { ...headers, ...request.headers }, body: JSON.stringify(json) };
}

/** Whether a successful answer carries no token of its own. */
function isExtension(response: ProviderResponse): boolean {
  const body = parseJsonBody(response);
  return typeof body === 'object' && body !== null && !('access_token' in body);
}

/** Fills `{name}` in a URL, percent-encoded. */
function fillTemplate(
  definition: ProviderDefinition,
  template: string,
  values: Readonly<Record<string, string | undefined>>,
): string {
  return template.replace(
    /\{(\w+)\}|%7B(\w+)%7D/g,
    (_match, plain: string | undefined, encoded: string | undefined) => {
      const name = plain ?? encoded ?? '';
      const value = values[name];
      if (value === undefined) {
        throw new AuthorizationFailedError(`${definition.displayName} cannot be called: the ${name} is not known.`);
      }
      return percentEncode(value);
    },
  );
}
