import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { sandboxClientId, sandboxClientSecret } from '../provider-kit/definition/provider-settings.js';
import type { SandboxDefinition } from '../provider-kit/definition/sandbox-definition.js';
import { RedirectedRefusal, Refusal, send, type FakeResponse } from './http/fake-response.js';
import { CallHistory, type CallKind, type HistoryEntry, type OpenEntry } from './call-history.js';
import { AccountProposals } from './consent/account-proposals.js';
import { ConsentDesk } from './consent/consent-desk.js';
import { isForm, parseForm } from './http/form.js';
import { BoundedMap } from './grants/bounded-map.js';
import { GrantBook, type LiveGrant } from './grants/grant-book.js';
import { MemoryFile } from './grants/memory-file.js';
import { errorPage } from './pages/error-page.js';
import type { IncomingCall } from './http/incoming-call.js';
import { Notifier } from './orders/notifier.js';
import { endpointsOf, MisbehaviourQueue, type Misbehaviour } from './misbehaviour.js';
import { OAuth1Protocol } from './oauth1/oauth1-protocol.js';
import { OAuth2Protocol } from './oauth2/oauth2-protocol.js';
import type { CallNote, Endpoint, IssuedGrant, FakeContext, Protocol } from './protocol.js';
import { onlyMethod } from './http/routing.js';
import { alter, replacement } from './orders/wrong-response.js';

const consentPath = '/_consent';

export interface FakeProviderOptions {
  readonly slug: string;
  /** The provider's name for people. */
  readonly displayName: string;
  /** Base of all its endpoints: `<sandbox>/<slug>`. */
  readonly url: string;
  /** The requests that the provider expects, and its responses. */
  readonly definition: SandboxDefinition;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Finds the other fakes. */
  readonly findNeighbor: FakeContext['findNeighbor'];
  /** The file with its grants; in memory only if absent. */
  readonly file?: string | undefined;
  /** Reports a problem with that file. */
  readonly report: (line: string) => void;
}

/** One fake provider. It serves its endpoints, and tests can inspect it and give it orders. */
export class FakeProvider {
  readonly slug: string;
  readonly displayName: string;
  readonly url: string;
  readonly definition: SandboxDefinition;
  readonly #context: FakeContext;
  readonly #protocol: Protocol;
  readonly #history: CallHistory;
  readonly #memory: MemoryFile | undefined;
  /** Sends notifications about accounts to the app's hook. */
  readonly notifier: Notifier;
  readonly #misbehaviours = new MisbehaviourQueue();
  /** Ends slow responses. */
  #behaving = new AbortController();
  /** How far the clock of this provider is ahead of the sandbox's, in seconds. */
  clockOffsetSeconds = 0;

  constructor({
    slug,
    displayName,
    url,
    definition,
    file,
    report,
    findNeighbor,
    now: sandboxNow,
  }: FakeProviderOptions) {
    this.slug = slug;
    this.displayName = displayName;
    this.url = url;
    this.definition = definition;
    const now = (): number => sandboxNow() + this.clockOffsetSeconds * 1_000;
    const grants = new GrantBook(now);
    this.#history = new CallHistory(now);
    this.#context = {
      slug,
      baseUrl: url,
      clientId: sandboxClientId(slug),
      clientSecret: sandboxClientSecret(slug),
      now,
      grants,
      facts: new BoundedMap(),
      consent: new ConsentDesk({ slug, displayName }, new AccountProposals(slug, grants), now),
      findNeighbor,
      accessTokenLifetimeSeconds: definition.oauth === '2.0' ? definition.accessTokenLifetimeSeconds : Infinity,
    };
    this.#protocol =
      definition.oauth === '2.0'
        ? new OAuth2Protocol(definition, this.#context)
        : new OAuth1Protocol(definition, this.#context);
    this.notifier = new Notifier(definition.notify, this.#context, this.#protocol);
    this.#memory = file === undefined ? undefined : new MemoryFile(file, this.#context, report);
    this.#memory?.load();
  }

  /** Every call in order of arrival, also those in flight. */
  get history(): readonly HistoryEntry[] {
    return this.#history.entries;
  }

  /** Lifetime of access tokens that are issued from now on; settable for OAuth 2.0, `Infinity` for OAuth 1.0a. */
  get accessTokenLifetimeSeconds(): number {
    return this.#context.accessTokenLifetimeSeconds;
  }

  /** @throws {@link RangeError} for OAuth 1.0a, and when the value is not a positive integer */
  set accessTokenLifetimeSeconds(seconds: number) {
    if (this.definition.oauth === '1.0a' || !Number.isInteger(seconds) || seconds < 1) {
      throw new RangeError(`accessTokenLifetimeSeconds of "${this.slug}" cannot be ${seconds}`);
    }
    this.#context.accessTokenLifetimeSeconds = seconds;
  }

  /** The endpoints that can be ordered to go wrong. */
  get endpoints(): readonly Misbehaviour['endpoint'][] {
    return endpointsOf(this.definition);
  }

  /** The endpoints that go wrong at the next call. */
  get misbehavingEndpoints(): readonly Misbehaviour['endpoint'][] {
    return this.#misbehaviours.endpoints;
  }

  /**
   * Orders the fake to go wrong.
   *
   * @param times - calls of that endpoint that go wrong; a positive integer, or `Infinity` for ever
   * @throws Error when this provider has no such endpoint, {@link RangeError} on bad `times`
   */
  misbehave(behaviour: Misbehaviour, times = 1): void {
    const hasIdToken = this.endpoints.includes('jwks');
    if (!this.endpoints.includes(behaviour.endpoint) || (behaviour.type === 'idToken' && !hasIdToken)) {
      throw new Error(`The fake "${this.slug}" has no endpoint "${behaviour.endpoint}".`);
    }
    this.#misbehaviours.add(behaviour, times);
  }

  /** Cancels every order of {@link misbehave}, and ends the wait of slow responses. */
  behave(): void {
    this.#misbehaviours.clear();
    this.#behaving.abort();
    this.#behaving = new AbortController();
  }

  /** Access tokens issued so far are expired at the provider. */
  expireAccessTokens(): void {
    this.#context.grants.expireAccessTokens();
  }

  /** The user withdraws consent at the provider. */
  revokeGrant(accountId: string): void {
    this.#context.grants.endAll(accountId === 'all' ? undefined : accountId);
  }

  /**
   * Opens a grant for tokens of another fake of the same company.
   *
   * @throws Error for OAuth 1.0a
   */
  issueGrant(accountId: string): IssuedGrant {
    if (this.#protocol.issue === undefined) {
      throw new Error(`The fake "${this.slug}" opens no grant without a user.`);
    }
    return this.#protocol.issue(accountId);
  }

  isLiveAccessToken(token: string): boolean {
    return this.#context.grants.findAccessToken(token) !== undefined;
  }

  /** Returns the grant of an access token, also of a dead one; `undefined` when this provider has not issued it. */
  findIssued(accessToken: string): { readonly familyId: string; readonly expiresAtMs: number } | undefined {
    const issued = this.#context.grants.findIssuedAccessToken(accessToken);
    return issued && { familyId: issued.grant.familyId, expiresAtMs: issued.expiresAtMs };
  }

  isLiveRefreshToken(token: string): boolean {
    return this.#context.grants.isLiveRefreshToken(token);
  }

  /** Grants that were not revoked. */
  liveGrants(): readonly LiveGrant[] {
    return this.#context.grants.liveGrants();
  }

  /** From now on the consent page grants at most these scopes; `undefined` lifts the limit. */
  restrictScopes(scopes: readonly string[] | undefined): void {
    this.#context.consent.restrictScopes(scopes);
  }

  /** Responds to one request. Called by the sandbox's server. */
  async serve(call: IncomingCall, outgoing: ServerResponse, stopping: AbortSignal): Promise<void> {
    const endpoint = this.#findEndpoint(call);
    if (endpoint === undefined) {
      throw new Refusal(404, 'not_found', `"${this.slug}" has nothing at ${call.method} ${call.path}`);
    }
    const entry = this.#history.begin(endpoint.kind, call.headers.authorization);
    const wrong = this.#misbehaviours.take(endpoint.kind);
    const response = await this.#respond(endpoint, call, entry, wrong, stopping);
    await this.save();
    this.#history.end(entry, response === 'drop' ? 0 : response.status);
    if (response === 'drop') {
      outgoing.destroy();
      return;
    }
    outgoing.setHeader('Date', new Date(this.#context.now()).toUTCString());
    await send(outgoing, response);
  }

  /** Resolves once the grants are in the file, if this fake has one. */
  async save(): Promise<void> {
    await this.#memory?.save();
  }

  #findEndpoint(call: IncomingCall): Endpoint | undefined {
    if (call.path === consentPath) {
      onlyMethod(call, 'POST');
      return { kind: 'consent', respond: (incoming) => this.#context.consent.respond(incoming) };
    }
    return this.#protocol.findEndpoint(call);
  }

  async #respond(
    endpoint: Endpoint,
    call: IncomingCall,
    entry: OpenEntry,
    wrong: Misbehaviour | undefined,
    stopping: AbortSignal,
  ): Promise<FakeResponse | 'drop'> {
    if (wrong === undefined) {
      return this.#process(endpoint, call, entry, wrong);
    }
    entry.misbehaviour = wrong.type;
    if (wrong.type === 'slow') {
      const wait = this.#wait(wrong.ms, stopping);
      if (wrong.processed === false) {
        await wait;
        return this.#process(endpoint, call, entry, wrong);
      }
      const [response] = await Promise.all([this.#process(endpoint, call, entry, wrong), wait]);
      return response;
    }
    const render = (status: number, error: string, description: string): FakeResponse =>
      this.#protocol.renderError(status, error, description, presentedToken(call));
    const instead = replacement(wrong, render, presentedSecrets(call));
    if (instead === undefined) {
      return alter(await this.#process(endpoint, call, entry, wrong), wrong);
    }
    if ('processed' in wrong && wrong.processed === true) {
      await this.#process(endpoint, call, entry, wrong);
    } else {
      entry.outcome = 'error' in wrong ? wrong.error : wrong.type;
    }
    return instead;
  }

  /** Waits. Ends early when the orders are canceled; rejects when the sandbox stops. */
  async #wait(ms: number, stopping: AbortSignal): Promise<void> {
    const behaving = this.#behaving.signal;
    try {
      await delay(ms, undefined, { signal: AbortSignal.any([stopping, behaving]) });
    } catch (error) {
      if (!behaving.aborted) {
        throw error;
      }
    }
  }

  /** Processes a call, and writes the outcome into the history. */
  async #process(
    endpoint: Endpoint,
    call: IncomingCall,
    entry: OpenEntry,
    wrong: Misbehaviour | undefined,
  ): Promise<FakeResponse> {
    const note: CallNote = {
      withoutRefreshToken: wrong?.type === 'omitRefreshToken' || wrong?.type === 'emptyRefreshToken',
      shrinkTo: wrong?.type === 'scope' ? wrong.scopes : undefined,
      idTokenClaims: wrong?.type === 'idToken' ? wrong.claims : undefined,
    };
    try {
      const response = await endpoint.respond(call, note);
      entry.outcome = 'ok';
      return response;
    } catch (error) {
      if (!(error instanceof Refusal)) {
        throw error;
      }
      entry.outcome = error.error;
      return this.#refusal(error, endpoint.kind, call);
    } finally {
      const { familyId, refreshTokenFingerprint } = note;
      Object.assign(entry, familyId && { familyId }, refreshTokenFingerprint && { refreshTokenFingerprint });
    }
  }

  #refusal(refusal: Refusal, kind: CallKind, call: IncomingCall): FakeResponse {
    if (refusal instanceof RedirectedRefusal) {
      return refusal.response;
    }
    if (kind === 'authorize' || kind === 'consent') {
      return errorPage(refusal.status, refusal.description);
    }
    const response = this.#protocol.renderError(
      refusal.status,
      refusal.error,
      refusal.description,
      presentedToken(call),
    );
    return { ...response, headers: { ...response.headers, ...refusal.headers } };
  }
}

/** The refresh token, token or code in a form; some providers quote it in an error. */
function presentedToken(call: IncomingCall): string {
  const fields = new Map(formFields(call));
  return fields.get('refresh_token') ?? fields.get('token') ?? fields.get('code') ?? '';
}

/** Every value of a form, and the Authorization header. */
function presentedSecrets(call: IncomingCall): string {
  return [...formFields(call).map(([, value]) => value), call.headers.authorization ?? ''].join(' ');
}

function formFields(call: IncomingCall): readonly (readonly [string, string])[] {
  try {
    return isForm(call.headers['content-type']) ? parseForm(call.body) : [];
  } catch {
    return [];
  }
}
