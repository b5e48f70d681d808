import type { OAuth2SandboxDefinition, SandboxRevocation } from '../../provider-kit/definition/sandbox-definition.js';
import type { AccessCheck } from './access-check.js';
import { Refusal, type FakeResponse } from '../http/fake-response.js';
import { Parameters } from '../http/form.js';
import type { Grant } from '../grants/grant-book.js';
import type { IncomingCall } from '../http/incoming-call.js';
import { readForm, type ClientForms } from './oauth2-client-form.js';
import type { CallNote, FakeContext } from '../protocol.js';
import { matchPath, type Route } from '../http/routing.js';

/** The endpoint that ends a grant, with this provider's proof. */
export class OAuth2Revocation {
  constructor(
    private readonly definition: OAuth2SandboxDefinition,
    private readonly context: FakeContext,
    private readonly forms: ClientForms,
    private readonly access: AccessCheck,
  ) {}

  get routes(): Route[] {
    const { revoke } = this.definition;
    if (revoke === undefined) {
      return [];
    }
    const { method, path } = revoke;
    return [{ kind: 'revoke', method, path, respond: (call, note) => this.#respond(revoke, call, note) }];
  }

  async #respond(revoke: SandboxRevocation, call: IncomingCall, note: CallNote): Promise<FakeResponse> {
    const grant = await this.#provenGrant(revoke, call, note);
    const inPath = matchPath(revoke.path, call.path)?.['accountId'];
    if (grant !== undefined && inPath !== undefined && inPath !== grant.accountId) {
      throw new Refusal(403, 'forbidden', 'the token belongs to another account than the path');
    }
    if (grant !== undefined) {
      note.familyId = grant.familyId;
      this.context.grants.end(grant);
    } else if (revoke.proof === 'token' && revoke.goneStatus !== undefined) {
      throw new Refusal(revoke.goneStatus, 'invalid_token', 'the token is unknown, expired or revoked');
    }
    return { status: revoke.status };
  }

  /** Returns the grant to end; none for an unknown token, which is not always an error (RFC 7009 section 2.2). */
  async #provenGrant(revoke: SandboxRevocation, call: IncomingCall, note: CallNote): Promise<Grant | undefined> {
    const { grants, clientId } = this.context;
    switch (revoke.proof) {
      case 'bearer': {
        const { grant } = this.access.byHeader(call, note);
        const query = new Parameters(call.query);
        query.refuseRepeated();
        for (const [name, value] of Object.entries(revoke.query ?? {})) {
          query.demand(name, value.replaceAll('{clientId}', clientId));
        }
        return grant;
      }
      case 'client': {
        const kind = revoke.clientAuthentication ?? this.definition.clientAuthentication;
        const token = (await this.forms.read(call, kind)).get('token');
        return (grants.findAccessToken(token) ?? grants.findRefreshToken(token))?.grant;
      }
      case 'token': {
        const token = readForm(call).get('token');
        const live = grants.isLiveRefreshToken(token) ? grants.findRefreshToken(token) : grants.findAccessToken(token);
        return live?.grant;
      }
      case 'query':
        return this.access.byQuery(call, revoke.parameter, note).grant;
    }
  }
}
