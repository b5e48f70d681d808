import { randomUUID } from 'node:crypto';
import { BoundedMap } from './bounded-map.js';
import { randomToken } from './random-token.js';

/** One consent of a user. All tokens that follow from it die with it. */
export interface Grant {
  readonly familyId: string;
  readonly accountId: string;
  scopes: readonly string[];
  /** Of the authorize request; empty for OAuth 1.0a. */
  readonly redirectUri: string;
  readonly createdAtMs: number;
  ended: boolean;
  /** Access tokens of an earlier generation are dead. */
  generation: number;
  /** Whether it was exchanged for a grant of a successor. */
  exchanged: boolean;
}

export interface AccessToken {
  readonly value: string;
  /** OAuth 1.0a token secret; empty for OAuth 2.0. */
  readonly secret: string;
  readonly grant: Grant;
  generation: number;
  expiresAtMs: number;
  used: boolean;
}

export interface RefreshToken {
  readonly value: string;
  readonly grant: Grant;
  readonly expiresAtMs: number;
  /** The tokens that it was exchanged for. A token with a successor is used up. */
  successor?: {
    readonly atMs: number;
    readonly access: AccessToken;
    readonly refresh: RefreshToken | undefined;
    readonly response: TokenFields;
  };
}

export type TokenFields = Readonly<Record<string, unknown>>;

/** A live grant, as a test sees it. */
export interface LiveGrant {
  readonly familyId: string;
  readonly accountId: string;
  readonly scopes: readonly string[];
  readonly createdAtMs: number;
}

/** Everything in a book. */
export interface BookEntries {
  readonly grants: readonly Grant[];
  readonly accessTokens: readonly AccessToken[];
  readonly refreshTokens: readonly RefreshToken[];
  /** Refresh tokens that were exchanged, in the order of their exchange. */
  readonly spentTokens: readonly RefreshToken[];
}

/** All grants and tokens of one fake. */
export class GrantBook {
  readonly #grants = new BoundedMap<Grant>();
  /** Every account that ever had a grant. */
  readonly #accounts = new BoundedMap<true>();
  readonly #access = new BoundedMap<AccessToken>();
  readonly #refresh = new BoundedMap<RefreshToken>();
  /** Kept apart, so that many refreshes of one grant do not push out the live tokens of others. */
  readonly #spent = new BoundedMap<RefreshToken>();

  constructor(private readonly now: () => number) {}

  get entries(): BookEntries {
    return {
      grants: [...this.#grants.values()],
      accessTokens: [...this.#access.values()],
      refreshTokens: [...this.#refresh.values()],
      spentTokens: [...this.#spent.values()],
    };
  }

  /** Takes the entries of an earlier book. */
  restore({ grants, accessTokens, refreshTokens, spentTokens }: BookEntries): void {
    grants.forEach((grant) => this.#addGrant(grant));
    accessTokens.forEach((token) => this.#access.set(token.value, token));
    refreshTokens.forEach((token) => this.#refresh.set(token.value, token));
    spentTokens.forEach((token) => this.#spent.set(token.value, token));
  }

  #addGrant(grant: Grant): void {
    this.#grants.set(grant.familyId, grant);
    this.#accounts.set(grant.accountId, true);
  }

  /** Tells whether an account ever had a grant. */
  hasAccount(accountId: string): boolean {
    return this.#accounts.get(accountId) === true;
  }

  hasLiveGrant(accountId: string): boolean {
    return [...this.#grants.values()].some((grant) => grant.accountId === accountId && !grant.ended);
  }

  open(accountId: string, scopes: readonly string[], redirectUri = ''): Grant {
    const familyId = randomUUID();
    const createdAtMs = this.now();
    const begun = { ended: false, generation: 0, exchanged: false };
    const grant: Grant = { familyId, accountId, scopes, redirectUri, createdAtMs, ...begun };
    this.#addGrant(grant);
    return grant;
  }

  issueAccessToken(grant: Grant, lifetimeSeconds: number, secret = ''): AccessToken {
    const expiresAtMs = this.now() + lifetimeSeconds * 1000;
    const { generation } = grant;
    const token: AccessToken = { value: randomToken('at'), secret, grant, generation, expiresAtMs, used: false };
    this.#access.set(token.value, token);
    return token;
  }

  /** Gives the access tokens of a grant, also expired ones, a whole lifetime from now. */
  extendAccessTokens(grant: Grant, lifetimeSeconds: number): void {
    for (const token of this.#access.values()) {
      if (token.grant === grant) {
        token.generation = grant.generation;
        token.expiresAtMs = this.now() + lifetimeSeconds * 1000;
      }
    }
  }

  issueRefreshToken(grant: Grant, lifetimeSeconds: number): RefreshToken {
    const expiresAtMs = this.now() + lifetimeSeconds * 1000;
    const token: RefreshToken = { value: randomToken('rt'), grant, expiresAtMs };
    this.#refresh.set(token.value, token);
    return token;
  }

  /** Finds a live access token. */
  findAccessToken(value: string): AccessToken | undefined {
    const token = this.#access.get(value);
    if (token === undefined || token.grant.ended || token.generation !== token.grant.generation) {
      return undefined;
    }
    return token.expiresAtMs > this.now() ? token : undefined;
  }

  /** Finds any issued access token. */
  findIssuedAccessToken(value: string): AccessToken | undefined {
    return this.#access.get(value);
  }

  /** Returns the last access token of an account, even a dead one; empty when it never had one. */
  lastAccessTokenOf(accountId: string): string {
    return [...this.#access.values()].findLast(({ grant }) => grant.accountId === accountId)?.value ?? '';
  }

  /** Finds a refresh token, also a used one. */
  findRefreshToken(value: string): RefreshToken | undefined {
    return this.#refresh.get(value) ?? this.#spent.get(value);
  }

  isLiveRefreshToken(value: string): boolean {
    const token = this.#refresh.get(value);
    return token !== undefined && !token.grant.ended && token.expiresAtMs > this.now();
  }

  /** Marks a refresh token as used up, with its successor. */
  spend(token: RefreshToken, successor: Omit<NonNullable<RefreshToken['successor']>, 'atMs'>): void {
    token.successor = { ...successor, atMs: this.now() };
    this.#refresh.delete(token.value);
    this.#spent.set(token.value, token);
  }

  end(grant: Grant): void {
    grant.ended = true;
  }

  /** Ends the grants of one account, or of all. */
  endAll(accountId?: string): void {
    for (const grant of this.#grants.values()) {
      if (accountId === undefined || grant.accountId === accountId) {
        grant.ended = true;
      }
    }
  }

  /** Expires every access token issued so far. */
  expireAccessTokens(): void {
    for (const grant of this.#grants.values()) {
      this.expireAccessTokensOf(grant);
    }
  }

  /** Expires the access tokens that a grant has had so far. */
  expireAccessTokensOf(grant: Grant): void {
    grant.generation += 1;
  }

  /** Drops the refresh tokens that an account has so far. */
  endRefreshTokensOf(accountId: string): void {
    for (const token of this.#refresh.values()) {
      if (token.grant.accountId === accountId) {
        this.#refresh.delete(token.value);
      }
    }
  }

  liveGrants(): LiveGrant[] {
    return [...this.#grants.values()]
      .filter((grant) => !grant.ended)
      .map(({ familyId, accountId, scopes, createdAtMs }) => ({ familyId, accountId, scopes, createdAtMs }));
  }
}
