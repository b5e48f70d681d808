import type { GrantTokens } from '../health-provider.js';
import type { ProviderRequest } from '../http/http-message.js';
import {
  oauth1Nonce,
  signedOAuth1Parameters,
  signOAuth1Request,
  type OAuth1SigningRequest,
} from './oauth1-signature.js';
import { formBody } from '../http/percent-encoding.js';
import type { OAuth1Definition, OAuth1ParameterPlace } from '../definition/provider-definition.js';
import type { ClientCredentials } from '../definition/provider-settings.js';
import { requestTimeoutMs } from '../requests/request-timeout.js';

/** An OAuth 1.0a request before it is signed. */
export interface OAuth1Call {
  readonly method: ProviderRequest['method'];
  /** Absolute URL with its query. */
  readonly url: string;
  /** Token and token secret to sign with; absent when temporary credentials are requested. */
  readonly tokens?: GrantTokens;
  /** Further protocol parameters, such as `oauth_callback` and `oauth_verifier`. */
  readonly extraOAuthParams?: Readonly<Record<string, string>>;
  /** The body, only if it is sent as `application/x-www-form-urlencoded`: the signature covers it (O1-01). */
  readonly formBody?: string;
}

/**
 * Signs an OAuth 1.0a request with a fresh timestamp and nonce (O1-03). The signature is for one request with exactly
 * this method, URL and form body.
 *
 * @param definition - tells the signature method
 * @param settings - client credentials in force
 * @param call - method, URL, tokens, form body and further parameters
 * @param now - the current instant
 * @returns the value of the `Authorization` header
 * @throws Error when the URL is malformed; the message does not hold it
 * @see RFC 5849 section 3, https://www.rfc-editor.org/rfc/rfc5849#section-3
 */
export function oauth1Authorization(
  definition: OAuth1Definition,
  settings: ClientCredentials,
  call: OAuth1Call,
  now: Date,
): string {
  return signOAuth1Request(signingRequest(definition, settings, call, now));
}

function signingRequest(
  definition: OAuth1Definition,
  settings: ClientCredentials,
  call: OAuth1Call,
  now: Date,
): OAuth1SigningRequest {
  const { method, url, tokens, extraOAuthParams, formBody: body } = call;
  return {
    method,
    url,
    ...(body === undefined ? {} : { formBody: body }),
    clientId: settings.clientId,
    clientSecret: settings.clientSecret.reveal(),
    ...(tokens === undefined ? {} : { token: tokens.accessToken, tokenSecret: tokens.tokenSecret ?? '' }),
    signatureMethod: definition.signatureMethod,
    extraOAuthParams: { oauth_version: '1.0', ...extraOAuthParams },
    timestampSeconds: Math.floor(now.getTime() / 1000),
    nonce: oauth1Nonce(),
  };
}

/**
 * Builds a signed OAuth 1.0a request. It has no body except its protocol parameters, if these go there. It can be sent
 * once only.
 *
 * @param definition - tells the signature method, and sets the total time
 * @param settings, call, now - as for {@link oauth1Authorization}
 * @param place - the one place of all protocol parameters
 * @throws as {@link oauth1Authorization}
 * @see RFC 5849 section 3.5, https://www.rfc-editor.org/rfc/rfc5849#section-3.5
 */
export function oauth1Request(
  definition: OAuth1Definition,
  settings: ClientCredentials,
  call: Omit<OAuth1Call, 'formBody'>,
  now: Date,
  place: OAuth1ParameterPlace = 'header',
): ProviderRequest {
  const { method, url } = call;
  const timeoutMs = requestTimeoutMs(definition);
  if (place === 'header') {
    return { method, url, headers: { authorization: oauth1Authorization(definition, settings, call, now) }, timeoutMs };
  }
  const body = formBody(signedOAuth1Parameters(signingRequest(definition, settings, call, now)));
  return place === 'form'
    ? { method, url, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body, timeoutMs }
    : { method, url: `${url}${url.includes('?') ? '&' : '?'}${body}`, timeoutMs };
}
