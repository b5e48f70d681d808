import type { GrantTokens } from './health-provider.js';
import type { ProviderRequest } from './http-client.js';
import { oauth1Nonce, signOAuth1Request } from './oauth1-signature.js';
import type { OAuth1Definition } from './provider-definition.js';
import type { ProviderSettings } from './provider-settings.js';
import { requestTimeoutMs } from './request-timeout.js';

/** What an OAuth 1.0a request asks for, before it is signed. */
export interface OAuth1Call {
  readonly method: ProviderRequest['method'];
  /** Absolute URL with its query. */
  readonly url: string;
  /** Token and token secret to sign with; absent when temporary credentials are requested. */
  readonly grant?: GrantTokens;
  /** Further protocol parameters, such as `oauth_callback` and `oauth_verifier`. */
  readonly extraOAuthParams?: Readonly<Record<string, string>>;
  /** The body, only where it is sent as `application/x-www-form-urlencoded`: it is part of what is signed (O1-01). */
  readonly formBody?: string;
}

/**
 * Signs an OAuth 1.0a request with a fresh timestamp and nonce (O1-03): good for being sent once, with just this method, URL and
 * form body.
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
  settings: ProviderSettings,
  call: OAuth1Call,
  now: Date,
): string {
  const { method, url, grant, extraOAuthParams, formBody } = call;
  return signOAuth1Request({
    method,
    url,
    ...(formBody === undefined ? {} : { formBody }),
    clientId: settings.clientId,
    clientSecret: settings.clientSecret.reveal(),
    ...(grant === undefined ? {} : { token: grant.accessToken, tokenSecret: grant.tokenSecret ?? '' }),
    signatureMethod: definition.signatureMethod,
    extraOAuthParams: { oauth_version: '1.0', ...extraOAuthParams },
    timestampSeconds: Math.floor(now.getTime() / 1000),
    nonce: oauth1Nonce(),
  });
}

/**
 * Builds a signed OAuth 1.0a request without a body: good for being sent once.
 *
 * @param definition - tells the signature method, and sets the total time
 * @param settings, call, now - as for {@link oauth1Authorization}
 * @throws as {@link oauth1Authorization}
 */
export function oauth1Request(
  definition: OAuth1Definition,
  settings: ProviderSettings,
  call: Omit<OAuth1Call, 'formBody'>,
  now: Date,
): ProviderRequest {
  const { method, url } = call;
  const authorization = oauth1Authorization(definition, settings, call, now);
  return { method, url, headers: { authorization }, timeoutMs: requestTimeoutMs(definition) };
}
