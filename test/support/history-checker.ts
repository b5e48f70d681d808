import type { INestApplicationContext } from '@nestjs/common';
import type { HistoryEntry } from '../../src/sandbox/call-history.js';
import type { FakeProvider } from '../../src/sandbox/fake-provider.js';
import { ConnectionStore } from '../../src/tokens/store/connection-store.js';
import { TokenVault } from '../../src/tokens/store/token-vault.js';
import type { StoredVersion } from './connection-history.js';

/** A connection as the checker knows it from the beginning on, however it ends. */
export interface CheckedConnection {
  readonly userId: string;
  /** The grant at the provider that the link brought; of several links the last. */
  readonly familyId: string;
  /** The grants of earlier links; what a refresh of them brings after the last link is dropped. */
  readonly formerFamilyIds?: readonly string[];
}

/** A token as a caller got it. */
export interface IssuedToken {
  readonly userId: string;
  readonly provider: string;
  readonly accessToken: string;
  /** When the caller asked and when it had the response, milliseconds since 1970 on the clock of this machine. */
  readonly askedAtMs: number;
  readonly receivedAtMs: number;
}

/** A call for a token that got a response of any kind. */
export interface TokenCall {
  readonly userId: string;
  readonly provider: string;
  /** When the caller asked and when it had the response, milliseconds since 1970 on the clock of this machine. */
  readonly askedAtMs: number;
  readonly receivedAtMs: number;
  readonly status: number;
  /** Of an error. */
  readonly code: string | undefined;
}

/** Calls and tokens of a provider. A fake records them, and so does an independent server under test. */
export type ProviderRecords = Pick<FakeProvider, 'history' | 'liveGrants' | 'isLiveRefreshToken' | 'findIssued'>;

/** The traces of a run on both sides. */
export interface Evidence {
  readonly fake: FakeProvider;
  /** Of the server that stands in the provider's place; the provider's own when absent. */
  readonly records?: ProviderRecords;
  /** Opens what is stored; any instance on the database can. */
  readonly vault: Pick<INestApplicationContext, 'get'>;
  readonly connections: readonly CheckedConnection[];
  /** Families whose refresh token may be sent again because a response to it was lost. */
  readonly inDoubt?: ReadonlySet<string>;
  /** Every token set that was stored since before the connections were linked; I2 and I5 need it. */
  readonly history?: readonly StoredVersion[];
  /** Every token that a caller got. */
  readonly issuedTokens?: readonly IssuedToken[];
  /** Every call that a process responded to which was neither frozen nor without its database. */
  readonly calls?: readonly TokenCall[];
  /** Issued tokens in the audit trail by the id of the connection. */
  readonly auditedIssues?: ReadonlyMap<string, number>;
  /** Refreshes in the audit trail by id of the connection and number of the token set, as `<id> token-set:<number>`. */
  readonly auditedRefreshes?: ReadonlyMap<string, number>;
  /**
   * Calls for a token whose response never arrived, by user: their issued tokens may be in the audit trail all the
   * same.
   */
  readonly unanswered?: ReadonlyMap<string, number>;
}

/** A promise that was broken; the names are those of `security.md` 2.4. */
export interface Violation {
  /**
   * `I1` a refresh token was sent again although it had been exchanged, or might be at that moment; `I2` a caller got a
   * token that was not this user's, not committed yet, replaced already, or expired; `I3` what is stored is not what
   * the provider takes: the connection is lost; `I4` the user is asked to link again although the grant stands; `I5` a
   * refresh ended in no commit or in several, or has not one row in the audit trail, or an issued token has none; `I6`
   * two token requests for one connection were in flight at once; `I7` a secret stands where none may; `I8` a caller
   * was refused although its token worked, or waited for a new one longer than it may.
   */
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8';
  readonly userId: string;
  readonly what: string;
}

/** A caller with a working token waits no longer than this, in milliseconds ... */
const longestWaitMs = 2_000;
/** ... nor until its token has less than this left ... */
const leastLifeMs = 5_000;
/** ... and is not judged with less than this when it asks: the service looks at the life a little later. */
const judgedLifeMs = 7_000;
/** How much longer a call may take on a machine that has other things to do, in milliseconds. */
const slackMs = 5_000;

type Report = (invariant: Violation['invariant'], what: string) => void;

/** Finds a connection's grant at the provider by the account that was linked last. */
export function findFamily(provider: ProviderRecords, accountId: string): string {
  const family = provider.liveGrants().findLast((grant) => grant.accountId === accountId)?.familyId;
  if (family === undefined) {
    throw new Error(`The provider has no grant of account ${accountId}.`);
  }
  return family;
}

/** Returns the refreshes of one grant in the order in which they reached the provider. */
export function refreshesOf(provider: ProviderRecords, familyId: string): HistoryEntry[] {
  return provider.history.filter((entry) => entry.kind === 'refresh' && entry.familyId === familyId);
}

/** The users who must link again. */
export function lostUsers(violations: readonly Violation[]): Set<string> {
  return new Set(violations.filter(({ invariant }) => invariant === 'I3').map(({ userId }) => userId));
}

/**
 * Joins what the provider has seen with what is stored. Call it when nothing is under way any more.
 *
 * Requests that the provider turned away unread, by a misbehaviour without `processed`, belong to no family and are not
 * judged.
 *
 * @returns every broken promise; empty when all were kept
 */
export async function findViolations(evidence: Evidence): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const connection of evidence.connections) {
    const { userId, familyId } = connection;
    const families = new Set([familyId, ...(connection.formerFamilyIds ?? [])]);
    const calls = (evidence.records ?? evidence.fake).history.filter(
      (entry) => families.has(entry.familyId ?? '') && (entry.kind === 'token' || entry.kind === 'refresh'),
    );
    const report: Report = (invariant, what) => {
      violations.push({ invariant, userId, what });
    };
    const inDoubt = evidence.inDoubt?.has(familyId) === true;
    if (!inDoubt) {
      findRepeatedTokens(calls, evidence.fake).forEach((what) => report('I1', what));
    }
    for (const family of families) {
      findOverlaps(calls.filter((call) => call.familyId === family)).forEach((what) => report('I6', what));
    }
    await findDivergence(evidence, connection, report);
    if (evidence.history !== undefined) {
      const isOurs = (each: { userId: string; provider: string }): boolean =>
        each.userId === userId && each.provider === evidence.fake.slug;
      const versions = evidence.history.filter(isOurs);
      const issuedTokens = evidence.issuedTokens?.filter(isOurs) ?? [];
      for (const issuedToken of issuedTokens) {
        findWrongIssue(issuedToken, versions, connection, evidence.records ?? evidence.fake).forEach((what) =>
          report('I2', what),
        );
      }
      for (const call of evidence.calls?.filter(isOurs) ?? []) {
        findWithheldToken(call, versions).forEach((what) => report('I8', what));
      }
      findUnaudited(evidence, connection, issuedTokens.length, versions).forEach((what) => report('I5', what));
      findUnauditedRefreshes(evidence, connection, versions).forEach((what) => report('I5', what));
      if (!inDoubt) {
        findWrongOutcomes(calls, versions, connection).forEach((what) => report('I5', what));
      }
    }
  }
  return violations;
}

function findRepeatedTokens(calls: readonly HistoryEntry[], fake: FakeProvider): string[] {
  const { definition } = fake;
  if (definition.oauth !== '2.0' || definition.rotation === 'never') {
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

/** The provider sent no new refresh token, so the old one stays good. */
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
  { fake, records = fake, vault }: Evidence,
  { userId, familyId }: CheckedConnection,
  report: Report,
): Promise<void> {
  const isGrantAlive = records.liveGrants().some((grant) => grant.familyId === familyId);
  const stored = await vault.get(ConnectionStore).find(userId, fake.slug);
  if (stored === undefined) {
    report('I3', 'the connection is gone');
    return;
  }
  if (stored.status === 'needs_relink' && isGrantAlive) {
    report('I4', 'a new link is asked for although the grant stands');
  }
  const { refreshToken } = await vault.get(TokenVault).open(stored);
  if (!isGrantAlive) {
    report('I3', 'the provider has ended the grant');
  } else if (refreshToken === undefined || !records.isLiveRefreshToken(refreshToken)) {
    report('I3', 'the stored refresh token is not the live one');
  }
}

function findWrongIssue(
  { accessToken, askedAtMs, receivedAtMs }: IssuedToken,
  versions: readonly StoredVersion[],
  { familyId, formerFamilyIds = [] }: CheckedConnection,
  records: ProviderRecords,
): string[] {
  const at = `at ${receivedAtMs}`;
  const issued = records.findIssued(accessToken);
  if (issued === undefined || ![familyId, ...formerFamilyIds].includes(issued.familyId)) {
    return [`a token was issued ${at} that the provider has not issued for this grant`];
  }
  if (issued.expiresAtMs <= askedAtMs) {
    return [`a token was issued ${at} that had expired at ${issued.expiresAtMs}`];
  }
  const index = versions.findIndex(({ tokens }) => tokens.accessToken === accessToken);
  const version = versions[index];
  // Our clock has whole milliseconds.
  if (version === undefined || version.committedAtMs > receivedAtMs + 1) {
    return [`a token was issued ${at} that was committed ${version ? `at ${version.committedAtMs}` : 'never'}`];
  }
  const successor = versions[index + 1];
  if (successor !== undefined && successor.committedAtMs < askedAtMs) {
    return [`a token was issued ${at} that had been replaced at ${successor.committedAtMs}`];
  }
  return [];
}

/** By the life that the stored token had when the caller asked. */
function findWithheldToken(
  { askedAtMs, receivedAtMs, status, code }: TokenCall,
  versions: readonly StoredVersion[],
): string[] {
  const inForce = versions.findLast(({ committedAtMs }) => committedAtMs <= askedAtMs);
  const lifeMs = inForce === undefined ? 0 : (inForce.tokens.expiresAt?.getTime() ?? Infinity) - askedAtMs;
  if (lifeMs < judgedLifeMs || code === 'CONNECTION_NOT_FOUND') {
    return [];
  }
  const tookMs = receivedAtMs - askedAtMs;
  const asked = `a caller whose token had ${lifeMs} ms left`;
  if (status !== 200) {
    return [`${asked} was refused after ${tookMs} ms with ${code}`];
  }
  return tookMs > Math.min(longestWaitMs, lifeMs - leastLifeMs) + slackMs ? [`${asked} waited for ${tookMs} ms`] : [];
}

/**
 * Each set that the provider has issued is stored once, unless a new link came first; each that is stored came from one
 * response.
 */
function findWrongOutcomes(
  calls: readonly HistoryEntry[],
  versions: readonly StoredVersion[],
  { formerFamilyIds = [] }: CheckedConnection,
): string[] {
  const issued = calls.filter(({ outcome }) => outcome === 'ok').length;
  const stored = new Set(versions.map(({ tokens }) => tokens.accessToken)).size;
  const isComplete = formerFamilyIds.length === 0 ? stored === issued : stored <= issued;
  return isComplete && stored === versions.length
    ? []
    : [`the provider has issued ${issued} token sets, ${versions.length} were stored, ${stored} of them different`];
}

/**
 * Each set that a refresh has stored has one entry; where there were several links, nobody knows which sets those
 * brought.
 */
function findUnauditedRefreshes(
  { auditedRefreshes }: Evidence,
  { formerFamilyIds = [] }: CheckedConnection,
  versions: readonly StoredVersion[],
): string[] {
  if (auditedRefreshes === undefined || formerFamilyIds.length > 0) {
    return [];
  }
  return versions.slice(1).flatMap(({ id, secretGen }) => {
    const count = auditedRefreshes.get(`${id} token-set:${secretGen}`) ?? 0;
    return count === 1 ? [] : [`token set ${secretGen} was stored, and the audit trail tells of it ${count} times`];
  });
}

function findUnaudited(
  { auditedIssues, unanswered }: Evidence,
  { userId }: CheckedConnection,
  issuedTokens: number,
  versions: readonly StoredVersion[],
): string[] {
  if (auditedIssues === undefined) {
    return [];
  }
  const ids = new Set(versions.map(({ id }) => id));
  const audited = [...ids].reduce((sum, id) => sum + (auditedIssues.get(id) ?? 0), 0);
  return audited >= issuedTokens && audited <= issuedTokens + (unanswered?.get(userId) ?? 0)
    ? []
    : [`${issuedTokens} tokens were issued, and the audit trail tells of ${audited}`];
}
