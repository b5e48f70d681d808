import { createHash } from 'node:crypto';
import type { OAuth2Definition } from '../../provider-kit/definition/provider-definition.js';
import type { ProviderResponse } from '../../provider-kit/http/http-message.js';
import {
  describeStatus,
  differs,
  get,
  hasClient,
  isDiscovered,
  ok,
  probeValue,
  unknown,
  type Probe,
  type ProbeBench,
} from './probe.js';

/** Whether the authorization page can be probed. The server of a web app sees no parameters. */
function canAskForAuthorization(bench: ProbeBench): boolean {
  const { definition, settings } = bench;
  return (
    definition.oauth === '2.0' &&
    definition.authorizeRoute === undefined &&
    definition.parUrl === undefined &&
    hasClient(bench) &&
    !isDiscovered(settings.endpoints.authorizeUrl)
  );
}

/** Builds the request that a browser would send, with a state that no link has. */
function authorizationUrl(bench: ProbeBench, redirectUri: string, withChallenge: boolean): string {
  const { settings } = bench;
  const definition = bench.definition as OAuth2Definition;
  const url = new URL(settings.endpoints.authorizeUrl);
  const fields = {
    response_type: 'code',
    client_id: settings.clientId,
    redirect_uri: redirectUri,
    state: probeValue(),
    ...(settings.scopes.length === 0
      ? {}
      : { [definition.scopeParameter ?? 'scope']: settings.scopes.join(definition.scopeSeparator) }),
    ...(definition.nonce === true ? { nonce: probeValue() } : {}),
    ...(withChallenge
      ? {
          code_challenge: createHash('sha256').update(probeValue()).digest('base64url'),
          code_challenge_method: 'S256',
        }
      : {}),
    ...definition.extraAuthorizeParams,
  };
  for (const [name, value] of Object.entries(fields)) {
    url.searchParams.set(name, value);
  }
  return url.href;
}

/**
 * Returns the error with which the response sends the browser back to a redirect URI; `''` for a callback without one.
 */
function callbackError({ headers }: ProviderResponse, redirectUri: string): string | undefined {
  const { location } = headers;
  if (location === undefined || !URL.canParse(location) || !location.startsWith(redirectUri)) {
    return undefined;
  }
  const error = new URL(location).searchParams.get('error') ?? '';
  return /^[a-z_]{0,40}$/.test(error) ? error : 'an unreadable error';
}

/** The consent page, with our client and our redirect URI. */
export const authorizationProbe: Probe = {
  name: 'authorization page',
  applies: canAskForAuthorization,
  ask: async (bench) => {
    const { redirectUri } = bench.settings;
    const usesPkce = (bench.definition as OAuth2Definition).pkce !== 'unsupported';
    const response = await get(bench, authorizationUrl(bench, redirectUri, usesPkce));
    const error = callbackError(response, redirectUri);
    if (error !== undefined) {
      return differs(
        `The request is rejected${error === '' ? '' : ` with ${error}`}. Check client ID, scopes and PKCE.`,
      );
    }
    if (response.status >= 500) {
      return unknown(`The page is down: ${describeStatus(response)}.`);
    }
    return response.status >= 400
      ? differs(`The request is rejected: ${describeStatus(response)}. Check client ID and redirect URI.`)
      : ok(`The page takes our client and redirect URI: ${describeStatus(response)}.`);
  },
};

/** A redirect URI that nobody registered must not be used (RFC 9700 section 4.1). */
export const foreignRedirectProbe: Probe = {
  name: 'foreign redirect URI',
  applies: canAskForAuthorization,
  ask: async (bench) => {
    const redirectUri = `https://${probeValue()}.invalid/callback`;
    const usesPkce = (bench.definition as OAuth2Definition).pkce !== 'unsupported';
    const response = await get(bench, authorizationUrl(bench, redirectUri, usesPkce));
    if (callbackError(response, redirectUri) !== undefined) {
      return differs('The browser is sent to a redirect URI that is not registered. Codes may leak there.');
    }
    return response.status >= 400 && response.status < 500
      ? ok(`It is rejected: ${describeStatus(response)}.`)
      : unknown(`A page comes first, so nothing is known: ${describeStatus(response)}.`);
  },
};

/** PKCE parameters, if the definition declares no support. */
export const pkceProbe: Probe = {
  name: 'PKCE',
  applies: (bench) => canAskForAuthorization(bench) && (bench.definition as OAuth2Definition).pkce === 'unsupported',
  ask: async (bench) => {
    const { redirectUri } = bench.settings;
    const response = await get(bench, authorizationUrl(bench, redirectUri, true));
    const isRejected = callbackError(response, redirectUri) !== undefined || response.status >= 400;
    return isRejected && response.status < 500
      ? ok(`PKCE parameters are rejected, and none are sent: ${describeStatus(response)}.`)
      : unknown(`PKCE parameters are taken; only a link shows whether they are checked: ${describeStatus(response)}.`);
  },
};
