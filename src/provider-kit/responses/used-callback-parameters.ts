import type { OAuth2Definition, ProviderDefinition } from '../definition/provider-definition.js';

/**
 * Returns the names of the callback parameters that a provider uses. Everything else in a callback is dropped unread
 * (AR-14).
 *
 * @param definition - of the provider; `undefined` if the path names none, so that only the state identifies the link
 * @see RFC 6749 section 4.1.2 and 4.1.2.1, RFC 9207 section 2, RFC 5849 section 2.2
 */
export function usedCallbackParameters(definition: ProviderDefinition | undefined): readonly string[] {
  switch (definition?.oauth) {
    case undefined:
      return ['state'];
    case '1.0a':
      return ['state', 'oauth_token', 'oauth_verifier', 'oauth_problem', 'denied', 'error'];
    case '2.0':
      return [
        'state',
        'error',
        'iss',
        ...codeParameters(definition),
        ...(definition.grantedScopesIn === 'callback' ? ['scope'] : []),
      ];
  }
}

/** Returns the names of the parameters that may carry the code. */
export function codeParameters({ codeParameters: names }: OAuth2Definition): readonly string[] {
  return names ?? ['code'];
}
