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
}

/**
 * Builds a signed OAuth 1.0a request without a body, with a fresh timestamp and nonce (O1-03): good for being sent once.
 *
 * @param definition - tells the signature method
 * @param settings - client credentials in force
 * @param call - method, URL, tokens and further parameters
 * @param now - the current instant
 * @throws Error when the URL is malformed; the message does not hold it
 * @see RFC 5849 section 3, https://www.rfc-editor.org/rfc/rfc5849#section-3
 */
export function oauth1Request(
  definition: OAuth1Definition,
  settings: ProviderSettings,
  call: OAuth1Call,
  now: Date,
): ProviderRequest {
  const { method, url, grant, extraOAuthParams } = call;
  const authorization = signOAuth1Request({
    method,
    url,
    clientId: settings.clientId,
    clientSecret: settings.clientSecret.reveal(),
    ...(grant === undefined ? {} : { token: grant.accessToken, tokenSecret: grant.tokenSecret ?? '' }),
    signatureMethod: definition.signatureMethod,
    extraOAuthParams: { oauth_version: '1.0', ...extraOAuthParams },
    timestampSeconds: Math.floor(now.getTime() / 1000),
    nonce: oauth1Nonce(),
  });
  return { method, url, headers: { authorization }, timeoutMs: requestTimeoutMs(definition) };
}
