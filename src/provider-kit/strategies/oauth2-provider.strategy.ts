import { randomBytes, timingSafeEqual } from 'node:crypto';
import { PassportStrategy } from '@nestjs/passport';
import OAuth2Strategy, { type StrategyOptions } from 'passport-oauth2';
import { forbidRequests } from '../forbidden-requests.js';
import { definitionInForce, type OAuth2Definition } from '../definition/provider-definition.js';
import type { OAuth2Settings } from '../definition/provider-settings.js';
import type { StrategyRequest } from './strategy-runner.js';
import type { OAuth2Client } from '../client/oauth2-client.js';
import { TokenResponse } from '../token-response.js';

/** Passport names a strategy by a constructor argument; Nest's mixin registers it under that name. */
class NamedOAuth2Strategy extends OAuth2Strategy {
  constructor(name: string, options: StrategyOptions, verify: OAuth2Strategy.VerifyFunction) {
    super(options, verify);
    this.name = name;
  }
}

type StoreCallback = (error: Error | null, state?: string) => void;
type VerifyCallback = (error: Error | null, ok: string | boolean, refusal?: { refusal: string }) => void;

/**
 * Passport's state store for a service without sessions. At the start it returns the state of the link attempt and
 * keeps the PKCE verifier with it. At the callback it compares the state and returns the verifier. Passport chooses its
 * arguments by the arity of each function.
 */
const attemptStore = {
  store(
    request: StrategyRequest,
    codeVerifier: string | undefined,
    _state: unknown,
    _meta: unknown,
    done: StoreCallback,
  ): void {
    request.secrets = { ...request.secrets, ...(codeVerifier === undefined ? {} : { codeVerifier }) };
    done(null, request.handshake.state);
  },
  verify(request: StrategyRequest, state: string | undefined, _meta: unknown, done: VerifyCallback): void {
    if (!isSameText(state ?? '', request.handshake.state)) {
      done(null, false, { refusal: 'state differs' });
      return;
    }
    done(null, request.secrets.codeVerifier ?? true);
  },
};

/**
 * The Passport strategy of an OAuth 2.0 provider, registered under its slug (RFC 6749 section 4.1, RFC 7636).
 *
 * It closes three traps of Passport. State is always on, and PKCE too if the provider takes it. {@link OAuth2Client}
 * exchanges the code, with a time limit, a size limit, the provider's client authentication and typed errors. The
 * result is the whole token response instead of two strings.
 */
export class OAuth2ProviderStrategy extends PassportStrategy(NamedOAuth2Strategy, undefined, 5) {
  private readonly definition: OAuth2Definition;

  constructor(declared: OAuth2Definition, settings: OAuth2Settings, client: OAuth2Client) {
    const definition = definitionInForce(declared, settings);
    super(definition.slug, {
      authorizationURL: settings.endpoints.authorizeUrl,
      tokenURL: settings.endpoints.tokenUrl,
      clientID: settings.clientId,
      clientSecret: '',
      callbackURL: settings.redirectUri,
      scopeSeparator: definition.scopeSeparator,
      pkce: definition.pkce !== 'unsupported',
      store: attemptStore,
      skipUserProfile: true,
    } as unknown as StrategyOptions);
    this.definition = definition;
    // Passport's own exchange has no time limit and knows one client authentication only.
    forbidRequests(this._oauth2);
    this._oauth2.getOAuthAccessToken = ((
      code: string,
      params: { redirect_uri: string; code_verifier?: string; scopes: readonly string[] },
      done: (error: unknown, accessToken?: string, refreshToken?: string, tokenResponse?: TokenResponse) => void,
    ): void => {
      const { redirect_uri: redirectUri, code_verifier: codeVerifier, scopes } = params;
      client
        .exchangeCode(definition, settings, {
          code,
          redirectUri,
          scopes,
          ...(codeVerifier === undefined ? {} : { codeVerifier }),
        })
        .then(
          (tokenResponse) => done(null, tokenResponse.accessToken, tokenResponse.refreshToken, tokenResponse),
          (error: unknown) => done(error),
        );
    }) as typeof this._oauth2.getOAuthAccessToken;
  }

  /** Passport's verify step: the token response that {@link OAuth2Client} parsed is the result. */
  validate(_accessToken: string, _refreshToken: string, tokenResponse: TokenResponse): TokenResponse {
    return tokenResponse;
  }

  /** Parameters of the authorization request beyond the standard ones. */
  override authorizationParams(options: { nonce?: string; renamedScope?: Record<string, string> }): object {
    const { nonce, renamedScope } = options;
    return { ...this.definition.extraAuthorizeParams, ...renamedScope, ...(nonce === undefined ? {} : { nonce }) };
  }

  /** Parameters of the exchange beyond the standard ones. */
  override tokenParams({ scopes }: { scopes: readonly string[] }): object {
    return { scopes };
  }

  /** Passes our typed errors on. Passport would wrap them into its own. */
  _createOAuthError(_message: string, error: Error): Error {
    return error;
  }

  /** Sends the scopes of the attempt instead of one list for all, and a nonce of its own. */
  override authenticate(request: unknown, options: object): void {
    const attempt = request as StrategyRequest;
    const { scopes, redirectUri } = attempt.handshake;
    const { scopeParameter, scopeSeparator, nonce } = this.definition;
    if (nonce === true && attempt.secrets.nonce === undefined) {
      attempt.secrets = { ...attempt.secrets, nonce: randomBytes(16).toString('base64url') };
    }
    const scopeOption =
      scopeParameter === undefined
        ? { scope: [...scopes] }
        : { renamedScope: { [scopeParameter]: scopes.join(scopeSeparator) } };
    super.authenticate(request as never, {
      ...options,
      callbackURL: redirectUri,
      scopes,
      ...(scopes.length > 0 ? scopeOption : {}),
      ...(attempt.secrets.nonce === undefined ? {} : { nonce: attempt.secrets.nonce }),
    });
  }
}

function isSameText(given: string, expected: string): boolean {
  const left = Buffer.from(given);
  const right = Buffer.from(expected);
  return left.length === right.length && timingSafeEqual(left, right);
}
