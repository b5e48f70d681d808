import type { OAuth2SandboxMaker } from '../provider-kit/sandbox-maker.js';
import { Refusal, type Answer } from './answer.js';
import { Parameters } from './form.js';
import type { AccessToken } from './grant-book.js';
import type { IncomingCall } from './incoming-call.js';
import { OAuth2Authorization } from './oauth2-authorization.js';
import { OAuth2TokenEndpoint, readClientForm } from './oauth2-token-endpoint.js';
import type { CallNote, Endpoint, MakerContext, Protocol } from './protocol.js';
import { isBelow, onlyMethod } from './routing.js';

/** A fake that speaks OAuth 2.0. */
export class OAuth2Protocol implements Protocol {
  readonly #authorization: OAuth2Authorization;
  readonly #token: OAuth2TokenEndpoint;

  constructor(
    private readonly maker: OAuth2SandboxMaker,
    private readonly context: MakerContext,
  ) {
    this.#authorization = new OAuth2Authorization(maker, context);
    this.#token = new OAuth2TokenEndpoint(maker, context, this.#authorization);
  }

  findEndpoint(call: IncomingCall): Endpoint | undefined {
    const { maker } = this;
    if (call.path === maker.authorizePath) {
      onlyMethod(call, 'GET');
      return { kind: 'authorize', answer: (incoming) => this.#authorization.start(incoming) };
    }
    if (call.path === maker.tokenPath) {
      onlyMethod(call, 'POST');
      return { kind: tokenKind(call), answer: (incoming, note) => this.#token.answer(incoming, note) };
    }
    if (call.path === maker.revoke?.path) {
      onlyMethod(call, maker.revoke.method);
      return { kind: 'revoke', answer: (incoming, note) => this.#revoke(incoming, note) };
    }
    if (call.path === maker.account?.path) {
      onlyMethod(call, 'GET');
      return { kind: 'account', answer: (incoming, note) => this.#account(incoming, note) };
    }
    if (isBelow(call.path, maker.apiPath)) {
      return { kind: 'api', answer: (incoming, note) => this.#api(incoming, note) };
    }
    return undefined;
  }

  renderError(status: number, error: string, description: string, presentedToken: string): Answer {
    const json = this.maker.errorAnswer?.(error, description, presentedToken) ?? {
      error,
      error_description: description,
    };
    return { status, content: { json } };
  }

  #api(call: IncomingCall, note: CallNote): Answer {
    const token = this.#bearer(call, note);
    return { status: 200, content: { json: { ok: true, account_id: token.grant.accountId } } };
  }

  #account(call: IncomingCall, note: CallNote): Answer {
    const token = this.#bearer(call, note);
    const account = this.maker.account;
    if (account?.scope !== undefined && !token.grant.scopes.includes(account.scope)) {
      throw new Refusal(403, 'insufficient_scope', `${account.scope} was not granted`);
    }
    return { status: 200, content: { json: account?.answer(token.grant.accountId) ?? {} } };
  }

  #revoke(call: IncomingCall, note: CallNote): Answer {
    const { revoke } = this.maker;
    if (revoke === undefined) {
      throw new Refusal(404, 'not_found', 'this maker has no revocation');
    }
    switch (revoke.proof) {
      case 'bearer':
        this.context.grants.end(this.#bearer(call, note).grant);
        break;
      case 'client': {
        // An unknown token is not an error: RFC 7009 section 2.2.
        const token = readClientForm(call, this.maker, this.context).get('token');
        const { grants } = this.context;
        const grant = (grants.findAccessToken(token) ?? grants.findRefreshToken(token))?.grant;
        if (grant !== undefined) {
          note.familyId = grant.familyId;
          grants.end(grant);
        }
        break;
      }
      case 'query': {
        const query = new Parameters(call.query);
        query.refuseRepeated();
        this.context.grants.end(this.#accessToken(query.get(revoke.parameter), note).grant);
        break;
      }
    }
    return { status: revoke.status };
  }

  /** @see RFC 6750 section 2.1, https://www.rfc-editor.org/rfc/rfc6750#section-2.1 */
  #bearer(call: IncomingCall, note: CallNote): AccessToken {
    const value = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(call.headers.authorization ?? '')?.[1];
    if (value === undefined) {
      throw new Refusal(401, 'invalid_token', 'Authorization: Bearer is needed', {
        'WWW-Authenticate': 'Bearer realm="sandbox"',
      });
    }
    return this.#accessToken(value, note);
  }

  #accessToken(value: string, note: CallNote): AccessToken {
    const token = this.context.grants.findAccessToken(value);
    if (token === undefined) {
      const challenge = 'Bearer realm="sandbox", error="invalid_token"';
      throw new Refusal(401, 'invalid_token', 'the access token is unknown, expired or revoked', {
        'WWW-Authenticate': challenge,
      });
    }
    token.used = true;
    note.familyId = token.grant.familyId;
    return token;
  }
}

/** Looks ahead, so that a misbehaviour can single out refreshes; a malformed body counts as an exchange and is refused there. */
function tokenKind(call: IncomingCall): 'token' | 'refresh' {
  return /(^|&)grant_type=refresh_token(&|$)/.test(call.body) ? 'refresh' : 'token';
}
