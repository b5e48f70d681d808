import {
  ProviderMisconfiguredError,
  ProviderUnavailableError,
  type RequestFate,
} from '../../errors/provider.errors.js';
import { addressRefused } from './outbound-policy.js';
import type { ProviderRequest } from './http-message.js';

/**
 * Builds the error from fixed text, the host and a code. The original error may quote the request, so it is left out.
 */
export function unavailable(
  host: string,
  what: string,
  fate: RequestFate,
  code: string,
  retryAfterSeconds?: number,
): ProviderUnavailableError {
  const detail = `${code}, ${fate}`;
  return new ProviderUnavailableError(`The provider at ${host} ${what}.`, { fate, detail, retryAfterSeconds });
}

/** The caller has disconnected, so no request was sent. */
export function abandoned(host: string): ProviderUnavailableError {
  return unavailable(host, 'was not called: the caller has disconnected', 'not-sent', 'ABANDONED');
}

/** The outbound policy forbids the host. Only the operator can allow it. */
export function refused(host: string, objection: string): ProviderMisconfiguredError {
  return new ProviderMisconfiguredError(`No request was sent to ${host}: it ${objection}.`, { detail: addressRefused });
}

/** The response was larger than the request allows, before or after decompression. */
export function bodyTooLarge(host: string, maxBytes: number, fate: RequestFate): ProviderUnavailableError {
  return unavailable(host, `responded with more than ${maxBytes} bytes`, fate, 'BODY_TOO_LARGE');
}

/** The fate of a request whose response cannot be read. Of a 2xx, it may have brought the only copy of new tokens. */
export function fateOfUnreadable({ mustBeRead }: Pick<ProviderRequest, 'mustBeRead'>, status: number): RequestFate {
  return mustBeRead === true && status < 300 ? 'unknown' : 'answered';
}

/** Returns an error's `code` where it has the shape of one, such as `ECONNRESET`. */
export function errorCode(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : 'UNNAMED';
}
