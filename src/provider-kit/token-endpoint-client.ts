import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import type { AppError } from '../errors/app-error.js';
import { AuthorizationCodeRefusedError, AuthorizationFailedError } from '../errors/authorization.errors.js';
import {
  InvalidTokenResponseError,
  ProviderMisconfiguredError,
  ProviderRateLimitedError,
  ProviderUnavailableError,
  TokenRevokedError,
} from '../errors/provider.errors.js';
import type { GrantTokens } from './health-provider.js';
import { ProviderHttpClient, type ProviderRequest, type ProviderResponse } from './http-client.js';
import { oauth1Nonce, signOAuth1Request } from './oauth1-signature.js';
import { formBody, formEncode, percentEncode } from './percent-encoding.js';
import type { OAuth1Definition, OAuth2Definition, ProviderDefinition } from './provider-definition.js';
import type { ProviderSettings } from './provider-settings.js';
import { parseRetryAfterSeconds } from './retry-after.js';
import { TokenGrant } from './token-grant.js';
import {
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
    };
    return this.requestToken(definition, settings, fields, (detail) => {
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
   * @param refreshToken - as last issued by the provider; opaque, never logged
   * @returns the grant; its times count from the instant before the request left
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
  async refresh(definition: OAuth2Definition, settings: ProviderSettings, refreshToken: string): Promise<TokenGrant> {
    const fields = {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      scope: definition.scopeOnRefresh,
    };
    return this.requestToken(definition, settings, fields, (detail) => {
      const message = `${definition.displayName} refused the refresh token. If this is confirmed, the user has to connect again.`;
      return new TokenRevokedError(message, { detail });
    });
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
    const response = await this.http.send(this.revocationRequest(definition, settings, grant));
    if (isSuccess(response)) {
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

  private async requestToken(
    definition: OAuth2Definition,
    settings: ProviderSettings,
    fields: Readonly<Record<string, string | undefined>>,
    refused: (detail: string) => AppError,
  ): Promise<TokenGrant> {
    const requestedAt = this.clock.now();
    const response = await this.http.send(authenticatedForm(definition, settings, settings.endpoints.tokenUrl, fields));
    const isError = !isSuccess(response) || parseErrorAnswer(response, definition.parseErrorCode).code !== undefined;
    if (isError) {
      throw this.tokenFailure(definition, response, refused);
    }
    return parseTokenResponse(response, definition, requestedAt);
  }

  private revocationRequest(
    definition: ProviderDefinition,
    settings: ProviderSettings,
    grant: GrantTokens,
  ): ProviderRequest {
    const { revocation } = definition;
    const url = settings.endpoints.revokeUrl;
    if (revocation === undefined || url === undefined) {
      throw new Error(`Provider "${definition.slug}" offers no way to end a grant.`);
    }
    if (revocation.proof === 'bearer') {
      return bearer(definition, revocation.method, url, grant);
    }
    if (revocation.proof === 'query') {
      const parameter = `${percentEncode(revocation.parameter)}=${percentEncode(grant.accessToken)}`;
      const timeoutMs = timeoutOf(definition);
      return { method: revocation.method, url: `${url}${url.includes('?') ? '&' : '?'}${parameter}`, timeoutMs };
    }
    if (revocation.proof === 'client' && definition.oauth === '2.0') {
      return authenticatedForm(definition, settings, url, {
        token: grant.refreshToken ?? grant.accessToken,
        token_type_hint: grant.refreshToken === undefined ? 'access_token' : 'refresh_token',
      });
    }
    if (revocation.proof === 'signature' && definition.oauth === '1.0a') {
      return this.signed(definition, settings, revocation.method, url, grant);
    }
    throw new Error(
      `Provider "${definition.slug}": proof "${revocation.proof}" does not go with OAuth ${definition.oauth}.`,
    );
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
    const { isJson, code, asksToRetry } = parseErrorAnswer(response, definition.parseErrorCode);
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
    const parseErrorCode = definition.oauth === '2.0' ? definition.parseErrorCode : undefined;
    const { code } = parseErrorAnswer(response, parseErrorCode);
    const detail = detailOf(response, code);
    if (status === 429) {
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

/** Builds a form POST with the client authentication of the definition, exactly one (RFC 6749 section 2.3). */
function authenticatedForm(
  definition: OAuth2Definition,
  settings: ProviderSettings,
  url: string,
  fields: Readonly<Record<string, string | undefined>>,
): ProviderRequest {
  const clientSecret = settings.clientSecret.reveal();
  const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
  const timeoutMs = timeoutOf(definition);
  switch (definition.clientAuthentication) {
    case 'basic': {
      const credentials = `${formEncode(settings.clientId)}:${formEncode(clientSecret)}`;
      const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
      return { method: 'POST', url, headers: { ...headers, authorization }, body: formBody(fields), timeoutMs };
    }
    case 'body': {
      const body = formBody({ ...fields, client_id: settings.clientId, client_secret: clientSecret });
      return { method: 'POST', url, headers, body, timeoutMs };
    }
    case 'none':
      return { method: 'POST', url, headers, body: formBody({ ...fields, client_id: settings.clientId }), timeoutMs };
  }
}
