/** The kind of a call. `consent`: the user's decision. `endpoint`: an endpoint that only this provider has. */
export type CallKind =
  | 'authorize'
  | 'consent'
  | 'token'
  | 'refresh'
  | 'revoke'
  | 'api'
  | 'account'
  | 'jwks'
  | 'endpoint'
  | 'request_token'
  | 'access_token'
  | 'exchange';

/** One call that a fake received. Holds no secret. */
export interface HistoryEntry {
  readonly kind: CallKind;
  /** Arrival, milliseconds since 1970 on the sandbox's clock. */
  readonly at: number;
  /** When the response was ready; `undefined` while the call is in flight. */
  readonly endsAt: number | undefined;
  /** `ok`, the error code, `pending` while in flight, or the type of the misbehavior that replaced the response. */
  readonly outcome: string;
  /** HTTP status; 0 while in flight, and if the connection was dropped. */
  readonly status: number;
  /** Type of the applied misbehavior. */
  readonly misbehaviour?: string;
  /** The grant that the call belongs to: constant from the first exchange over all refreshes. */
  readonly familyId?: string;
  /** First 12 hex digits of the SHA-256 of the refresh token that was presented. */
  readonly refreshTokenFingerprint?: string;
  /** Scheme of the `Authorization` header, lower case: `basic`, `bearer`, `oauth`. */
  readonly authorizationScheme?: string;
}

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** An entry whose call has no response yet. */
export type OpenEntry = Writable<HistoryEntry>;

const limit = 20_000;

/** Every call in order of arrival. Beyond twenty thousand the oldest are forgotten. */
export class CallHistory {
  readonly #entries: OpenEntry[] = [];

  constructor(private readonly now: () => number) {}

  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  begin(kind: CallKind, authorization: string | undefined): OpenEntry {
    const entry: OpenEntry = { kind, at: this.now(), endsAt: undefined, outcome: 'pending', status: 0 };
    const scheme = /^[A-Za-z]+(?= )/.exec(authorization ?? '')?.[0];
    if (scheme !== undefined) {
      entry.authorizationScheme = scheme.toLowerCase();
    }
    this.#entries.push(entry);
    if (this.#entries.length > limit * 1.5) {
      this.#entries.splice(0, this.#entries.length - limit);
    }
    return entry;
  }

  end(entry: OpenEntry, status: number): void {
    entry.endsAt = this.now();
    entry.status = status;
    if (entry.outcome === 'pending') {
      entry.outcome = 'ok';
    }
  }
}
