import type { FakeResponse } from './http/fake-response.js';
import type { CallKind } from './call-history.js';
import type { ConsentDesk } from './consent/consent-desk.js';
import type { BoundedMap } from './grants/bounded-map.js';
import type { GrantBook } from './grants/grant-book.js';
import type { IncomingCall } from './http/incoming-call.js';

/** Notes of an endpoint for the history, and of a misbehavior for the endpoint. */
export interface CallNote {
  familyId?: string;
  refreshTokenFingerprint?: string;
  /** Issue no refresh token this time; the presented one stays valid. */
  readonly withoutRefreshToken: boolean;
  /** Shrink the grant to these scopes. */
  readonly shrinkTo: readonly string[] | undefined;
  /** Respond with an ID token with these changed claims. */
  readonly idTokenClaims: Readonly<Record<string, unknown>> | undefined;
}

/** One endpoint of a fake. */
export interface Endpoint {
  readonly kind: CallKind;
  /** @throws {@link Refusal} when the request is not accepted */
  readonly respond: (call: IncomingCall, note: CallNote) => FakeResponse | Promise<FakeResponse>;
}

/** A new grant, and the fields of its token response. */
export interface IssuedGrant {
  readonly familyId: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** One version of OAuth, as one provider speaks it. */
export interface Protocol {
  /**
   * Finds the endpoint of a request.
   *
   * @throws {@link Refusal} 405 when the path exists under another method
   */
  findEndpoint(call: IncomingCall): Endpoint | undefined;
  /** Opens a grant without a user's consent, as in an exchange of tokens; absent for OAuth 1.0a. */
  issue?(accountId: string): IssuedGrant;
  /** Signs claims with the key of the ID tokens; absent if the provider issues none. */
  signClaims?(claims: Readonly<Record<string, unknown>>): Promise<string>;
  /** Renders an error of a token or API endpoint as the provider writes it. */
  renderError(status: number, error: string, description: string, presentedToken: string): FakeResponse;
}

/** The calls that one fake may make to another fake of the same company. */
export interface NeighboringProvider {
  issueGrant(accountId: string): IssuedGrant;
  revokeGrant(accountId: string): void;
}

/** The state that the parts of one fake share. */
export interface FakeContext {
  readonly slug: string;
  /** Base URL of the fake, without a slash at the end. */
  readonly baseUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly now: () => number;
  readonly grants: GrantBook;
  /** Facts that the endpoints of this provider alone have remembered. */
  readonly facts: BoundedMap<true>;
  readonly consent: ConsentDesk;
  /** Finds another fake of the sandbox. */
  readonly findNeighbor: (slug: string) => NeighboringProvider | undefined;
  /** Settable by tests; `Infinity` for OAuth 1.0a. */
  accessTokenLifetimeSeconds: number;
}
