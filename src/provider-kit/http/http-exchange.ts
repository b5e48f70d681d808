import type { Dispatcher } from 'undici';
import type { RequestFate } from '../../errors/provider.errors.js';
import { abandoned, bodyTooLarge, errorCode, fateOfUnreadable, refused, unavailable } from './http-errors.js';
import type { ProviderRequest, ProviderResponse } from './http-message.js';
import type { PooledRequest } from './origin-connections.js';
import { addressRefused } from './outbound-policy.js';

/** The limits of a response. */
interface ResponseTerms {
  readonly maxResponseBytes: number;
  readonly mayBeUnmodified: boolean;
  readonly mayRedirect: boolean;
}

/**
 * Follows one request from the queue to the last byte of its response.
 *
 * It uses `dispatch`, because `undici.request` does not say whether the request left, and cannot be canceled while it
 * connects.
 */
export class Exchange implements PooledRequest {
  readonly response: Promise<ProviderResponse<Buffer>>;
  readonly #resolve: (response: ProviderResponse<Buffer>) => void;
  readonly #reject: (error: Error) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbandoned = (): void => this.#fail(abandoned(this.host));
  readonly #onPatienceOver = (): void => afterReading(() => this.#giveUp());
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #over = false;
  #status = 0;
  #headers: Record<string, string | undefined> = {};
  #bodyBytes = 0;

  constructor(
    private readonly host: string,
    private readonly request: Pick<
      ProviderRequest,
      'timeoutMs' | 'patience' | 'abandoned' | 'beforeSending' | 'mustBeRead'
    >,
    private readonly terms: ResponseTerms,
  ) {
    const { promise, resolve, reject } = Promise.withResolvers<ProviderResponse<Buffer>>();
    this.response = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => afterReading(() => this.#onTimeout()), request.timeoutMs);
    request.abandoned?.addEventListener('abort', this.#onAbandoned);
  }

  isOver(): boolean {
    return this.#over;
  }

  /** Called right before the request is written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#over || this.#controller !== undefined) {
      controller.abort(new Error('Canceled before it was sent, or sent already.'));
      return;
    }
    try {
      this.request.beforeSending?.();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error('A value that is not an Error was thrown.'));
      controller.abort(new Error('Must not be sent.'));
      return;
    }
    this.#controller = controller;
    this.request.abandoned?.removeEventListener('abort', this.#onAbandoned);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: WireHeaders): void {
    const { mayBeUnmodified, mayRedirect } = this.terms;
    if (status >= 300 && status < 400 && !mayRedirect && !(status === 304 && mayBeUnmodified)) {
      this.#fail(
        unavailable(this.host, 'responded with a redirect, which is not followed', 'answered', `HTTP ${status}`),
      );
      return;
    }
    this.#status = status;
    this.#headers = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name.toLowerCase(),
        Array.isArray(value) ? value.join(', ') : value,
      ]),
    );
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes > this.terms.maxResponseBytes) {
      const fate = fateOfUnreadable(this.request, this.#status);
      this.#fail(bodyTooLarge(this.host, this.terms.maxResponseBytes, fate));
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#end();
    this.#resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) });
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const code = errorCode(error);
    if (code === 'UND_ERR_INVALID_ARG') {
      this.#fail(
        new Error(
          `The request to ${this.host} cannot be sent: a header or the URL has characters that HTTP does not allow.`,
        ),
      );
      return;
    }
    if (code === addressRefused) {
      this.#fail(refused(this.host, error.message));
      return;
    }
    this.#fail(unavailable(this.host, 'could not be reached', this.#fate(), code));
  }

  #onTimeout(): void {
    const { patience } = this.request;
    if (patience === undefined || patience.signal.aborted || this.#controller === undefined) {
      this.#giveUp();
    } else if (!this.#over) {
      patience.signal.addEventListener('abort', this.#onPatienceOver);
      patience.onOverdue();
    }
  }

  #giveUp(): void {
    this.#fail(unavailable(this.host, 'did not respond in time', this.#fate(), 'TIMEOUT'));
  }

  #fate(): RequestFate {
    return this.#controller === undefined ? 'not-sent' : 'unknown';
  }

  #fail(error: Error): void {
    if (this.#over) {
      return;
    }
    this.#end();
    this.#reject(error);
    this.#controller?.abort(new Error('Canceled.'));
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.request.patience?.signal.removeEventListener('abort', this.#onPatienceOver);
    this.request.abandoned?.removeEventListener('abort', this.#onAbandoned);
  }
}

/**
 * Calls back after the sockets were read. After a stall of this process timers run first, and a response that has
 * arrived would be lost.
 */
function afterReading(giveUp: () => void): void {
  setImmediate(giveUp);
}

type WireHeaders = Readonly<Record<string, string | string[] | undefined>>;
