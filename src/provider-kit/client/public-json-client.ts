import { Injectable } from '@nestjs/common';
import { Clock } from '../../clock/clock.js';
import type { ProviderDefinition } from '../definition/provider-definition.js';
import { ProviderHttpClient } from '../http/http-client.js';
import type { ProviderRequest, ProviderResponse } from '../http/http-message.js';
import { defaultTimeoutMs } from '../requests/request-timeout.js';
import {
  endpointFailure,
  isSuccessStatus,
  misconfigured,
  unavailable,
  type FailedResponse,
  type Refusal,
} from '../responses/provider-failure.js';
import { parseJsonBody } from '../responses/response-body.js';

/** Reads JSON that a provider publishes for everybody. The clients of both versions of OAuth extend it. */
@Injectable()
export class PublicJsonClient {
  constructor(
    protected readonly http: ProviderHttpClient,
    protected readonly clock: Clock,
  ) {}

  /**
   * Gets a JSON document that the provider publishes, such as a description of its endpoints. Sends no credentials.
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

  /** Returns the facts for the error of this response, with the current instant. */
  protected failed(definition: ProviderDefinition, response: ProviderResponse): FailedResponse {
    return { definition, response, now: this.clock.now() };
  }

  protected jsonOf(definition: ProviderDefinition, response: ProviderResponse, refused: Refusal): unknown {
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

/** Adds the header that asks for JSON. */
export function withAcceptJson(request: ProviderRequest): ProviderRequest {
  return { ...request, headers: { ...request.headers, accept: 'application/json' } };
}
