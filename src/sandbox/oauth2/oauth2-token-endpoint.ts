import type { OAuth2SandboxDefinition } from '../../provider-kit/definition/sandbox-definition.js';
import { Refusal, type FakeResponse } from '../http/fake-response.js';
import type { Parameters } from '../http/form.js';
import type { Grant, RefreshToken, TokenFields } from '../grants/grant-book.js';
import type { IdTokenSigner } from './id-token-signer.js';
import type { IncomingCall } from '../http/incoming-call.js';
import type { OAuth2Authorization } from './oauth2-authorization.js';
import type { ClientForms } from './oauth2-client-form.js';
import { checkVerifier } from './pkce.js';
import type { CallNote, IssuedGrant, FakeContext } from '../protocol.js';
import { fingerprint } from '../grants/random-token.js';
import type { Route } from '../http/routing.js';

/** The result of a successful call. */
interface Outcome {
  readonly grant: Grant;
  readonly fields: TokenFields;
  /** Claims of the ID token beyond the usual ones; absent if no ID token is issued. */
  readonly idToken?: Readonly<Record<string, unknown>> | undefined;
}

type Issued = Omit<NonNullable<RefreshToken['successor']>, 'atMs'>;

/** The token endpoint: exchanges codes and refresh tokens (RFC 6749 sections 4.1.3 and 6). */
export class OAuth2TokenEndpoint {
  constructor(
    private readonly definition: OAuth2SandboxDefinition,
    private readonly context: FakeContext,
    private readonly forms: ClientForms,
    private readonly authorization: OAuth2Authorization,
    private readonly idTokens: IdTokenSigner | undefined,
  ) {}

  /**
   * Two routes for one path, so that a misbehavior can be for refreshes only. A malformed body counts as an exchange.
   */
  get routes(): Route[] {
    const { tokenPath, refreshPath } = this.definition;
    const respond = (call: IncomingCall, note: CallNote): Promise<FakeResponse> => this.#respond(call, note);
    const refresh: Route = { kind: 'refresh', method: 'POST', path: refreshPath ?? tokenPath, respond };
    const takes = (call: IncomingCall): boolean => /(^|&)grant_type=refresh_token(&|$)/.test(call.body);
    return [
      refreshPath === undefined ? { ...refresh, takes } : refresh,
      { kind: 'token', method: 'POST', path: tokenPath, respond },
    ];
  }

  /** Opens a grant of all scopes, for an account whose user has consented elsewhere. */
  issueUnasked(accountId: string): IssuedGrant {
    const grant = this.context.grants.open(accountId, this.definition.scopes);
    const { response: fields } = this.#issue(
      grant,
      { withoutRefreshToken: false, shrinkTo: undefined, idTokenClaims: undefined },
      true,
    );
    return { familyId: grant.familyId, fields };
  }

  /** @throws {@link Refusal} with an error code of RFC 6749 section 5.2, and the status that this provider gives it */
  async #respond(call: IncomingCall, note: CallNote): Promise<FakeResponse> {
    try {
      const form = await this.forms.read(call, this.definition.clientAuthentication);
      for (const [name, value] of Object.entries(this.definition.tokenParams ?? {})) {
        form.demand(name, value);
      }
      return await this.#success(this.#grant(form, call.path, note));
    } catch (error) {
      if (!(error instanceof Refusal) || this.definition.errorStatus === undefined) {
        throw error;
      }
      throw new Refusal(this.definition.errorStatus, error.error, error.description);
    }
  }

  #grant(form: Parameters, path: string, note: CallNote): Outcome {
    const { tokenPath, refreshPath = tokenPath } = this.definition;
    const type = form.get('grant_type');
    if (type === 'authorization_code' && path === tokenPath) {
      return this.#exchange(form, note);
    }
    if (type === 'refresh_token' && path === refreshPath) {
      return this.#refresh(form, note);
    }
    throw new Refusal(400, 'unsupported_grant_type', 'this grant_type is not served here');
  }

  async #success({ grant: { accountId }, fields, idToken }: Outcome): Promise<FakeResponse> {
    const { tokenResponse } = this.definition;
    const signed = idToken && (await this.idTokens?.sign(accountId, idToken));
    const json = signed === undefined ? fields : { ...fields, id_token: signed };
    const shape = tokenResponse && ((standard: TokenFields): TokenFields => tokenResponse(standard, accountId));
    return { status: 200, content: shape === undefined ? { json } : { json, shape } };
  }

  #exchange(form: Parameters, note: CallNote): Outcome {
    const { context, definition } = this;
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
    checkVerifier(definition.pkce, code.challenge, form);
    if (definition.scopeOnExchange === true) {
      this.#checkRepeatedScopes(form.get('scope'), code.askedScopes);
    }
    const grant = context.grants.open(code.accountId, code.scopes, code.redirectUri);
    code.grant = grant;
    note.familyId = grant.familyId;
    if (definition.oneRefreshTokenPerUser === true) {
      context.grants.endRefreshTokensOf(grant.accountId);
    }
    const fields = this.#issue(grant, note, this.#issuesRefreshToken(grant, note)).response;
    return { grant, fields, idToken: { nonce: code.nonce, ...note.idTokenClaims } };
  }

  #refresh(form: Parameters, note: CallNote): Outcome {
    const { definition } = this;
    const presented = form.get('refresh_token');
    note.refreshTokenFingerprint = fingerprint(presented);
    const { grants } = this.context;
    const token = grants.findRefreshToken(presented);
    if (token === undefined) {
      throw new Refusal(400, 'invalid_grant', 'the refresh token is unknown');
    }
    const { grant } = token;
    note.familyId = grant.familyId;
    const idToken = definition.idToken?.onRefresh === true ? { ...note.idTokenClaims } : note.idTokenClaims;
    if (token.successor !== undefined) {
      return { grant, fields: this.#reuse(token, token.successor, note), idToken };
    }
    if (!grants.isLiveRefreshToken(presented)) {
      throw new Refusal(400, 'invalid_grant', 'the refresh token is revoked or expired');
    }
    this.#checkScope(form.find('scope'), grant);
    if (definition.redirectUriOnRefresh === true && form.get('redirect_uri') !== grant.redirectUri) {
      throw new Refusal(400, 'invalid_grant', 'redirect_uri differs from that of the authorize request');
    }
    if (definition.refreshExtendsToken === true) {
      grants.extendAccessTokens(grant, this.context.accessTokenLifetimeSeconds);
      return { grant, fields: {} };
    }
    const rotates = definition.rotation === 'always' && this.#issuesRefreshToken(grant, note);
    const issued = this.#renew(grant, note, rotates);
    if (rotates) {
      grants.spend(token, issued);
    }
    return { grant, fields: issued.response, idToken };
  }

  #reuse(token: RefreshToken, successor: NonNullable<RefreshToken['successor']>, note: CallNote): TokenFields {
    const { replaysRefreshUntilNewTokenUsed, reuseGrace } = this.definition;
    const unused = !successor.access.used && successor.refresh?.successor === undefined;
    if (replaysRefreshUntilNewTokenUsed === true && unused && !token.grant.ended) {
      return successor.response;
    }
    const graceMs = (reuseGrace?.seconds ?? 0) * 1000;
    if (this.context.now() < successor.atMs + graceMs && !token.grant.ended) {
      return reuseGrace?.response === 'further' ? this.#renew(token.grant, note, true).response : successor.response;
    }
    if (this.definition.reuse === 'family-revoked') {
      this.context.grants.end(token.grant);
      throw new Refusal(400, 'invalid_grant', 'the refresh token was already used; the grant is revoked');
    }
    throw new Refusal(400, 'invalid_grant', 'the refresh token was already used');
  }

  #checkRepeatedScopes(scope: string, asked: readonly string[]): void {
    const repeated = scope.split(this.definition.scopeSeparator);
    if (repeated.length !== asked.length || asked.some((name) => !repeated.includes(name))) {
      throw new Refusal(400, 'invalid_scope', 'scope differs from that of the authorize request');
    }
  }

  #checkScope(scope: string | undefined, grant: Grant): void {
    const asked = scope?.split(this.definition.scopeSeparator) ?? [];
    if (this.definition.scopeOnRefresh !== undefined && !asked.includes(this.definition.scopeOnRefresh)) {
      throw new Refusal(400, 'invalid_scope', `scope must hold ${this.definition.scopeOnRefresh}`);
    }
    if (asked.some((name) => !grant.scopes.includes(name))) {
      throw new Refusal(400, 'invalid_scope', 'scope exceeds what was granted');
    }
  }

  #issuesRefreshToken(grant: Grant, note: CallNote): boolean {
    const needed = this.definition.refreshTokenNeedsScope;
    const issues = this.definition.issuesRefreshToken !== false && !note.withoutRefreshToken;
    return issues && (needed === undefined || grant.scopes.includes(needed));
  }

  /** Issues the tokens of a refresh. */
  #renew(grant: Grant, note: CallNote, withRefreshToken: boolean): Issued {
    if (this.definition.oldAccessTokenDiesOnRefresh) {
      this.context.grants.expireAccessTokensOf(grant);
    }
    return this.#issue(grant, note, withRefreshToken);
  }

  #issue(grant: Grant, note: CallNote, withRefreshToken: boolean): Issued {
    const { definition, context } = this;
    if (note.shrinkTo !== undefined) {
      grant.scopes = note.shrinkTo;
    }
    const lifetime = definition.refreshTokenLifetimeSeconds;
    const access = context.grants.issueAccessToken(grant, context.accessTokenLifetimeSeconds);
    const refresh = withRefreshToken ? context.grants.issueRefreshToken(grant, lifetime ?? Infinity) : undefined;
    const response: Record<string, unknown> = {
      access_token: access.value,
      token_type: definition.tokenType ?? 'bearer',
      expires_in: context.accessTokenLifetimeSeconds,
    };
    if (refresh !== undefined) {
      response['refresh_token'] = refresh.value;
      if (lifetime !== undefined) {
        response['refresh_token_expires_in'] = lifetime;
      }
    }
    if (definition.scopeInTokenResponse === true || note.shrinkTo !== undefined) {
      response['scope'] = grant.scopes.join(definition.scopeSeparator);
    } else if (definition.scopeInTokenResponse !== false) {
      response['scope'] = definition.scopeInTokenResponse.constant;
    }
    Object.assign(response, definition.tokenResponseExtras?.(grant.accountId));
    return { access, refresh, response };
  }
}
