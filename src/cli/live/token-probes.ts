import { codeOf } from '../../errors/app-error.js';
import { Secret } from '../../provider-kit/definition/secret.js';
import type { OAuthClient } from '../../provider-kit/client/oauth-client.js';
import type { OAuth2Definition, ProviderDefinition } from '../../provider-kit/definition/provider-definition.js';
import type { OAuth2Settings, ProviderSettings } from '../../provider-kit/definition/provider-settings.js';
import {
  describeError,
  describeStatus,
  differs,
  get,
  hasClient,
  isDiscovered,
  isOAuth1,
  isOAuth2,
  ok,
  probeValue,
  unknown,
  type Observation,
  type Probe,
  type ProbeBench,
} from './probe.js';

const withoutClient = unknown(
  'This needs our client secret: use --with-client, and set the credentials of the provider.',
);

/** Runs a call that the provider must reject, and compares our reading of the rejection. */
async function expectRejection(call: Promise<unknown>, wanted: string, meaning: string): Promise<Observation> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason ?? new Error('rejected with nothing'),
  );
  if (error === undefined) {
    return differs('The provider accepted what it cannot know.');
  }
  if (/HTTP (3\d\d|404|405|410)\b/.test(describeError(error)) && codeOf(error) !== wanted) {
    return differs(`The endpoint is not at the declared URL: ${describeError(error)}.`);
  }
  if (codeOf(error) === wanted) {
    return ok(`It is rejected, and read as ${meaning}: ${describeError(error)}.`);
  }
  return ['PROVIDER_UNAVAILABLE', 'PROVIDER_RATE_LIMITED', 'INTERNAL_ERROR'].includes(codeOf(error))
    ? unknown(`The response does not say why: ${describeError(error)}.`)
    : differs(`It is not read as ${meaning} but as ${describeError(error)}.`);
}

function hasKnownTokenUrl(bench: ProbeBench): bench is ProbeBench<OAuth2Definition> {
  return isOAuth2(bench) && !isDiscovered(bench.settings.endpoints.tokenUrl);
}

function maySendSecret(bench: ProbeBench): boolean {
  return bench.withClient && hasClient(bench);
}

function exchange(bench: ProbeBench, change: Partial<OAuth2Settings>): Promise<unknown> {
  if (!isOAuth2(bench)) {
    throw new Error('Only OAuth 2.0 has authorization codes.');
  }
  const { definition, client } = bench;
  const settings = { ...bench.settings, ...change };
  const pkce = definition.pkce === 'unsupported' ? {} : { codeVerifier: probeValue() };
  const { redirectUri, scopes } = settings;
  return client.exchangeCode(definition, settings, { code: probeValue(), redirectUri, scopes, ...pkce });
}

/** A client that does not exist. A client that signs is left out, because the probe would use our own key. */
export const wrongClientProbe: Probe = {
  name: 'wrong client',
  applies: (bench) =>
    hasKnownTokenUrl(bench) && !['es256-jwt', 'private_key_jwt'].includes(bench.definition.clientAuthentication),
  ask: (bench) => {
    const wrong = { clientId: probeValue(), clientSecret: new Secret(probeValue()) };
    return expectRejection(exchange(bench, wrong), 'PROVIDER_MISCONFIGURED', 'a mistake of this deployment');
  },
};

/** Our client, with a code that nobody issued. */
export const randomCodeProbe: Probe = {
  name: 'random code',
  applies: hasKnownTokenUrl,
  ask: (bench) =>
    maySendSecret(bench)
      ? expectRejection(exchange(bench, {}), 'AUTHORIZATION_CODE_REFUSED', 'a code that is no good')
      : Promise.resolve(withoutClient),
};

/** The error that means a dead grant. */
export const randomRefreshProbe: Probe = {
  name: 'random refresh token',
  applies: (bench) => hasKnownTokenUrl(bench) && bench.definition.noRefreshToken !== true,
  ask: (bench) => {
    if (!maySendSecret(bench) || !isOAuth2(bench)) {
      return Promise.resolve(withoutClient);
    }
    const { definition, client, settings } = bench;
    const tokens = { accessToken: probeValue(), refreshToken: probeValue() };
    return expectRejection(client.refresh(definition, settings, tokens), 'TOKEN_REVOKED', 'a dead grant');
  },
};

/** A token that nobody issued: success and rejection are both usual (RFC 7009 section 2.2). */
export const randomRevocationProbe: Probe = {
  name: 'random revocation',
  applies: ({ definition, settings }) => {
    const { revokeUrl } = settings.endpoints;
    return definition.revocation !== undefined && revokeUrl !== undefined && !isDiscovered(revokeUrl);
  },
  ask: async (bench) => {
    const { definition, settings } = bench;
    const client: OAuthClient<ProviderDefinition> = bench.client;
    const { proof } = definition.revocation ?? {};
    if (proof === 'custom') {
      return unknown('The provider has a call of its own, which is not sent.');
    }
    if (['client', 'signature'].includes(proof ?? '') && !maySendSecret(bench)) {
      return withoutClient;
    }
    const tokens = {
      accessToken: probeValue(),
      refreshToken: undefined,
      tokenSecret: probeValue(),
      providerUserId: probeValue(),
    };
    try {
      await client.revoke(definition, settings, tokens);
      return ok('An unknown token counts as revoked.');
    } catch (error) {
      const code = codeOf(error);
      if (code === 'PROVIDER_MISCONFIGURED') {
        return differs(`The call is read as a mistake of this deployment: ${describeError(error)}.`);
      }
      return code === 'AUTHORIZATION_FAILED'
        ? ok(`An unknown token is rejected: ${describeError(error)}.`)
        : unknown(`The response does not say why: ${describeError(error)}.`);
    }
  },
};

/** The account call, with a token that nobody issued. */
export const accountProbe: Probe = {
  name: 'account call',
  applies: ({ definition }) => definition.account.from === 'api',
  ask: async (bench) => {
    const { definition, settings } = bench;
    const client: OAuthClient<ProviderDefinition> = bench.client;
    const { accountUrl } = settings.endpoints;
    if (definition.oauth === '1.0a' && !maySendSecret(bench)) {
      return withoutClient;
    }
    const tokens = { accessToken: probeValue(), refreshToken: undefined, tokenSecret: probeValue() };
    const sent: ProviderSettings = maySendSecret(bench) ? settings : { ...settings, accountHeaders: {} };
    const error: unknown = await client.getJson(definition, sent, accountUrl ?? '', tokens).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error === undefined) {
      return differs('The provider serves an account for an unknown token.');
    }
    const seen = describeError(error);
    if (/HTTP (404|405|410)/.test(seen)) {
      return differs(`There is no such call: ${seen}.`);
    }
    return /HTTP (400|401|403)/.test(seen)
      ? ok(`An unknown token is rejected: ${seen}.`)
      : unknown(`The response does not say why: ${seen}.`);
  },
};

/** The base of the API, with a token that nobody issued. */
export const apiProbe: Probe = {
  name: 'API base',
  applies: ({ definition }) => definition.oauth === '2.0' && definition.apiBaseUrl !== undefined,
  ask: async (bench) => {
    const response = await get(bench, bench.settings.endpoints.apiBaseUrl ?? '', {
      authorization: `Bearer ${probeValue()}`,
    });
    if (response.status === 410) {
      return differs('The API is gone: HTTP 410.');
    }
    return response.status === 401 || response.status === 403
      ? ok(`An unknown token is rejected: ${describeStatus(response)}.`)
      : unknown(`The base itself may be no resource: ${describeStatus(response)}.`);
  },
};

/** Temporary credentials, which bind nobody and end by themselves. */
export const requestTokenProbe: Probe = {
  name: 'request token',
  applies: isOAuth1,
  ask: async (bench) => {
    if (!isOAuth1(bench) || !maySendSecret(bench)) {
      return withoutClient;
    }
    const { definition, client, settings } = bench;
    try {
      await client.temporaryCredentials(definition, settings, settings.redirectUri);
      return ok('Temporary credentials are issued for our signature and redirect URI.');
    } catch (error) {
      return codeOf(error) === 'PROVIDER_UNAVAILABLE'
        ? unknown(`The response does not say why: ${describeError(error)}.`)
        : differs(`Temporary credentials are not issued: ${describeError(error)}.`);
    }
  },
};

/** Our consumer key with another secret. So only a public name of ours is sent. */
export const wrongSignatureProbe: Probe = {
  name: 'wrong signature',
  applies: isOAuth1,
  ask: (bench) => {
    if (!isOAuth1(bench) || !hasClient(bench)) {
      return Promise.resolve(unknown('This needs our client ID: set the credentials of the provider.'));
    }
    const { definition, client, settings } = bench;
    const wrong = { ...settings, clientSecret: new Secret(probeValue()) };
    const call = client.temporaryCredentials(definition, wrong, settings.redirectUri);
    return expectRejection(call, 'PROVIDER_MISCONFIGURED', 'a mistake of this deployment');
  },
};
