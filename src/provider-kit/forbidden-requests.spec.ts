import { describe, expect, it } from '@jest/globals';
import { Clock } from '../clock/clock.js';
import { ProviderHttpClient } from './http/http-client.js';
import { OAuth1ProviderStrategy } from './strategies/oauth1-provider.strategy.js';
import { OAuth2ProviderStrategy } from './strategies/oauth2-provider.strategy.js';
import { readProviderSettings } from './definition/provider-settings.js';
import { exampleOAuth1, exampleOAuth2 } from './testing/example-definition.js';
import { createClient } from './client/create-client.js';

const http = new ProviderHttpClient();
const oauth1Client = createClient(exampleOAuth1, http, new Clock());
const oauth2Client = createClient(exampleOAuth2, http, new Clock());

class ExampleOAuth1Strategy extends OAuth1ProviderStrategy {
  readonly oauthClient: object = this._oauth;
}

class ExampleOAuth2Strategy extends OAuth2ProviderStrategy {
  readonly oauthClient: object = this._oauth2;
}

/** Returns the methods of a client of the `oauth` package, with what calling each without arguments throws. */
function callAll(oauthClient: object): Map<string, unknown> {
  const methods = new Map<string, unknown>();
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(oauthClient))) {
    const method = (oauthClient as Record<string, unknown>)[name];
    if (typeof method === 'function' && name !== 'constructor' && !ours.includes(name)) {
      if (!Object.hasOwn(oauthClient, name)) {
        methods.set(name, 'is as in the package');
        continue;
      }
      try {
        methods.set(name, (method as () => unknown).call(oauthClient));
      } catch (error) {
        methods.set(name, error instanceof Error ? error.message : error);
      }
    }
  }
  return methods;
}

const ours = ['getOAuthRequestToken', 'getOAuthAccessToken'];

describe('the OAuth client of a Passport strategy', () => {
  const environment = { SANDBOX_URL: 'http://127.0.0.1:1' };
  const oauth1Settings = readProviderSettings(exampleOAuth1, environment);
  const oauth2Settings = readProviderSettings(exampleOAuth2, environment);

  it.each([
    [
      'OAuth 1.0a',
      new ExampleOAuth1Strategy(exampleOAuth1, oauth1Settings, oauth1Client).oauthClient,
      ['_performSecureRequest', '_createClient', 'get', 'post', 'getProtectedResource', 'signUrl'],
    ],
    [
      'OAuth 2.0',
      new ExampleOAuth2Strategy(exampleOAuth2, oauth2Settings, oauth2Client).oauthClient,
      ['_request', '_executeRequest', 'get', 'getProtectedResource'],
    ],
  ])('refuses to send or sign anything (%s)', (_version, oauthClient, expected) => {
    const methods = callAll(oauthClient);
    expect([...methods.keys()]).toEqual(expect.arrayContaining(expected));
    for (const [name, outcome] of methods) {
      expect(outcome).toBe(`${name} of Passport's OAuth client must not be called. Use OAuth1Client or OAuth2Client.`);
    }
  });
});
