import { typesWhere } from '../../events/event-statement.js';
import type { EventOrigin } from '../../events/event-type.js';

/** Origin of the events of a link. */
export const byCall: EventOrigin = { source: 'call', proof: 'confirmed' };
/** Origin of the events of a refresh and of the other work in the background. */
export const byRefresh: EventOrigin = { source: 'refresh', proof: 'confirmed' };

/** SQL: whether a provider that returns the granted scopes now returns others. Their order does not matter. */
export function haveScopesChanged(granted: string): string {
  return `NOT (connections.scopes_granted @> ${granted} AND connections.scopes_granted <@ ${granted})`;
}

/**
 * SQL: the events of a successful refresh. Events of the first failure and of the recovery come in pairs.
 *
 * @param granted - SQL: the scopes of the token response; `NULL` when it has none
 */
export function afterRefresh(granted: string): string {
  return typesWhere({
    'connection.recovered': `connections.status = 'needs_relink' OR connections.failed_attempts > 0`,
    'connection.scopes_changed': haveScopesChanged(granted),
  });
}

/** SQL: whether a failure that does not end the connection is the first since the last success. */
export const isFirstFailure = `connections.status = 'active' AND connections.failed_attempts = 0`;

/** SQL: the details of the event of a failed refresh. */
export const failureDetails = `CASE WHEN type = 'connection.refresh_failing' THEN jsonb_build_object('error_code', last_error_code)
  ELSE '{}'::jsonb END`;

/** SQL: the reason in the event of a failed refresh, as in the state of the connection. */
export const failureReason = `CASE WHEN type = 'connection.needs_relink' THEN end_reason
  WHEN suspect_since IS NOT NULL THEN 'refusal_unconfirmed' WHEN gone_since IS NOT NULL THEN 'gone_unconfirmed'
  ELSE 'refresh_failing' END`;

/**
 * SQL: sets the expiry of the refresh token after a refresh. If the token expires at a fixed time, each response has
 * the lifetime left in whole seconds. Two instants that differ by less than ten seconds are the same expiry, which is
 * announced once.
 *
 * @param expiry - SQL: the expiry by the token response
 * @param now - SQL: a column with the present instant; Citus does not take `now()` in a CASE of the SET clause
 */
export function movedExpiry(expiry: string, now: string): string {
  const isSame = `abs(extract(epoch FROM ${expiry} - connections.refresh_expires_at)) < 10`;
  return `refresh_expires_at = CASE WHEN ${isSame} THEN connections.refresh_expires_at ELSE ${expiry} END,
    expiry_moved_at = CASE WHEN ${isSame} THEN connections.expiry_moved_at ELSE ${now} END`;
}
