import type { ProviderDefinition } from '../../provider-kit/definition/provider-definition.js';
import type { Connection } from '../store/connection.js';
import { endReasons, type EndReason } from '../store/connection.js';

/** Warnings about an active connection. */
export const warningReasons = [
  /** The provider refused the refresh token once. A second refusal later ends the connection. */
  'refusal_unconfirmed',
  /** The provider responded with HTTP 410 Gone once. A second one an hour later ends the connection. */
  'gone_unconfirmed',
  /** The last refresh failed, without evidence against the grant. */
  'refresh_failing',
  /** There is no refresh token: the connection ends when its access token expires. */
  'no_refresh_token',
] as const;

/** All values of `reason` of a connection. */
export const stateReasons = [...new Set([...warningReasons, ...endReasons])];

export type StateReason = (typeof stateReasons)[number];

/** The state of a connection at one instant. */
export type ConnectionState =
  | { readonly status: 'active'; readonly reason: (typeof warningReasons)[number] | null }
  | { readonly status: 'needs_relink'; readonly reason: EndReason };

type StateColumns = Pick<
  Connection,
  'status' | 'endReason' | 'refreshable' | 'expiresAt' | 'suspectSince' | 'goneSince' | 'failedAttempts'
>;

/**
 * Returns the state of a connection. Pure: the caller supplies the instant.
 *
 * A connection may have ended without a change of its row: its access token has expired, or its provider has shut down,
 * since the last check. This function shows it.
 *
 * @param connection - as stored
 * @param isRetired - whether the provider has shut down
 * @param now - the current instant, on the clock that set the expiries
 */
export function connectionState(connection: StateColumns, isRetired: boolean, now: Date): ConnectionState {
  if (connection.status === 'needs_relink') {
    // An earlier version, which recorded no reason, may have ended it.
    return { status: 'needs_relink', reason: connection.endReason ?? 'grant_refused' };
  }
  if (isRetired) {
    return { status: 'needs_relink', reason: 'provider_retired' };
  }
  const cannotBeRefreshed = !connection.refreshable && connection.expiresAt !== null;
  if (cannotBeRefreshed && connection.expiresAt <= now) {
    return { status: 'needs_relink', reason: 'no_refresh_token' };
  }
  if (connection.suspectSince !== null) {
    return { status: 'active', reason: 'refusal_unconfirmed' };
  }
  if (connection.goneSince !== null) {
    return { status: 'active', reason: 'gone_unconfirmed' };
  }
  if (connection.failedAttempts > 0) {
    return { status: 'active', reason: 'refresh_failing' };
  }
  return { status: 'active', reason: cannotBeRefreshed ? 'no_refresh_token' : null };
}

/** When a refresh token expires, and the source of that date. */
export interface RefreshExpiry {
  readonly at: Date;
  /** `provider`: from the token response. `declared`: computed from the lifetime that the provider publishes. */
  readonly source: 'provider' | 'declared';
}

/**
 * Returns when the refresh token of a connection expires unless it is used first; `undefined` when there is none, or
 * the expiry is unknown.
 *
 * @param connection - as stored
 * @param definition - of its provider, with the published lifetime; `undefined` when this deployment does not know it
 */
export function refreshExpiry(
  connection: Pick<Connection, 'refreshable' | 'refreshExpiresAt' | 'lastRefreshedAt' | 'linkedAt'>,
  definition: ProviderDefinition | undefined,
): RefreshExpiry | undefined {
  if (!connection.refreshable) {
    return undefined;
  }
  if (connection.refreshExpiresAt !== null) {
    return { at: connection.refreshExpiresAt, source: 'provider' };
  }
  const idleSeconds = definition?.oauth === '2.0' ? definition.refresh.refreshTokenIdleSeconds : undefined;
  const lastUsedAt = connection.lastRefreshedAt ?? connection.linkedAt;
  return idleSeconds === undefined
    ? undefined
    : { at: new Date(lastUsedAt.getTime() + idleSeconds * 1_000), source: 'declared' };
}
