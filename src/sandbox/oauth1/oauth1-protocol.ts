import type { OAuth1SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { appendQuery, redirect, Refusal, type FakeResponse } from '../http/fake-response.js';
import type { ConsentRequest } from '../consent/consent-desk.js';
import { BoundedMap } from '../grants/bounded-map.js';
import { dataResponse, isDataCall } from '../data-api/data-api.js';
import { Parameters } from '../http/form.js';
import type { AccessToken } from '../grants/grant-book.js';
import type { IncomingCall } from '../http/incoming-call.js';
import { OAuth1Problem, OAuth1Verifier, type ParameterPlace } from './oauth1-verifier.js';
import type { CallNote, Endpoint, FakeContext, Protocol } from '../protocol.js';
import { equalSecrets, randomToken } from '../grants/random-token.js';
import { isAcceptedRedirectUri } from '../http/redirect-uri.js';
import { onlyMethod } from '../http/routing.js';

/** Temporary credentials (RFC 5849 section 2.1) and their state. */
interface RequestToken {
  readonly value: string;
  readonly secret: string;
  readonly callback: string;
  readonly expiresAtMs: number;
  state: 'fresh' | 'asked' | 'approved' | 'denied' | 'used';
  verifier: string;
  accountId: string;
}

/** No provider here publishes it. This is the longest lifetime of an OAuth 2.0 code. */
const requestTokenLifetimeSeconds = 600;

/** A fake that speaks OAuth 1.0a. */
export class OAuth1Protocol implements Protocol {
  readonly #requestTokens = new BoundedMap<RequestToken>();
  readonly #verifier: OAuth1Verifier;

  constructor(
    private readonly definition: OAuth1SandboxDefinition,
    private readonly context: FakeContext,
  ) {
    this.#verifier = new OAuth1Verifier(definition.signatureMethod, context.now);
  }

  findEndpoint(call: IncomingCall): Endpoint | undefined {
    const { definition } = this;
    if (call.path === definition.requestTokenPath) {
      onlyMethod(call, 'POST');
      return { kind: 'request_token', respond: (incoming) => this.#issueRequestToken(incoming) };
    }
    if (call.path === definition.authorizePath) {
      onlyMethod(call, 'GET');
      return { kind: 'authorize', respond: (incoming) => this.#authorize(incoming) };
    }
    if (call.path === definition.accessTokenPath) {
      onlyMethod(call, 'POST');
      return { kind: 'access_token', respond: (incoming, note) => this.#exchange(incoming, note) };
    }
    if (call.path === definition.revoke?.path) {
      onlyMethod(call, definition.revoke.method);
      return { kind: 'revoke', respond: (incoming, note) => this.#revoke(incoming, note) };
    }
    if (call.path === definition.exchange?.path) {
      onlyMethod(call, 'POST');
      return { kind: 'exchange', respond: (incoming, note) => this.#exchangeGrant(incoming, note) };
    }
    if (call.path === definition.account?.path) {
      onlyMethod(call, 'GET');
      return { kind: 'account', respond: (incoming, note) => this.#account(incoming, note) };
    }
    if (isDataCall(definition, call)) {
      return { kind: 'api', respond: (incoming, note) => this.#api(incoming, note) };
    }
    return undefined;
  }

  renderError(status: number, error: string, description: string): FakeResponse {
    return { status, content: { form: { oauth_problem: error, oauth_problem_advice: description } } };
  }

  #issueRequestToken(call: IncomingCall): FakeResponse {
    const parameters = this.#verify(call, () => undefined, this.definition.tokenParametersIn);
    const callback = parameters.get('oauth_callback');
    if (callback === undefined || callback === '') {
      throw unauthorized('parameter_absent');
    }
    if (!isAcceptedRedirectUri(callback)) {
      throw unauthorized('parameter_rejected');
    }
    const token: RequestToken = {
      value: randomToken('qt'),
      secret: randomToken('qs'),
      callback,
      expiresAtMs: this.context.now() + requestTokenLifetimeSeconds * 1000,
      state: 'fresh',
      verifier: '',
      accountId: '',
    };
    this.#requestTokens.set(token.value, token);
    const form = { oauth_token: token.value, oauth_token_secret: token.secret, oauth_callback_confirmed: 'true' };
    return { status: 200, content: { form } };
  }

  #authorize(call: IncomingCall): FakeResponse {
    const query = new Parameters(call.query);
    query.refuseRepeated();
    const token = this.#findRequestToken(query.get('oauth_token'));
    if (token === undefined || (token.state !== 'fresh' && token.state !== 'asked')) {
      throw new Refusal(400, 'token_rejected', 'oauth_token is unknown, expired or already answered');
    }
    token.state = 'asked';
    const request: ConsentRequest = {
      clientId: this.context.clientId,
      scopes: [],
      userPicksScopes: false,
      approve: (accountId) => {
        this.#decide(token, 'approved');
        token.accountId = accountId;
        token.verifier = randomToken('ov');
        return redirect(appendQuery(token.callback, { oauth_token: token.value, oauth_verifier: token.verifier }));
      },
      deny: () => {
        this.#decide(token, 'denied');
        return redirect(appendQuery(token.callback, { denied: token.value }));
      },
    };
    return this.context.consent.ask(request, call);
  }

  /** Records the user's decision. The page may have been opened twice; only the first decision counts. */
  #decide(token: RequestToken, state: 'approved' | 'denied'): void {
    if (token.state !== 'asked') {
      throw new Refusal(400, 'token_rejected', 'this request was already answered');
    }
    token.state = state;
  }

  #exchange(call: IncomingCall, note: CallNote): FakeResponse {
    const findSecret = (value: string): string | undefined => this.#findRequestToken(value)?.secret;
    const parameters = this.#verify(call, findSecret, this.definition.tokenParametersIn);
    const token = this.#findRequestToken(parameters.get('oauth_token') ?? '');
    if (token === undefined) {
      throw unauthorized('token_rejected');
    }
    if (token.state === 'used') {
      throw unauthorized('token_used');
    }
    if (token.state !== 'approved') {
      throw unauthorized('permission_denied');
    }
    const verifier = parameters.get('oauth_verifier');
    if (verifier === undefined || verifier === '') {
      throw unauthorized('parameter_absent');
    }
    if (!equalSecrets(verifier, token.verifier)) {
      throw unauthorized('verifier_invalid');
    }
    token.state = 'used';
    const { grants } = this.context;
    const grant = grants.open(token.accountId, []);
    note.familyId = grant.familyId;
    const access = grants.issueAccessToken(grant, Infinity, randomToken('ts'));
    const extras = this.definition.tokenResponseExtras?.(token.accountId) ?? {};
    const form = { oauth_token: access.value, oauth_token_secret: access.secret, ...extras };
    return { status: 200, content: { form } };
  }

  #api(call: IncomingCall, note: CallNote): FakeResponse {
    const token = this.#signedToken(call, note);
    return dataResponse(this.definition, call, token.grant.accountId);
  }

  #account(call: IncomingCall, note: CallNote): FakeResponse {
    const token = this.#signedToken(call, note);
    return { status: 200, content: { json: this.definition.account?.respond(token.grant.accountId) ?? {} } };
  }

  #exchangeGrant(call: IncomingCall, note: CallNote): FakeResponse {
    const token = this.#signedToken(call, note);
    const { successor = '', tokenLivesOnSeconds = 0 } = this.definition.exchange ?? {};
    if (token.grant.exchanged) {
      throw unauthorized('token_used');
    }
    const issued = this.context.findNeighbor(successor)?.issueGrant(token.grant.accountId);
    if (issued === undefined) {
      throw new Refusal(500, 'server_error', `there is no fake "${successor}"`);
    }
    token.grant.exchanged = true;
    token.expiresAtMs = this.context.now() + tokenLivesOnSeconds * 1000;
    return { status: 200, content: { json: issued.fields } };
  }

  #revoke(call: IncomingCall, note: CallNote): FakeResponse {
    const { grant } = this.#signedToken(call, note);
    this.context.grants.end(grant);
    if (grant.exchanged) {
      this.context.findNeighbor(this.definition.exchange?.successor ?? '')?.revokeGrant(grant.accountId);
    }
    return { status: this.definition.revoke?.status ?? 204 };
  }

  #signedToken(call: IncomingCall, note: CallNote): AccessToken {
    const { grants } = this.context;
    const parameters = this.#verify(call, (value) => grants.findAccessToken(value)?.secret);
    const token = grants.findAccessToken(parameters.get('oauth_token') ?? '');
    if (token === undefined) {
      throw unauthorized('token_rejected');
    }
    token.used = true;
    note.familyId = token.grant.familyId;
    return token;
  }

  #verify(
    call: IncomingCall,
    findTokenSecret: (token: string) => string | undefined,
    place: ParameterPlace = 'header',
  ): ReadonlyMap<string, string> {
    const { clientId, clientSecret } = this.context;
    try {
      return this.#verifier.verify(
        {
          method: call.method,
          scheme: 'http',
          host: call.headers.host ?? '',
          target: call.target,
          authorization: call.headers.authorization,
          contentType: call.headers['content-type'],
          body: call.body,
        },
        { findClientSecret: (key) => (key === clientId ? clientSecret : undefined), findTokenSecret },
        place,
      );
    } catch (error) {
      throw error instanceof OAuth1Problem ? unauthorized(error.problem) : error;
    }
  }

  #findRequestToken(value: string): RequestToken | undefined {
    const token = this.#requestTokens.get(value);
    return token !== undefined && token.expiresAtMs > this.context.now() ? token : undefined;
  }
}

function unauthorized(problem: string): Refusal {
  return new Refusal(401, problem, 'see oauth_problem', { 'WWW-Authenticate': 'OAuth realm="sandbox"' });
}
