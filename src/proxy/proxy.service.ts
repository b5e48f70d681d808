import { Injectable } from '@nestjs/common';
import type { Requester } from '../audit/audit-event.js';
import { codeOf } from '../errors/app-error.js';
import { CallResponseUnusableError, ProviderUnavailableError } from '../errors/provider.errors.js';
import { RequestInvalidError } from '../errors/request.errors.js';
import { apiRequest, formOf, type ApiCall } from '../provider-kit/data-api/api-request.js';
import { apiUrl } from '../provider-kit/data-api/api-url.js';
import { DataApiClient } from '../provider-kit/data-api/data-api-client.js';
import type { HealthProvider } from '../provider-kit/health-provider.js';
import type { ProviderResponse } from '../provider-kit/http/http-message.js';
import { ProviderClocks } from '../provider-kit/oauth1/provider-clocks.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { refuseCredentials } from '../provider-kit/data-api/sent-credentials.js';
import { TokenFeedbackService } from '../tokens/token-feedback.service.js';
import { tokenFingerprint } from '../tokens/store/token-fingerprint.js';
import { TokensService, type ValidToken } from '../tokens/tokens.service.js';
import { callableBaseUrl } from './callable-api.js';
import { coverTokens } from './covered-tokens.js';
import type { ResponseReservation } from './response-memory.js';
import { passedToProvider } from './passed-headers.js';
import { proxiedCalls, proxiedCallSeconds } from './proxy.metrics.js';

/** A caller's own call to a provider's API. */
export interface CallerRequest {
  readonly method: ApiCall['method'];
  /** Path below the API's base URL, without the slash between, and query, both as received. */
  readonly target: string;
  /** As received, names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer | undefined;
}

/** The parts of a call, without the token. */
interface Sending {
  readonly provider: HealthProvider;
  readonly call: ApiCall;
  readonly reservation: ResponseReservation;
  readonly gone: AbortSignal;
}

/** Makes callers' own calls to providers' APIs with tokens that the callers do not see. */
@Injectable()
export class ProxyService {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly tokens: TokensService,
    private readonly feedback: TokenFeedbackService,
    private readonly client: DataApiClient,
    private readonly clocks: ProviderClocks,
  ) {}

  /**
   * Sends a call with the user's token, once its use is in the audit trail (LOG-06).
   *
   * The call is sent once more in two cases, and in no other:
   *
   * - The provider responds with 401, and another token is in force or a refresh brings one (TE-09).
   * - The provider refuses the time of a signature (O1-09). A refusal without a reason counts if the provider's clock
   *   is more than a minute from the signature's.
   *
   * @param userId - the company's id of the user
   * @param slug - the provider
   * @param request - without the token
   * @param requester - the caller, for the audit trail
   * @param reservation - memory for the response; taken when the call leaves
   * @param gone - aborted when the caller does not wait any more; a request that has not left by then is not sent
   * @returns the provider's response of any status, with a quoted token covered
   * @throws {@link RequestInvalidError} when path, query or form may not be sent, {@link CallUnsupportedError} when the
   *   API takes no calls
   * @throws {@link CallResponseUnusableError} on a redirect (NET-03), a response above 10 MiB, or one that cannot be
   *   read; the provider may have carried out the request nevertheless
   * @throws {@link RateLimitedError} when there is no room for its response; nothing was sent
   * @throws {@link ProviderMisconfiguredError} when the API's host may not be called, or the connection is with another
   *   server (TE-12). Also when the clock of an OAuth 1.0a provider is more than an hour from ours.
   * @throws {@link ProviderUnavailableError} when it does not respond; it may have carried out the request nevertheless
   * @throws as {@link TokensService.getValid}
   */
  async call(
    userId: string,
    slug: string,
    request: CallerRequest,
    requester: Requester,
    reservation: ResponseReservation,
    gone: AbortSignal,
  ): Promise<ProviderResponse<Buffer>> {
    const provider = this.registry.get(slug);
    const stopTimer = proxiedCallSeconds.startTimer({ provider: slug });
    try {
      const call = toApiCall(provider, request);
      const response = await this.send(userId, { provider, call, reservation, gone }, requester);
      proxiedCalls.inc({ provider: slug, outcome: `${Math.floor(response.status / 100)}xx` });
      return response;
    } catch (error) {
      proxiedCalls.inc({ provider: slug, outcome: gone.aborted ? 'abandoned' : codeOf(error) });
      throw error;
    } finally {
      stopTimer();
    }
  }

  private async send(userId: string, sending: Sending, requester: Requester): Promise<ProviderResponse<Buffer>> {
    const { slug } = sending.provider.definition;
    const getToken = (): Promise<ValidToken> => this.tokens.getValid(userId, slug, requester, [], 'request.proxied');
    const token = await getToken();
    const response = await this.exchange(sending, token);
    if (response.status !== 401) {
      return response;
    }
    const fingerprint = tokenFingerprint(token.accessToken);
    const isReplaced = await this.feedback.reportRejected(userId, slug, fingerprint, requester);
    return isReplaced ? this.exchange(sending, await getToken()) : response;
  }

  private async exchange(sending: Sending, token: ValidToken): Promise<ProviderResponse<Buffer>> {
    const { provider, call, reservation } = sending;
    provider.checkServer?.(token);
    const response = await this.sendSigned(sending, token).catch((error: unknown) => {
      throw toCallersError(error, call);
    });
    reservation.shrinkTo(response.body.length);
    if (response.status > 599) {
      const message = `${provider.definition.displayName} responded with a status that HTTP does not define.`;
      throw new CallResponseUnusableError(mayBeDone(message, call));
    }
    return coverTokens(response, token);
  }

  /** Sends a signed call. A timestamp that the provider refuses is corrected once (O1-09). */
  private sendSigned(
    { provider, call, reservation, gone }: Sending,
    token: ValidToken,
  ): Promise<ProviderResponse<Buffer>> {
    const { definition } = provider;
    const send = (now: Date): Promise<ProviderResponse<Buffer>> => {
      const request = apiRequest(provider, call, token, now);
      return this.client.exchange({ ...request, abandoned: gone, beforeSending: () => reservation.reserve() });
    };
    return definition.oauth === '1.0a' ? this.clocks.send(definition, send) : send(this.clocks.now(definition.slug));
  }
}

/** Turns the failure of a call into an error for its caller, who decides about a repetition. */
function toCallersError(error: unknown, call: ApiCall): unknown {
  if (!(error instanceof ProviderUnavailableError)) {
    return error;
  }
  const { message, detail, fate } = error;
  if (fate === 'answered') {
    return new CallResponseUnusableError(mayBeDone(message, call), { detail });
  }
  return fate === 'not-sent' ? error : new ProviderUnavailableError(mayBeDone(message, call), { detail, fate });
}

/** Adds a warning about repetition for calls that may have changed something. */
function mayBeDone(message: string, { method }: ApiCall): string {
  return method === 'GET' || method === 'HEAD'
    ? message
    : `${message} The call may have taken effect: check before you repeat it.`;
}

function toApiCall(provider: HealthProvider, { method, target, headers, body }: CallerRequest): ApiCall {
  const url = apiUrl(callableBaseUrl(provider), target);
  const { displayName, dataApi } = provider.definition;
  const call = { method, url, headers: passedToProvider(headers, dataApi?.headers ?? []), body };
  const missing = dataApi?.headers?.find((name) => call.headers[name.toLowerCase()] === undefined);
  if (missing !== undefined) {
    // The API would respond with 401, which says nothing about the token.
    throw new RequestInvalidError(`${displayName} requires the header ${missing} with your own credentials. Send it.`);
  }
  refuseCredentials(formOf(call) ?? '', 'The form');
  return call;
}
