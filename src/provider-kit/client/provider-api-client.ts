import { Injectable } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import { AuthorizationFailedError } from '../../errors/authorization.errors.js';
import { bearerJsonRequest, bearerRequest } from '../requests/bearer-request.js';
import { ClientAuthentication } from '../oauth2/client-authentication.js';
import type { GrantTokens } from '../health-provider.js';
import { ProviderHttpClient, type ProviderRequest, type ProviderResponse } from '../http/http-client.js';
import { oauth1Request } from '../oauth1/oauth1-request.js';
import { ProviderClocks } from '../oauth1/provider-clocks.js';
import type { OAuth2Definition, ProviderDefinition } from '../definition/provider-definition.js';
import {
  endpointFailure,
  isFailure,
  isSuccessStatus,
  misconfigured,
  refusal,
  unavailable,
  type FailedResponse,
  type Refusal,
} from '../responses/provider-failure.js';
import type { ProviderSettings } from '../definition/provider-settings.js';
import type { Secret } from '../definition/secret.js';
import { defaultTimeoutMs } from '../requests/request-timeout.js';
import { parseJsonBody } from '../responses/response-body.js';

/**
 * Talks to the endpoints of a provider that are none of OAuth's: its account, what it wants done for a link, what it publishes.
 *
 * The part of `TokenEndpointClient` that returns JSON and not token responses; providers inject that. `@Injectable()` is here for the sake of the
 * constructor, whose parameter types Nest reads where it is declared.
 */
@Injectable()
export abstract class ProviderApiClient {
  protected readonly clientAuthentication = new ClientAuthentication();

  constructor(
    protected readonly http: ProviderHttpClient,
    protected readonly clock: Clock,
    protected readonly clocks: ProviderClocks = new ProviderClocks(clock),
  ) {}

  /** The current instant, by the clock of the deployment: for what a provider's own calls have to tell. */
  now(): Date {
    return this.clock.now();
  }

  /**
   * Gets a JSON document of the user's from the provider's API, such as the account.
   *
   * @param definition - the provider's facts; its OAuth version decides between a bearer token and a signature
   * @param settings - client credentials in force
   * @param url - absolute URL below the provider's API
   * @param tokens - the tokens in force; `tokenSecret` is needed for OAuth 1.0a
   * @returns the parsed JSON, unchecked
   * @throws {@link AuthorizationFailedError} when the provider refuses the token or the call (any other 4xx); `rejectsToken` on 401
   * @throws {@link ProviderMisconfiguredError} when it refuses our client, signature or clock
   * @throws {@link ProviderRateLimitedError} on HTTP 429; has `retryAfterSeconds` if the provider sent it
   * @throws {@link ProviderUnavailableError} when there is no response, or HTTP 5xx, 408, 409, 410, 425, or no JSON
   */
  async getJson(
    definition: ProviderDefinition,
    settings: ProviderSettings,
    url: string,
    tokens: GrantTokens,
  ): Promise<unknown> {
    const response =
      definition.oauth === '1.0a'
        ? await this.clocks.send(definition, (now) =>
            this.http.send(withAcceptJson(oauth1Request(definition, settings, { method: 'GET', url, tokens }, now))),
          )
        : await this.http.send(withAcceptJson(bearerRequest(definition, 'GET', url, tokens), settings.accountHeaders));
    const message = `${definition.displayName} rejected the access token at its API. Start a new link.`;
    const rejectsToken = response.status === 401;
    return this.jsonOf(
      definition,
      response,
      (detail) => new AuthorizationFailedError(message, { detail, rejectsToken }),
    );
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
   * @throws {@link ProviderUnavailableError} when there is no response, or HTTP 5xx, 408, 409, 410, 425, or no JSON
   */
  async getPublicJson(definition: ProviderDefinition, url: string, timeoutMs = defaultTimeoutMs): Promise<unknown> {
    const response = await this.http.send(withAcceptJson({ method: 'GET', url, timeoutMs }));
    return this.jsonOf(definition, response, misconfigured(definition));
  }

  /**
   * Posts to an endpoint of the provider's own: JSON with the user's bearer token, or a form with our client authentication.
   *
   * @param request - `url`, `accepted` HTTP statuses beside 2xx, and either `tokens` and `json` or the form's `fields`
   * @returns the parsed JSON, unchecked; `undefined` when the response has none
   * @throws {@link AuthorizationFailedError} when the provider refuses the call
   * @throws the errors that any endpoint has: misconfigured, rate limited, unavailable
   */
  async post(
    definition: OAuth2Definition,
    settings: ProviderSettings,
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

  /**
   * Gets the keys that the provider signs its ID tokens with. No credentials are sent.
   *
   * @param definition - the provider's facts
   * @param url - absolute URL of the JSON Web Key Set
   * @returns the parsed JSON, unchecked
   * @throws {@link ProviderUnavailableError} when there is no response, or one that is not HTTP 2xx with JSON
   * @see RFC 7517 section 5, https://www.rfc-editor.org/rfc/rfc7517#section-5
   */
  protected async getSigningKeys(definition: OAuth2Definition, url: string): Promise<unknown> {
    const headers = { accept: 'application/json' };
    const response = await this.http.send({ method: 'GET', url, headers, timeoutMs: defaultTimeoutMs });
    const keys = isSuccessStatus(response) ? parseJsonBody(response) : undefined;
    if (keys === undefined) {
      const detail = `HTTP ${response.status} instead of signing keys`;
      throw unavailable(this.failed(definition, response), detail);
    }
    return keys;
  }

  /** Returns what the errors for this response are made of, as of now. */
  protected failed(definition: ProviderDefinition, response: ProviderResponse): FailedResponse {
    return { definition, response, now: this.clock.now() };
  }

  private jsonOf(definition: ProviderDefinition, response: ProviderResponse, refused: Refusal): unknown {
    if (!isSuccessStatus(response)) {
      throw endpointFailure(this.failed(definition, response), refused);
    }
    const body = parseJsonBody(response);
    if (body === undefined) {
      throw unavailable(this.failed(definition, response), `HTTP ${response.status}, not JSON`);
    }
    return body;
  }
}

/** @param secrets - further headers, such as the operator's API key */
function withAcceptJson(request: ProviderRequest, secrets: Readonly<Record<string, Secret>> = {}): ProviderRequest {
  const headers: Record<string, string> = { ...request.headers, accept: 'application/json' };
  for (const [name, secret] of Object.entries(secrets)) {
    headers[name] = secret.reveal();
  }
  return { ...request, headers };
}
