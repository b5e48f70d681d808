import { PassportStrategy } from '@nestjs/passport';
import OAuth1Strategy from 'passport-oauth1';
import { forbidRequests } from '../forbidden-requests.js';
import type { OAuth1Definition } from '../definition/provider-definition.js';
import type { OAuth1Settings } from '../definition/provider-settings.js';
import type { StrategyRequest } from './strategy-runner.js';
import type { OAuth1Client } from '../client/oauth1-client.js';
import { TokenResponse } from '../token-response.js';

class NamedOAuth1Strategy extends OAuth1Strategy {
  constructor(name: string, options: OAuth1Strategy.Options, verify: OAuth1Strategy.Verify) {
    super(options, verify);
    this.name = name;
  }
}

type Done = (error: Error | null, secret?: string | false, refusal?: { refusal: string }) => void;

/**
 * Passport's request-token store for a service without sessions. The temporary credentials are kept with the link
 * attempt, which the caller seals. Only the token of the same attempt is accepted back (O1-05).
 */
const attemptStore = {
  set(request: StrategyRequest, token: string, tokenSecret: string, _meta: unknown, done: Done): void {
    request.secrets = { temporaryToken: token, temporaryTokenSecret: tokenSecret };
    done(null);
  },
  get(request: StrategyRequest, token: string, _meta: unknown, done: Done): void {
    const { temporaryToken, temporaryTokenSecret } = request.secrets;
    if (temporaryTokenSecret === undefined || token !== temporaryToken) {
      done(null, false, { refusal: 'oauth_token does not belong to this link' });
      return;
    }
    done(null, temporaryTokenSecret);
  },
  destroy(_request: StrategyRequest, _token: string, done: Done): void {
    done(null);
  },
};

/**
 * The Passport strategy of an OAuth 1.0a provider, registered under its slug (RFC 5849 section 2).
 *
 * It closes three traps of Passport. {@link OAuth1Client} signs and sends the requests, with a time limit, a size
 * limit, a signature exact to section 3.4 and typed errors. An unconfirmed callback ends the attempt instead of falling
 * back to OAuth 1.0. The callback's token is compared with the attempt's.
 */
export class OAuth1ProviderStrategy extends PassportStrategy(NamedOAuth1Strategy, undefined, 5) {
  constructor(definition: OAuth1Definition, settings: OAuth1Settings, client: OAuth1Client) {
    super(definition.slug, {
      requestTokenURL: settings.endpoints.requestTokenUrl,
      accessTokenURL: settings.endpoints.accessTokenUrl,
      userAuthorizationURL: settings.endpoints.authorizeUrl,
      consumerKey: settings.clientId,
      consumerSecret: '',
      callbackURL: settings.redirectUri,
      requestTokenStore: attemptStore,
      skipUserProfile: true,
    });
    forbidRequests(this._oauth);
    this._oauth.getOAuthRequestToken = (params, done): void => {
      client.temporaryCredentials(definition, settings, params.oauth_callback).then(
        ({ token, tokenSecret }) => done(null, token, tokenSecret, { oauth_callback_confirmed: 'true' }),
        (error: unknown) => done(error),
      );
    };
    this._oauth.getOAuthAccessToken = (token, tokenSecret, verifier, done): void => {
      client.tokenCredentials(definition, settings, { token, tokenSecret, verifier }).then(
        (tokenResponse) => done(null, tokenResponse.accessToken, tokenResponse.tokenSecret, tokenResponse),
        (error: unknown) => done(error),
      );
    };
  }

  /** Passport's verify step: the token response that {@link OAuth1Client} parsed is the result. */
  validate(_token: string, _tokenSecret: string, tokenResponse: TokenResponse): TokenResponse {
    return tokenResponse;
  }

  /** Passes our typed errors on. Passport would wrap them into its own. */
  _createOAuthError(_message: string, error: Error): Error {
    return error;
  }

  /** Adds the state to the callback's URL, because OAuth 1.0a has none. */
  override authenticate(request: StrategyRequest, options: object): void {
    super.authenticate(request, { ...options, callbackURL: request.handshake.redirectUri });
  }
}
