import { sandboxHeaderValue } from '../../provider-kit/definition/provider-settings.js';
import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { AccessCheck } from './access-check.js';
import { Refusal, type FakeResponse } from '../http/fake-response.js';
import { dataResponse, isDataCall } from '../data-api/data-api.js';
import type { AccessToken } from '../grants/grant-book.js';
import { IdTokenSigner } from './id-token-signer.js';
import type { IncomingCall } from '../http/incoming-call.js';
import { OAuth2Authorization } from './oauth2-authorization.js';
import { OAuth2Revocation } from './oauth2-revocation.js';
import { OAuth2TokenEndpoint } from './oauth2-token-endpoint.js';
import { OwnEndpoints } from './own-endpoints.js';
import { ClientForms } from './oauth2-client-form.js';
import type { CallNote, Endpoint, IssuedGrant, FakeContext, Protocol } from '../protocol.js';
import { findRoute, type Route } from '../http/routing.js';

/** A fake that speaks OAuth 2.0. */
export class OAuth2Protocol implements Protocol {
  readonly #access: AccessCheck;
  readonly #own: OwnEndpoints;
  readonly #routes: readonly Route[];
  readonly #token: OAuth2TokenEndpoint;
  readonly #idTokens: IdTokenSigner | undefined;

  /** @throws Error when the definition wants a client secret that is a JWT, and names no audience */
  constructor(
    private readonly definition: OAuth2SandboxDefinition,
    private readonly context: FakeContext,
  ) {
    if (definition.clientAuthentication === 'es256-jwt' && definition.idToken === undefined) {
      throw new Error(`The fake "${context.slug}" needs idToken.issuer, the audience of the client secret.`);
    }
    const idTokens = (this.#idTokens =
      definition.idToken === undefined ? undefined : new IdTokenSigner(definition.idToken, context));
    const authorization = new OAuth2Authorization(definition, context);
    const forms = new ClientForms(definition, context);
    this.#token = new OAuth2TokenEndpoint(definition, context, forms, authorization, idTokens);
    this.#access = new AccessCheck(context.grants);
    const revocation = new OAuth2Revocation(definition, context, forms, this.#access);
    this.#own = new OwnEndpoints(definition, context, this.#access);
    // An endpoint on the path of the token endpoint gets the calls without a grant type.
    const isOurs = ({ path, body }: IncomingCall): boolean =>
      path !== definition.tokenPath || !/(^|&)grant_type=/.test(body);
    this.#routes = [
      {
        kind: 'authorize',
        method: 'GET',
        path: definition.authorizePath,
        respond: (call) => authorization.start(call),
      },
      ...[...revocation.routes, ...this.#own.routes].map((route) => ({ ...route, takes: isOurs })),
      ...this.#token.routes,
      ...(idTokens?.routes ?? []),
      ...this.#accountRoutes(),
    ];
  }

  findEndpoint(call: IncomingCall): Endpoint | undefined {
    const route = findRoute(this.#routes, call);
    if (route === undefined && isDataCall(this.definition, call)) {
      return { kind: 'api', respond: (incoming, note) => this.#api(incoming, note) };
    }
    return route;
  }

  issue(accountId: string): IssuedGrant {
    return this.#token.issueUnasked(accountId);
  }

  async signClaims(claims: Readonly<Record<string, unknown>>): Promise<string> {
    return (await this.#idTokens?.sign('', { sub: undefined, ...claims })) ?? '';
  }

  renderError(status: number, error: string, description: string, presentedToken: string): FakeResponse {
    const plain = this.definition.plainTextErrors?.[error];
    if (plain !== undefined) {
      return { status: plain.status, content: { text: plain.text, type: 'text/plain; charset=utf-8' } };
    }
    const json = this.definition.errorResponse?.(error, description, presentedToken) ?? {
      error,
      error_description: description,
    };
    return { status, content: { json } };
  }

  #api(call: IncomingCall, note: CallNote): FakeResponse {
    const { accountId } = this.#accessToken(call, note).grant;
    const { apiNeedsFact } = this.definition;
    if (apiNeedsFact !== undefined && !this.#own.isRemembered(`${apiNeedsFact}:${accountId}`)) {
      throw new Refusal(403, 'forbidden', `the account is not yet "${apiNeedsFact}"`);
    }
    return dataResponse(this.definition, call, accountId);
  }

  #accountRoutes(): Route[] {
    const { account } = this.definition;
    if (account === undefined) {
      return [];
    }
    const respond = (call: IncomingCall, note: CallNote): FakeResponse => {
      const { grant } = this.#accessToken(call, note);
      const missing = account.headers?.find((name) => call.headers[name] !== sandboxHeaderValue(this.context.slug));
      if (missing !== undefined) {
        throw new Refusal(403, 'forbidden', `the header ${missing} is missing or wrong`);
      }
      if (account.scope !== undefined && !grant.scopes.includes(account.scope)) {
        throw new Refusal(403, 'insufficient_scope', `${account.scope} was not granted`);
      }
      return { status: 200, content: { json: account.respond(grant.accountId) } };
    };
    return [{ kind: 'account', method: 'GET', path: account.path, respond }];
  }

  #accessToken(call: IncomingCall, note: CallNote): AccessToken {
    const { apiTokenParameter } = this.definition;
    return apiTokenParameter === undefined
      ? this.#access.byHeader(call, note)
      : this.#access.byQuery(call, apiTokenParameter, note);
  }
}
