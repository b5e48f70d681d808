import type { HistoryEntry } from '../../src/sandbox/call-history.js';
import { fingerprint } from '../../src/sandbox/grants/random-token.js';
import type { ProviderRecords } from './history-checker.js';

/** One request at the token endpoint of a peer, with its tokens. */
export interface PeerExchange {
  readonly kind: 'token' | 'refresh';
  /** Arrival and response, milliseconds since 1970. */
  readonly at: number;
  readonly endsAt: number;
  /** When the server decided; the life of what it issued counts from that second. */
  readonly decidedAt: number;
  readonly status: number;
  readonly error: string | undefined;
  /** The refresh token that was presented. */
  readonly presented: string | undefined;
  /** Contents of a successful response. */
  readonly issued?: {
    readonly grantId: string;
    readonly accountId: string;
    readonly accessToken: string;
    readonly lifetimeSeconds: number;
    readonly refreshToken: string | undefined;
  };
}

interface Grant {
  readonly familyId: string;
  readonly accountId: string;
  readonly createdAtMs: number;
  readonly scopes: readonly string[];
  /** The last one: each refresh uses the one before up. */
  refreshToken: string | undefined;
}

/** The records that the history checker needs, from an independent server that rotates at every refresh. */
export class PeerRecords implements ProviderRecords {
  readonly history: HistoryEntry[] = [];
  private readonly grants = new Map<string, Grant>();
  private readonly ended = new Set<string>();
  private readonly families = new Map<string, string>();
  private readonly accessTokens = new Map<string, { readonly familyId: string; readonly expiresAtMs: number }>();

  /** Notes an exchange that got a response. */
  add({ kind, at, decidedAt, endsAt, status, error, presented, issued }: PeerExchange): void {
    if (issued !== undefined) {
      const { grantId: familyId, accountId, accessToken, refreshToken } = issued;
      const grant = this.grants.get(familyId) ?? { familyId, accountId, createdAtMs: at, scopes: [], refreshToken };
      grant.refreshToken = refreshToken;
      // A delayed response may come after the end of its grant.
      if (!this.ended.has(familyId)) {
        this.grants.set(familyId, grant);
      }
      const issuedAtMs = Math.floor(decidedAt / 1_000) * 1_000;
      this.accessTokens.set(accessToken, { familyId, expiresAtMs: issuedAtMs + issued.lifetimeSeconds * 1_000 });
      if (refreshToken !== undefined) {
        this.families.set(refreshToken, familyId);
      }
    }
    const familyId = issued?.grantId ?? this.families.get(presented ?? '');
    this.history.push({
      kind,
      at,
      endsAt,
      status,
      outcome: error ?? 'ok',
      ...(familyId === undefined ? {} : { familyId }),
      ...(presented === undefined ? {} : { refreshTokenFingerprint: fingerprint(presented) }),
    });
  }

  /** Notes that the server has revoked a grant. */
  end(grantId: string): void {
    this.grants.delete(grantId);
    this.ended.add(grantId);
  }

  liveGrants(): readonly Grant[] {
    return [...this.grants.values()];
  }

  isLiveRefreshToken(token: string): boolean {
    return this.liveGrants().some(({ refreshToken }) => refreshToken === token);
  }

  findIssued(accessToken: string): { readonly familyId: string; readonly expiresAtMs: number } | undefined {
    return this.accessTokens.get(accessToken);
  }
}
