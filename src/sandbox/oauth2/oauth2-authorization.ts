import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { RedirectedRefusal, Refusal, type FakeResponse } from '../http/fake-response.js';
import type { ConsentRequest } from '../consent/consent-desk.js';
import { BoundedMap } from '../grants/bounded-map.js';
import { callbackResponse } from './callback-response.js';
import { Parameters } from '../http/form.js';
import type { Grant } from '../grants/grant-book.js';
import { fragmentPage } from './fragment-page.js';
import type { IncomingCall } from '../http/incoming-call.js';
import { readChallenge } from './pkce.js';
import type { FakeContext } from '../protocol.js';
import { randomToken } from '../grants/random-token.js';
import { isAcceptedRedirectUri } from '../http/redirect-uri.js';

/** An authorization code and the values that it is bound to. */
export interface AuthorizationCode {
  readonly accountId: string;
  /** Granted by the user. */
  readonly scopes: readonly string[];
  readonly askedScopes: readonly string[];
  readonly redirectUri: string;
  readonly challenge: string | undefined;
  readonly nonce: string | undefined;
  readonly expiresAtMs: number;
  /** Set by the first exchange. */
  grant?: Grant;
}

/** The authorize endpoint (RFC 6749 section 4.1.1) and its codes. */
export class OAuth2Authorization {
  readonly #codes = new BoundedMap<AuthorizationCode>();

  constructor(
    private readonly definition: OAuth2SandboxDefinition,
    private readonly context: FakeContext,
  ) {}

  findCode(code: string): AuthorizationCode | undefined {
    return this.#codes.get(code);
  }

  /**
   * Responds with the consent page, or sends the browser back with `error`.
   *
   * @throws {@link Refusal} 400 when the client or the redirect URI is wrong, so that no stranger gets a redirect. Some
   *   providers do so on every malformed request.
   */
  start(call: IncomingCall): FakeResponse {
    if (this.definition.authorizeRoute !== undefined && call.query === '') {
      return fragmentPage(this.definition.authorizeRoute);
    }
    const query = new Parameters(call.query);
    const redirectUri = this.#redirectUri(query);
    try {
      return this.#ask(query, redirectUri, call);
    } catch (error) {
      if (!(error instanceof Refusal) || this.definition.malformedAuthorizeIsNotRedirected === true) {
        throw error;
      }
      const state = query.repeated.includes('state') ? undefined : query.find('state');
      const { error: code, description } = error;
      throw new RedirectedRefusal(
        code,
        this.#callback(redirectUri, { error: code, error_description: description, state }),
      );
    }
  }

  #callback(redirectUri: string, fields: Readonly<Record<string, string | undefined>>): FakeResponse {
    return callbackResponse(this.definition.callback ?? 'redirect', redirectUri, fields);
  }

  #redirectUri(query: Parameters): string {
    for (const name of ['client_id', 'redirect_uri']) {
      if (query.repeated.includes(name)) {
        throw new Refusal(400, 'invalid_request', `${name} is repeated`);
      }
    }
    if (query.find('client_id') !== this.context.clientId) {
      throw new Refusal(400, 'unauthorized_client', 'client_id is unknown here');
    }
    const redirectUri = query.get('redirect_uri');
    if (!isAcceptedRedirectUri(redirectUri)) {
      throw new Refusal(
        400,
        'invalid_request',
        'redirect_uri must be an absolute https URL, or http on loopback, without fragment',
      );
    }
    return redirectUri;
  }

  #ask(query: Parameters, redirectUri: string, call: IncomingCall): FakeResponse {
    query.refuseRepeated();
    if (query.get('response_type') !== 'code') {
      throw new Refusal(400, 'unsupported_response_type', 'response_type must be code');
    }
    const state = query.get('state');
    const minimum = this.definition.stateMinimumLength ?? 1;
    if (state.length < minimum) {
      throw new Refusal(400, 'invalid_request', `state must have at least ${minimum} characters`);
    }
    for (const [name, value] of Object.entries(this.definition.authorizeParams ?? {})) {
      query.demand(name, value);
    }
    const askedScopes = this.#scopes(this.#scopeParameter(query));
    const challenge = readChallenge(this.definition.pkce, query);
    const nonce = query.find('nonce');
    const request: ConsentRequest = {
      clientId: this.context.clientId,
      scopes: askedScopes,
      userPicksScopes: this.definition.userPicksScopes === true,
      approve: (accountId, scopes) => {
        const code = randomToken('code');
        const expiresAtMs = this.context.now() + this.definition.codeLifetimeSeconds * 1000;
        this.#codes.set(code, { accountId, scopes, askedScopes, redirectUri, challenge, nonce, expiresAtMs });
        const scope =
          this.definition.scopeInCallback === true ? scopes.join(this.definition.scopeSeparator) : undefined;
        return this.#callback(redirectUri, { [this.definition.codeParameter ?? 'code']: code, scope, state });
      },
      deny: () => {
        const error = this.definition.deniedError ?? 'access_denied';
        return this.#callback(redirectUri, { error, error_description: 'the user said no', state });
      },
    };
    return this.context.consent.ask(request, call);
  }

  #scopeParameter(query: Parameters): string | undefined {
    const name = this.definition.scopeParameter ?? 'scope';
    if (name !== 'scope' && query.find('scope') !== undefined) {
      throw new Refusal(400, 'invalid_request', `this provider takes ${name} instead of scope`);
    }
    return query.find(name);
  }

  #scopes(asked: string | undefined): readonly string[] {
    const known = this.definition.scopes;
    if (asked === undefined) {
      if (known.length > 0 && this.definition.omittedScopeMeansAll !== true) {
        throw new Refusal(400, 'invalid_scope', 'scope is missing');
      }
      return known;
    }
    const scopes = asked.split(this.definition.scopeSeparator);
    const unknown = scopes.filter((scope) => !known.includes(scope));
    if (unknown.length > 0) {
      throw new Refusal(400, 'invalid_scope', 'a scope is unknown, or the separator is wrong');
    }
    return [...new Set(scopes)];
  }
}
