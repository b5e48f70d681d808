import { InvalidTokenResponseError } from '../../errors/provider.errors.js';
import { safeErrorCode } from './error-response.js';
import type { ProviderResponse } from '../http/http-message.js';
import { parseJsonBody, parseStrictForm } from './response-body.js';
import { fieldAt, ownField } from './json-field.js';

const visibleAscii = /^[\x21-\x7e]*$/;

/** A parsed OAuth 1.0a credentials response. It holds a secret: never print it. */
export interface OAuth1TokenResponse {
  readonly token: string;
  /** May be empty: RFC 5849 requires only the field. */
  readonly tokenSecret: string;
  /** `oauth_callback_confirmed` is `true`, in any case, or `1`. */
  readonly callbackConfirmed: boolean;
  /** Every other field, such as a user id. */
  readonly extras: ReadonlyMap<string, string>;
}

/**
 * Parses the form-encoded response of an OAuth 1.0a endpoint strictly. A repeated field, a field without `=` and a
 * broken escape are errors.
 *
 * @param text - the body; the content type is ignored, because providers send many
 * @throws {@link InvalidTokenResponseError} when it is no such form, `oauth_token` is missing or empty,
 *   `oauth_token_secret` is missing, or one of them is not visible ASCII
 * @see RFC 5849 section 2.1 and 2.3, https://www.rfc-editor.org/rfc/rfc5849#section-2.1
 */
export function parseOAuth1TokenResponse(text: string): OAuth1TokenResponse {
  const fields = parseStrictForm(text);
  if (fields === undefined) {
    throw new InvalidTokenResponseError('The credentials response is not a form with each field once.');
  }
  const take = (name: string, mayBeEmpty: boolean): string => {
    const value = fields.get(name);
    if (value === undefined || !visibleAscii.test(value) || (value === '' && !mayBeEmpty)) {
      throw new InvalidTokenResponseError(`The credentials response has no valid "${name}".`);
    }
    fields.delete(name);
    return value;
  };
  const token = take('oauth_token', false);
  const tokenSecret = take('oauth_token_secret', true);
  const callbackConfirmed = /^(true|1)$/i.test(fields.get('oauth_callback_confirmed') ?? '');
  return { token, tokenSecret, callbackConfirmed, extras: fields };
}

/**
 * Returns the `oauth_problem` of an OAuth 1.0a error response, if there is one in the shape of a code.
 *
 * @param response - carries it in the header `WWW-Authenticate`, in its body as a form, or in both (OAuth Problem
 *   Reporting extension)
 */
export function parseOAuth1Problem(response: Pick<ProviderResponse, 'body' | 'headers'>): string | undefined {
  const inHeader = /^OAuth\b.*\boauth_problem="([^"]*)"/i.exec(response.headers['www-authenticate'] ?? '')?.[1];
  return safeErrorCode(inHeader ?? parseStrictForm(response.body)?.get('oauth_problem'));
}

/**
 * Names the error in a body of XML or JSON, as FatSecret sends it with HTTP 200: `XML error 8`, or `JSON error` without
 * a number.
 *
 * @returns `undefined` when the body is no such error. Never free text, which may quote a signature or a token.
 */
export function parseOAuth1ErrorBody(response: Pick<ProviderResponse, 'body'>): string | undefined {
  if (/^\s*(<\?xml[^>]*>\s*)?<error\b/i.test(response.body)) {
    return named('XML', /<code>\s*(\d{1,6})\s*<\/code>/i.exec(response.body)?.[1]);
  }
  const body = parseJsonBody(response);
  return ownField(body, 'error') === undefined ? undefined : named('JSON', fieldAt(body, 'error.code'));
}

function named(shape: string, code: unknown): string {
  const number = typeof code === 'number' || typeof code === 'string' ? `${code}` : '';
  return /^\d{1,6}$/.test(number) ? `${shape} error ${number}` : `${shape} error`;
}
