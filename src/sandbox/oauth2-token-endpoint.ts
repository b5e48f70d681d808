import type { OAuth2SandboxMaker } from '../provider-kit/sandbox-maker.js';
import { Refusal, type Answer } from './answer.js';
import { isForm, Parameters } from './form.js';
import type { AccessToken, Grant, RefreshToken, TokenFields } from './grant-book.js';
import type { IncomingCall } from './incoming-call.js';
import type { OAuth2Authorization } from './oauth2-authorization.js';
import { authenticateClient } from './oauth2-client-authentication.js';
import { checkVerifier } from './pkce.js';
import type { CallNote, MakerContext } from './protocol.js';
import { fingerprint } from './random-token.js';

/** The token endpoint: exchanges codes and refresh tokens (RFC 6749 sections 4.1.3 and 6). */
export class OAuth2TokenEndpoint {
  constructor(
    private readonly maker: OAuth2SandboxMaker,
    private readonly context: MakerContext,
    private readonly authorization: OAuth2Authorization,
  ) {}

  /** @throws {@link Refusal} with an error code of RFC 6749 section 5.2 */
  answer(call: IncomingCall, note: CallNote): Answer {
    const form = readClientForm(call, this.maker, this.context);
    switch (form.get('grant_type')) {
      case 'authorization_code':
        return { status: 200, content: { json: this.#exchange(form, note) } };
      case 'refresh_token':
        return { status: 200, content: { json: this.#refresh(form, note) } };
      default:
        throw new Refusal(400, 'unsupported_grant_type', 'grant_type must be authorization_code or refresh_token');
    }
  }

  #exchange(form: Parameters, note: CallNote): TokenFields {
    const { context } = this;
    const code = this.authorization.findCode(form.get('code'));
    const redirectUri = form.get('redirect_uri');
    if (code?.grant !== undefined) {
      note.familyId = code.grant.familyId;
      context.grants.end(code.grant);
      throw new Refusal(400, 'invalid_grant', 'the code was already used; its tokens are revoked');
    }
    if (code === undefined || code.expiresAtMs <= context.now()) {
      throw new Refusal(400, 'invalid_grant', 'the code is unknown or expired');
    }
    if (redirectUri !== code.redirectUri) {
      throw new Refusal(400, 'invalid_grant', 'redirect_uri differs from that of the authorize request');
    }
    checkVerifier(this.maker.pkce, code.challenge, form);
    const grant = context.grants.open(code.accountId, code.scopes);
    code.grant = grant;
    note.familyId = grant.familyId;
    if (this.maker.oneRefreshTokenPerUser === true) {
      context.grants.endRefreshTokensOf(grant.accountId);
    }
    return this.#issue(grant, note, this.#issuesRefreshToken(grant, note)).answer;
  }

  #refresh(form: Parameters, note: CallNote): TokenFields {
    const presented = form.get('refresh_token');
    note.refreshTokenFingerprint = fingerprint(presented);
    const { grants } = this.context;
    const token = grants.findRefreshToken(presented);
    if (token === undefined) {
      throw new Refusal(400, 'invalid_grant', 'the refresh token is unknown');
    }
    const { grant } = token;
    note.familyId = grant.familyId;
    if (token.successor !== undefined) {
      return this.#reuse(token, token.successor);
    }
    if (!grants.isLiveRefreshToken(presented)) {
      throw new Refusal(400, 'invalid_grant', 'the refresh token is revoked or expired');
    }
    this.#checkScope(form.find('scope'), grant);
    if (this.maker.oldAccessTokenDiesOnRefresh) {
      grants.expireAccessTokensOf(grant);
    }
    const rotates = this.maker.rotation === 'always' && this.#issuesRefreshToken(grant, note);
    const issued = this.#issue(grant, note, rotates);
    if (rotates) {
      grants.spend(token, issued);
    }
    return issued.answer;
  }

  #reuse(token: RefreshToken, successor: NonNullable<RefreshToken['successor']>): TokenFields {
    const unused = !successor.access.used && successor.refresh?.successor === undefined;
    if (this.maker.replaysRefreshUntilNewTokenUsed === true && unused && !token.grant.ended) {
      return successor.answer;
    }
    if (this.maker.reuse === 'family-revoked') {
      this.context.grants.end(token.grant);
      throw new Refusal(400, 'invalid_grant', 'the refresh token was already used; the grant is revoked');
    }
    throw new Refusal(400, 'invalid_grant', 'the refresh token was already used');
  }

  #checkScope(scope: string | undefined, grant: Grant): void {
    const asked = scope?.split(this.maker.scopeSeparator) ?? [];
    if (this.maker.scopeOnRefresh !== undefined && !asked.includes(this.maker.scopeOnRefresh)) {
      throw new Refusal(400, 'invalid_scope', `scope must hold ${this.maker.scopeOnRefresh}`);
    }
    if (asked.some((name) => !grant.scopes.includes(name))) {
      throw new Refusal(400, 'invalid_scope', 'scope exceeds what was granted');
    }
  }

  #issuesRefreshToken(grant: Grant, note: CallNote): boolean {
    const needed = this.maker.refreshTokenNeedsScope;
    return !note.withoutRefreshToken && (needed === undefined || grant.scopes.includes(needed));
  }

  #issue(
    grant: Grant,
    note: CallNote,
    withRefreshToken: boolean,
  ): { access: AccessToken; refresh: RefreshToken | undefined; answer: TokenFields } {
    const { maker, context } = this;
    if (note.shrinkTo !== undefined) {
      grant.scopes = note.shrinkTo;
    }
    const lifetime = maker.refreshTokenLifetimeSeconds;
    const access = context.grants.issueAccessToken(grant, context.accessTokenLifetimeSeconds);
    const refresh = withRefreshToken ? context.grants.issueRefreshToken(grant, lifetime ?? Infinity) : undefined;
    const answer: Record<string, unknown> = {
      access_token: access.value,
      token_type: maker.tokenType ?? 'bearer',
      expires_in: context.accessTokenLifetimeSeconds,
    };
    if (refresh !== undefined) {
      answer['refresh_token'] = refresh.value;
      if (lifetime !== undefined) {
        answer['refresh_token_expires_in'] = lifetime;
      }
    }
    if (maker.scopeInTokenAnswer !== false) {
      answer['scope'] =
        maker.scopeInTokenAnswer === true ? grant.scopes.join(maker.scopeSeparator) : maker.scopeInTokenAnswer.constant;
    }
    Object.assign(answer, maker.tokenAnswerExtras?.(grant.accountId));
    return { access, refresh, answer };
  }
}

/**
 * Reads a form sent by the client itself, and checks that it is the client.
 *
 * @throws {@link Refusal} `invalid_request` or `invalid_client`
 */
export function readClientForm(call: IncomingCall, maker: OAuth2SandboxMaker, context: MakerContext): Parameters {
  if (!isForm(call.headers['content-type'])) {
    throw new Refusal(400, 'invalid_request', 'Content-Type must be application/x-www-form-urlencoded');
  }
  if (call.query !== '') {
    throw new Refusal(400, 'invalid_request', 'parameters belong into the body');
  }
  const form = new Parameters(call.body);
  form.refuseRepeated();
  authenticateClient(maker.clientAuthentication, call.headers.authorization, form, context);
  return form;
}
