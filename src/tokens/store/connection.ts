import type { ErrorCode } from '../../errors/error-code.js';
import type { Metadata } from './metadata.js';

/** Why a connection needs a new link. */
export const endReasons = [
  /** The provider refused the refresh token, and refused it again later. */
  'grant_refused',
  /** The access token has expired, and the provider never gave a refresh token. */
  'no_refresh_token',
  /** Every refresh has failed for days, and the access token expired days ago. */
  'unreachable',
  /** The provider responded with HTTP 410 Gone, and again an hour later. */
  'provider_gone',
  /** The provider has shut down its API on the day that it had announced. */
  'provider_retired',
  /** Another user has connected the same account. */
  'account_taken',
  /** The provider has proven that the user withdrew consent there. */
  'deauthorized',
  /** The provider has proven that the user's account there is gone. */
  'account_deleted',
] as const;

export type EndReason = (typeof endReasons)[number];

/** `needs_relink`: the connection has ended; only a new link helps. `EndReason` says why. */
export type ConnectionStatus = 'active' | 'needs_relink';

/** A stored connection, with columns that SQL computes by the database's clock. */
export interface Connection {
  readonly userId: string;
  readonly provider: string;
  readonly id: string;
  readonly registrationId: string;
  readonly status: ConnectionStatus;
  readonly secretGen: number;
  /** `null` when the connection has ended and its tokens were erased. */
  readonly sealed: Buffer | null;
  readonly scopesRequested: readonly string[];
  readonly scopesGranted: readonly string[] | null;
  /** Whether the provider listed the granted scopes in an unreadable way. */
  readonly scopesUnknown: boolean;
  readonly expiresAt: Date | null;
  readonly refreshable: boolean;
  readonly refreshExpiresAt: Date | null;
  readonly linkedAt: Date;
  readonly lastRefreshedAt: Date | null;
  readonly failedAttempts: number;
  /** When the provider first called the grant dead; `null` when it did not. */
  readonly suspectSince: Date | null;
  /** Milliseconds since then; `null` when the provider did not call the grant dead. */
  readonly suspectForMs: number | null;
  /** When the provider first responded with HTTP 410; `null` when the last response was another one. */
  readonly goneSince: Date | null;
  /** Why it needs a new link; `null` while it is active. */
  readonly endReason: EndReason | null;
  readonly endedAt: Date | null;
  readonly lastErrorCode: string | null;
  readonly lastErrorAt: Date | null;
  /** Start of its freeze: its tokens are not refreshed, because another system may use them. `null` without one. */
  readonly frozenAt: Date | null;
  readonly metadata: Metadata;
  /** Whether a process holds the lease to refresh now. */
  readonly leased: boolean;
  /** Milliseconds until a refresh may be tried; 0 when it may be tried now. */
  readonly retryInMs: number;
  /** Milliseconds since a refresh was started whose outcome is unknown; `null` when there is none. */
  readonly inDoubtForMs: number | null;
}

/** The scopes of a connection: as granted, or as requested if the provider reports none; `null` when unknown. */
export function scopesOf({
  scopesGranted,
  scopesUnknown,
  scopesRequested,
}: Pick<Connection, 'scopesGranted' | 'scopesUnknown' | 'scopesRequested'>): readonly string[] | null {
  return scopesGranted ?? (scopesUnknown ? null : scopesRequested);
}

/** The columns that a new token set changes. */
export interface SealedTokenSet {
  readonly sealed: Buffer;
  readonly scopesGranted: readonly string[] | null;
  readonly scopesUnknown: boolean;
  readonly expiresAt: Date | null;
  readonly refreshable: boolean;
  readonly refreshExpiresAt: Date | null;
  /** When the scheduler refreshes it, in milliseconds after the save; `null` when only callers make it due. */
  readonly refreshDueInMs: number | null;
}

/** The account at the provider that a token set is for. */
export interface StoredAccount {
  /** Keyed digest; `null` while the account is not known. */
  readonly digest: Buffer | null;
  /** Digest of the previous id of the account; `null` when there is none. */
  readonly formerDigest: Buffer | null;
  /** Whether no other active connection may have this account. */
  readonly exclusive: boolean;
  /** Whether the account must be looked up later. */
  readonly isPending: boolean;
}

/**
 * The evidence of a failed refresh about the grant:
 * - `refused`: the provider called it dead.
 * - `gone`: HTTP 410.
 * - `failed`: the provider responded, with nothing for or against the grant.
 * - `silent`: the provider's decision is unknown.
 * - `ours`: the provider limits or rejects this deployment, or the error is internal.
 */
export type RefreshEvidence = 'refused' | 'gone' | 'failed' | 'silent' | 'ours';

/** The record of a failed refresh. */
export interface RefreshFailureRecord {
  readonly code: ErrorCode;
  /** Whether the provider's decision is known; if not, the refresh token may be spent. */
  readonly outcomeKnown: boolean;
  /** When a caller may try again. */
  readonly retryInMs: number;
  /** When the scheduler tries again. */
  readonly dueInMs: number;
  readonly evidence: RefreshEvidence;
}

/** When evidence ends a connection, and when an ended connection is tried again. Durations in milliseconds. */
export interface EndingTerms {
  /** How long after the first refusal a further one ends the connection. */
  readonly confirmationMs: number;
  /** The same, if the provider's API has rejected the access token as well. */
  readonly corroboratedMs: number;
  /** How long after the first HTTP 410 a further one ends the connection. */
  readonly goneMs: number;
  /** How long every refresh must fail before a connection is unreachable. */
  readonly unreachableMs: number;
  /** The access token must have expired before this instant for a connection to be unreachable. */
  readonly expiredBefore: Date;
  /** Time from the end of a connection to a trial, and the period in which such trials are made. */
  readonly trialInMs: number;
  readonly trialsForMs: number;
}

/** The connection as a failed refresh leaves it. */
export interface RecordedFailure {
  readonly status: ConnectionStatus;
  readonly endReason: EndReason | null;
}

/** Columns of a {@link Connection}. */
export const connectionColumns = `
  user_id AS "userId", provider, id, registration_id AS "registrationId", status, secret_gen AS "secretGen", sealed,
  scopes_requested AS "scopesRequested", scopes_granted AS "scopesGranted",
  scopes_unknown AS "scopesUnknown", expires_at AS "expiresAt", refreshable,
  refresh_expires_at AS "refreshExpiresAt", linked_at AS "linkedAt", last_refreshed_at AS "lastRefreshedAt",
  failed_attempts AS "failedAttempts", suspect_since AS "suspectSince",
  floor(extract(epoch FROM now() - suspect_since) * 1000)::float8 AS "suspectForMs", gone_since AS "goneSince",
  end_reason AS "endReason", ended_at AS "endedAt", last_error_code AS "lastErrorCode", last_error_at AS "lastErrorAt",
  frozen_at AS "frozenAt", metadata,
  coalesce(leased_until > now(), false) AS leased,
  coalesce(greatest(0, ceil(extract(epoch FROM retry_at - now()) * 1000)), 0)::float8 AS "retryInMs",
  floor(extract(epoch FROM now() - attempt_started_at) * 1000)::float8 AS "inDoubtForMs"`;

/** Identifies a row and the token set in it. */
export type ConnectionKey = Pick<Connection, 'userId' | 'provider' | 'id' | 'secretGen'>;

/** Identifies a token set and its link. A new link keeps the id of the row. */
export type LinkKey = ConnectionKey & Pick<Connection, 'linkedAt'>;

/** SQL: clears the columns of lease, failures, doubt and end for a new token set. */
export const clearedAttempt = `lease_id = NULL, leased_until = NULL, attempt_started_at = NULL, failed_attempts = 0, retry_at = NULL,
  suspect_since = NULL, gone_since = NULL, failing_since = NULL, access_rejected_at = NULL,
  status = 'active', end_reason = NULL, ended_at = NULL, last_error_code = NULL, last_error_at = NULL`;
