import { randomUUID } from 'node:crypto';
import { Refusal, type FakeResponse } from '../http/fake-response.js';
import { BoundedMap } from '../grants/bounded-map.js';
import { parseForm } from '../http/form.js';
import { consentPage } from '../pages/consent-page.js';
import type { IncomingCall } from '../http/incoming-call.js';
import { isAccountNumber, type AccountProposals } from './account-proposals.js';

/** A question to the user, with the response for each decision. */
export interface ConsentRequest {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly userPicksScopes: boolean;
  /** Sends the browser back. */
  readonly approve: (accountId: string, scopes: readonly string[]) => FakeResponse;
  /** Sends the browser back. */
  readonly deny: () => FakeResponse;
}

interface OpenRequest {
  readonly request: ConsentRequest;
  readonly account: string;
  readonly expiresAtMs: number;
}

const lifetimeMs = 600_000;

/** Asks the user, and takes one answer. */
export class ConsentDesk {
  readonly #open = new BoundedMap<OpenRequest>();
  #limit: readonly string[] | undefined;

  constructor(
    private readonly provider: { readonly slug: string; readonly displayName: string },
    private readonly proposals: AccountProposals,
    private readonly now: () => number,
  ) {}

  /** From now on the user grants at most these scopes, even if more are ticked. */
  restrictScopes(scopes: readonly string[] | undefined): void {
    this.#limit = scopes;
  }

  /** Shows the consent page to the browser of a call. */
  ask(request: ConsentRequest, call: IncomingCall): FakeResponse {
    const requestId = randomUUID();
    const { slug, displayName } = this.provider;
    const { account, otherAccounts } = this.proposals.propose(call);
    this.#open.set(requestId, { request, account, expiresAtMs: this.now() + lifetimeMs });
    const { clientId, scopes, userPicksScopes } = request;
    return consentPage({ slug, displayName, requestId, clientId, scopes, userPicksScopes, account, otherAccounts });
  }

  /**
   * Acts on the submitted form.
   *
   * @throws {@link Refusal} 400 on an unknown, answered or expired request, a missing decision, or an account that is
   *   not 1 to 15 digits. Also on a scope that was not asked for, or none of the offered ones.
   */
  respond(call: IncomingCall): FakeResponse {
    const fields = readFields(call.body);
    const requestId = fields.get('request')?.[0] ?? '';
    const open = this.#open.get(requestId);
    if (open === undefined || open.expiresAtMs <= this.now()) {
      throw new Refusal(
        400,
        'consent_unknown',
        'This consent request is unknown, expired or already answered. Start again.',
      );
    }
    const decision = fields.get('decision')?.[0];
    if (decision !== 'approve' && decision !== 'deny') {
      throw new Refusal(400, 'invalid_request', 'Press Approve or Deny.');
    }
    const account = fields.get('account')?.[0] ?? open.account;
    if (!isAccountNumber(account)) {
      throw new Refusal(400, 'invalid_request', 'The account must be a number of 1 to 15 digits.');
    }
    const scopes = decision === 'approve' ? this.#granted(open.request, fields.get('scope')) : [];
    this.#open.delete(requestId);
    if (decision === 'deny') {
      return open.request.deny();
    }
    const response = open.request.approve(account, scopes);
    return { ...response, headers: { ...response.headers, 'Set-Cookie': this.proposals.remember(call, account) } };
  }

  /**
   * Returns the granted scopes. A script without `scope` grants everything; a browser always sends an empty one too.
   */
  #granted(request: ConsentRequest, picked: readonly string[] | undefined): readonly string[] {
    let granted = request.scopes;
    if (request.userPicksScopes && picked !== undefined) {
      granted = request.scopes.filter((scope) => picked.includes(scope));
      if (granted.length === 0 && request.scopes.length > 0) {
        throw new Refusal(400, 'invalid_request', 'Leave at least one scope ticked, or press Deny.');
      }
    }
    const limit = this.#limit;
    return limit === undefined ? granted : granted.filter((scope) => limit.includes(scope));
  }
}

function readFields(body: string): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  try {
    for (const [name, value] of parseForm(body)) {
      fields.set(name, [...(fields.get(name) ?? []), value]);
    }
  } catch {
    throw new Refusal(400, 'invalid_request', 'The form is not readable.');
  }
  return fields;
}
