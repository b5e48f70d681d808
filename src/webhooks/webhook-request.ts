import { Injectable } from '@nestjs/common';
import { Webhook } from 'standardwebhooks';
import { Clock } from '../clock/clock.js';
import { ProviderMisconfiguredError, ProviderUnavailableError } from '../errors/provider.errors.js';
import { parseRetryAfterSeconds } from '../provider-kit/http/retry-after.js';
import { WebhookHttpClient, WebhookOutboundPolicy } from './webhook-http-client.js';

/** Enough for a receiver that stores the event, responds, and works on it later. */
const timeoutMs = 15_000;
/** The body of a response is not used. */
const maxResponseBytes = 64 * 1024;

/** Result of one request to an endpoint. */
export interface WebhookResponse {
  readonly isDelivered: boolean;
  /** HTTP 410: the receiver wants no more events. */
  readonly isGone: boolean;
  readonly httpStatus: number | null;
  /** Why there was no usable response, such as `TIMEOUT`. */
  readonly errorCode: string | null;
  readonly retryAfterSeconds: number | undefined;
}

/** Sends one signed request after the Standard Webhooks specification. */
@Injectable()
export class WebhookRequest {
  constructor(
    private readonly http: WebhookHttpClient,
    private readonly policy: WebhookOutboundPolicy,
    private readonly clock: Clock,
  ) {}

  /**
   * Sends an event to a URL. Never rejects because of the receiver.
   *
   * @param url - of the endpoint
   * @param id - of the event; the receiver recognizes repetitions by it
   * @param body - JSON
   * @param secrets - each signs; two during a rotation
   * @see Standard Webhooks, https://www.standardwebhooks.com
   */
  async send(url: string, id: string, body: string, secrets: readonly string[]): Promise<WebhookResponse> {
    const objection = this.policy.check(url);
    if (objection !== undefined) {
      return failed('ADDRESS_REFUSED');
    }
    try {
      const { status, headers } = await this.http.exchange({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', ...signatureHeaders(id, this.clock.now(), body, secrets) },
        body,
        timeoutMs,
        maxResponseBytes,
      });
      return {
        isDelivered: status >= 200 && status < 300,
        isGone: status === 410,
        httpStatus: status,
        errorCode: null,
        retryAfterSeconds: parseRetryAfterSeconds(headers['retry-after'], this.clock.now()),
      };
    } catch (error) {
      if (error instanceof ProviderUnavailableError || error instanceof ProviderMisconfiguredError) {
        // `detail` is a code and, after a comma, the fate of the request.
        return failed(error.detail?.split(',')[0] ?? error.code);
      }
      throw error;
    }
  }
}

/** Returns the headers that identify and sign a message. */
export function signatureHeaders(
  id: string,
  sentAt: Date,
  body: string,
  secrets: readonly string[],
): Record<string, string> {
  const signatures = secrets.map((secret) => new Webhook(secret).sign(id, sentAt, body));
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1_000)),
    'webhook-signature': signatures.join(' '),
  };
}

function failed(errorCode: string): WebhookResponse {
  return { isDelivered: false, isGone: false, httpStatus: null, errorCode, retryAfterSeconds: undefined };
}
