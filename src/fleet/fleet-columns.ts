/**
 * SQL: the reason of a stored connection, `null` when it has none. It equals `connectionState`, except for an end that
 * the row does not show yet. An index has the same expression.
 */
export const storedReason = `CASE
  WHEN status = 'needs_relink' THEN coalesce(end_reason, 'grant_refused')
  WHEN suspect_since IS NOT NULL THEN 'refusal_unconfirmed'
  WHEN gone_since IS NOT NULL THEN 'gone_unconfirmed'
  WHEN failed_attempts > 0 THEN 'refresh_failing'
  WHEN NOT refreshable AND expires_at IS NOT NULL THEN 'no_refresh_token'
END`;

/** SQL: when a connection was last linked, refreshed, failed or ended. An index has the same expression. */
export const updatedAt = 'greatest(linked_at, last_refreshed_at, last_error_at, ended_at)';
