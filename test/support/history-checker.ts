import type { HistoryEntry } from '../../src/sandbox/call-history.js';
import type { FakeMaker } from '../../src/sandbox/fake-maker.js';
import { ConnectionStore } from '../../src/tokens/connection-store.js';
import { TokenVault } from '../../src/tokens/token-vault.js';
import type { TestApplication } from './application.js';

/** A connection as the checker knows it from the beginning on, however it ends. */
export interface CheckedConnection {
  readonly userId: string;
  /** The grant at the maker that the link brought. */
  readonly familyId: string;
}

/** What a run has left behind on both sides. */
export interface Evidence {
  readonly maker: FakeMaker;
  /** Opens what is stored; any instance on the database can. */
  readonly application: Pick<TestApplication, 'app'>;
  readonly connections: readonly CheckedConnection[];
  /** Families whose refresh token may be sent again because an answer to it was lost. */
  readonly inDoubt?: ReadonlySet<string>;
}

/** A promise that was broken; the names are those of `security.md` 2.4. */
export interface Violation {
  /**
   * `I1` a refresh token was sent again although it had been exchanged, or might be at that moment;
   * `I3` what is stored is not what the maker takes: the connection is lost;
   * `I4` the user is asked to link anew although the grant stands;
   * `I6` two token requests for one connection were in flight at once.
   */
  readonly invariant: 'I1' | 'I3' | 'I4' | 'I6';
  readonly userId: string;
  readonly what: string;
}

/** Finds a connection's grant at the maker by the account that was linked last. */
export function findFamily(maker: FakeMaker, accountId: string): string {
  const family = maker.liveGrants().findLast((grant) => grant.accountId === accountId)?.familyId;
  if (family === undefined) {
    throw new Error(`The maker has no grant of account ${accountId}.`);
  }
  return family;
}

/** Returns the refreshes of one grant in the order in which they reached the maker. */
export function refreshesOf(maker: FakeMaker, familyId: string): HistoryEntry[] {
  return maker.history.filter((entry) => entry.kind === 'refresh' && entry.familyId === familyId);
}

/**
 * Joins what the maker has seen with what is stored. Call it when nothing is under way any more.
 *
 * Requests that the maker turned away unread, by a misbehaviour without `processed`, belong to no family and are not judged.
 *
 * @returns every broken promise; empty when all were kept
 */
export async function findViolations(evidence: Evidence): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const connection of evidence.connections) {
    const { userId, familyId } = connection;
    const calls = evidence.maker.history.filter(
      (entry) => entry.familyId === familyId && (entry.kind === 'token' || entry.kind === 'refresh'),
    );
    const report = (invariant: Violation['invariant'], what: string): void => {
      violations.push({ invariant, userId, what });
    };
    if (evidence.inDoubt?.has(familyId) !== true) {
      findRepeatedTokens(calls, evidence.maker).forEach((what) => report('I1', what));
    }
    findOverlaps(calls).forEach((what) => report('I6', what));
    await findDivergence(evidence, connection, report);
  }
  return violations;
}

function findRepeatedTokens(calls: readonly HistoryEntry[], maker: FakeMaker): string[] {
  const { declaration } = maker;
  if (declaration.oauth !== '2.0' || declaration.rotation === 'never') {
    return [];
  }
  const found: string[] = [];
  for (const exchanged of calls.filter((call) => call.outcome === 'ok' && !keepsRefreshToken(call))) {
    const token = exchanged.refreshTokenFingerprint;
    const others = calls.filter((call) => call !== exchanged && call.refreshTokenFingerprint === token);
    for (const other of token === undefined ? [] : others) {
      // A request that was refused and over before the exchange began is a repetition of nothing.
      if ((other.endsAt ?? Infinity) > exchanged.at) {
        found.push(`refresh token ${token} was sent at ${exchanged.at} and at ${other.at} (${other.outcome})`);
      }
    }
  }
  return found;
}

/** The maker answered without a new refresh token, so the old one goes on. */
function keepsRefreshToken({ misbehaviour }: HistoryEntry): boolean {
  return misbehaviour === 'omitRefreshToken' || misbehaviour === 'emptyRefreshToken';
}

function findOverlaps(calls: readonly HistoryEntry[]): string[] {
  const found: string[] = [];
  let busyUntil = -Infinity;
  for (const { at, endsAt } of calls.toSorted((left, right) => left.at - right.at)) {
    if (at < busyUntil) {
      found.push(`a token request came at ${at} while another was in flight until ${busyUntil}`);
    }
    busyUntil = Math.max(busyUntil, endsAt ?? Infinity);
  }
  return found;
}

async function findDivergence(
  { maker, application }: Evidence,
  { userId, familyId }: CheckedConnection,
  report: (invariant: Violation['invariant'], what: string) => void,
): Promise<void> {
  const isGrantAlive = maker.liveGrants().some((grant) => grant.familyId === familyId);
  const stored = await application.app.get(ConnectionStore).find(userId, maker.slug);
  if (stored === undefined) {
    report('I3', 'the connection is gone');
    return;
  }
  if (stored.status === 'needs_relink' && isGrantAlive) {
    report('I4', 'a new link is asked for although the grant stands');
  }
  const { refreshToken } = await application.app.get(TokenVault).open(stored);
  if (!isGrantAlive) {
    report('I3', 'the maker has ended the grant');
  } else if (refreshToken === undefined || !maker.isLiveRefreshToken(refreshToken)) {
    report('I3', 'the stored refresh token is not the live one');
  }
}
