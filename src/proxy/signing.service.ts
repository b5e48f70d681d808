import { Injectable } from '@nestjs/common';
import type { Requester } from '../audit/audit-event.js';
import { CallUnsupportedError } from '../errors/provider.errors.js';
import { apiUrl, targetBelow } from '../provider-kit/data-api/api-url.js';
import type { ProviderRequest } from '../provider-kit/http/http-message.js';
import { oauth1Authorization } from '../provider-kit/oauth1/oauth1-request.js';
import { ProviderClocks } from '../provider-kit/oauth1/provider-clocks.js';
import { ProviderRegistry } from '../provider-kit/provider-registry.js';
import { refuseCredentials } from '../provider-kit/data-api/sent-credentials.js';
import { TokensService } from '../tokens/tokens.service.js';
import { callableBaseUrl } from './callable-api.js';

/** A request that a caller is about to send itself. */
export interface UnsignedRequest {
  readonly method: ProviderRequest['method'];
  /** Absolute, below the provider's API base URL, with its query, byte for byte as it will be sent. */
  readonly url: string;
  /** The body, if it is sent as `application/x-www-form-urlencoded`. */
  readonly form?: string | undefined;
}

/**
 * Signs callers' requests to OAuth 1.0a providers, so that no token secret leaves (O1-07). Uses the provider's clock,
 * as far as calls of this process know it (O1-09). The provider's response goes to the caller, not to us.
 */
@Injectable()
export class SigningService {
  constructor(
    private readonly registry: ProviderRegistry,
    private readonly tokens: TokensService,
    private readonly clocks: ProviderClocks,
  ) {}

  /**
   * Signs one request with the user's token, once that is in the audit trail (LOG-06).
   *
   * @param userId - the company's id of the user
   * @param slug - the provider
   * @param request - exactly as it will be sent
   * @param requester - the caller, for the audit trail
   * @returns the value of the `Authorization` header: for this request, once, within the minutes that the provider
   *   allows
   * @throws {@link CallUnsupportedError} when the provider's requests are not signed
   * @throws {@link RequestInvalidError} when the URL is not below the provider's API, or has credentials
   * @throws as {@link TokensService.getValid}
   */
  async sign(userId: string, slug: string, request: UnsignedRequest, requester: Requester): Promise<string> {
    const provider = this.registry.get(slug);
    const { definition, settings } = provider;
    if (definition.oauth !== '1.0a') {
      throw new CallUnsupportedError(
        `Requests to ${definition.displayName} are not signed. Send the request through .../proxy, or with the token of GET .../token.`,
      );
    }
    const baseUrl = callableBaseUrl(provider);
    const url = apiUrl(baseUrl, targetBelow(baseUrl, request.url));
    const { method, form } = request;
    refuseCredentials(form ?? '', 'The form');
    const tokens = await this.tokens.getValid(userId, slug, requester, [], 'request.signed');
    const call = { method, url, tokens, ...(form === undefined ? {} : { formBody: form }) };
    return oauth1Authorization(definition, settings, call, this.clocks.now(slug));
  }
}
