import type { Statement } from '../../database/database.js';
import { announce, typesOf, typesWhere, withEvents, writeRemoval } from '../../events/event-statement.js';
import {
  afterRefresh,
  byRefresh,
  failureDetails,
  failureReason,
  haveScopesChanged,
  isFirstFailure,
  movedExpiry,
} from './connection-events.js';
import { clearedAttempt, connectionColumns } from './connection.js';
import { deleteSubscriptions } from './unsubscription.js';

/** SQL: an instant that many milliseconds from now, on the database's clock; null when null. */
const dueIn = (parameter: string): string => `now() + ${parameter}::float8 * interval '1 millisecond'`;

/** SQL: an instant that many milliseconds ago, on the database's clock. */
const ago = (milliseconds: string): string => `now() - (${milliseconds}) * interval '1 millisecond'`;

/**
 * SQL: why a failed refresh ends the connection, or null. A refusal counts if it was not forgotten since and is old
 * enough. While the provider's circuit breaker is open, only a refusal or HTTP 410 says anything about a single
 * connection.
 */
const verdict = `CASE
    WHEN status <> 'active' THEN NULL
    WHEN $8 = 'refused' AND suspect_since > (SELECT forgotten_at FROM circuit)
      AND suspect_since <= ${ago('CASE WHEN access_rejected_at IS NULL THEN $9::float8 ELSE least($9::float8, $12::float8) END')}
      THEN 'grant_refused'
    WHEN $8 = 'gone' AND gone_since <= ${ago('$13::float8')} THEN 'provider_gone'
    WHEN $8 = 'failed' AND failing_since <= ${ago('$14::float8')} AND expires_at <= $15
      AND NOT (SELECT is_open FROM circuit) THEN 'unreachable'
  END`;

/** SQL: when an ended connection is tried again: once a day, until the trial period is over. */
const nextTrial = `CASE WHEN coalesce(ended_at, now()) + $17::float8 * interval '1 millisecond' > ${dueIn('$16')} THEN ${dueIn('$16')} END`;

/**
 * SQL: whether the row still holds the link made at that instant. JavaScript knows the instant only in whole
 * milliseconds. An ended connection holds it too, because a newer token set was received after the provider refused the
 * older one. A connection that ended because its provider shut down does not count.
 */
const isLink = (linkedAt: string): string =>
  `end_reason IS DISTINCT FROM 'provider_retired' AND sealed IS NOT NULL
   AND abs(extract(epoch FROM connections.linked_at - ${linkedAt})) < 0.002`;

/** The statements of `ConnectionStore`. */
export const connectionStatements = {
  find: {
    name: 'connections-find',
    text: `SELECT ${connectionColumns} FROM connections WHERE user_id = $1 AND provider = $2`,
  },
  list: {
    name: 'connections-list',
    text: `SELECT ${connectionColumns} FROM connections WHERE user_id = $1 ORDER BY provider`,
  },
  insert: {
    name: 'connections-insert',
    text: withEvents(
      `INSERT INTO connections (user_id, provider, id, registration_id, scopes_requested, status, secret_gen,
         sealed, scopes_granted, expires_at, refreshable, refresh_expires_at, refresh_due_at, account_digest, account_exclusive,
         account_due_at, scopes_unknown, metadata, last_events, event_sequence)
       VALUES ($1, $2, $3, $4, $5, 'active', 1, $6, $7, $8, $9, $10, ${dueIn('$11')}, $12, $13, CASE WHEN $14 THEN now() END, $15,
         coalesce($16::jsonb, '{}'),
         ${typesOf('connection.linked')}, 1)
       ON CONFLICT (user_id, provider) DO NOTHING`,
      { origin: { sourceSql: '$17', proofSql: `'confirmed'` } },
      'id',
    ),
  },
  relink: {
    name: 'connections-relink',
    text: withEvents(
      `UPDATE connections SET registration_id = $5, scopes_requested = $6, secret_gen = secret_gen + 1,
         sealed = $7, scopes_granted = $8, expires_at = $9, refreshable = $10, refresh_expires_at = $11,
         expiry_moved_at = NULL, refresh_due_at = ${dueIn('$12')}, account_digest = $13, account_exclusive = $14,
         account_due_at = CASE WHEN $15 THEN now() END, scopes_unknown = $16, metadata = coalesce($17::jsonb, connections.metadata),
         exported_at = NULL, import_digest = coalesce($18::bytea, import_digest),
         linked_at = now(), last_refreshed_at = NULL, ${clearedAttempt},
         ${announce(typesWhere({ 'connection.relinked': 'true', 'connection.scopes_changed': haveScopesChanged('$8::text[]') }))}
       WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4`,
      { origin: { sourceSql: '$19', proofSql: `'confirmed'` } },
      'id',
    ),
  },
  saveSpare: {
    name: 'connections-save-spare',
    text: `UPDATE connections SET secret_gen = secret_gen + 1, sealed = $5
           WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 AND attempt_started_at IS NULL RETURNING id`,
  },
  saveRotated: {
    name: 'connections-save-rotated',
    text: `UPDATE connections SET secret_gen = secret_gen + 1, sealed = $5, suspect_since = NULL
           WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 RETURNING id`,
  },
  findBehind: {
    name: 'connections-find-behind',
    text: `SELECT entry.number::int AS number, registration_id AS "registrationId", status = 'needs_relink' AS "hasEnded"
           FROM unnest($1::text[], $2::text[], $3::uuid[], $4::int[], $5::timestamptz[]) WITH ORDINALITY
             AS entry (user_id, provider, id, secret_gen, linked_at, number)
           JOIN connections ON connections.user_id = entry.user_id AND connections.provider = entry.provider
             AND connections.id = entry.id
           WHERE connections.secret_gen <= entry.secret_gen AND ${isLink('entry.linked_at')} ORDER BY number`,
  },
  restore: {
    name: 'connections-restore',
    text: withEvents(
      `UPDATE connections SET secret_gen = $4::int + 1, sealed = $5, scopes_granted = $6,
         scopes_unknown = $13, expires_at = $7, refreshable = $8,
         ${movedExpiry('$9::timestamptz', 'clock.now')}, refresh_due_at = least(refresh_due_at, ${dueIn('$10')}),
         last_refreshed_at = CASE WHEN $12 THEN clock.now ELSE last_refreshed_at END, lease_id = NULL, leased_until = NULL,
         attempt_started_at = now(), failed_attempts = 0, retry_at = NULL, suspect_since = NULL, gone_since = NULL,
         failing_since = NULL, access_rejected_at = NULL, last_error_code = NULL, last_error_at = NULL,
         status = 'active', end_reason = NULL, ended_at = NULL, ${announce(afterRefresh('$6::text[]'))}
       FROM (SELECT now() AS now) AS clock
       WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen <= $4::int AND ${isLink('$11::timestamptz')}`,
      { origin: byRefresh },
      'id',
    ),
  },
  learnAccount: {
    name: 'connections-learn-account',
    text: `UPDATE connections SET secret_gen = secret_gen + 1, sealed = $5, account_digest = $6, account_exclusive = $7,
             account_due_at = NULL
           WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 AND attempt_started_at IS NULL RETURNING id`,
  },
  askForAccount: {
    name: 'connections-ask-for-account',
    text: `UPDATE connections SET account_due_at = now() WHERE user_id = $1 AND provider = $2 AND id = $3`,
  },
  endForAccount: {
    name: 'connections-end-for-account',
    text: withEvents(
      `UPDATE connections SET status = 'needs_relink', end_reason = 'account_taken', ended_at = now(),
         secret_gen = secret_gen + 1, sealed = NULL, account_due_at = NULL,
         refresh_due_at = NULL, lease_id = NULL, leased_until = NULL, retry_at = NULL,
         last_error_code = $5, last_error_at = now(), ${announce(typesOf('connection.needs_relink'))}
       WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4 AND attempt_started_at IS NULL`,
      { origin: byRefresh, reason: 'end_reason' },
      'id',
    ),
  },
  isAccountTaken: {
    name: 'connections-is-account-taken',
    text: `SELECT 1 AS found FROM connections
           WHERE account_digest = $1 AND status = 'active' AND user_id <> $2 LIMIT 1`,
  },
  recordFailure: {
    name: 'connections-record-failure',
    text: withEvents(
      `UPDATE connections SET lease_id = NULL, leased_until = NULL,
             attempt_started_at = CASE WHEN $6 THEN NULL ELSE attempt_started_at END,
             failed_attempts = failed_attempts + 1, retry_at = ${dueIn('$7')},
             last_error_code = $5, last_error_at = now(),
             suspect_since = CASE WHEN $8 <> 'refused' OR suspect_since > forgotten_at THEN suspect_since ELSE judged_at END,
             gone_since = CASE WHEN $8 = 'gone' THEN coalesce(gone_since, judged_at) WHEN $8 = 'silent' THEN gone_since END,
             failing_since = CASE WHEN $8 = 'failed' THEN coalesce(failing_since, judged_at) WHEN $8 = 'silent' THEN failing_since END,
             account_due_at = CASE WHEN $18 AND verdict IS NULL AND status = 'active' THEN judged_at ELSE account_due_at END,
             status = CASE WHEN verdict IS NULL THEN status ELSE 'needs_relink' END,
             end_reason = coalesce(verdict, end_reason),
             ended_at = CASE WHEN verdict IS NULL THEN ended_at ELSE judged_at END,
             refresh_due_at = CASE
               WHEN verdict IS NOT NULL OR status = 'needs_relink' THEN trial_at
               WHEN refresh_due_at IS NOT NULL THEN look_at
             END,
             ${announce(
               typesWhere({
                 'connection.needs_relink': 'verdict IS NOT NULL',
                 'connection.refresh_failing': `verdict IS NULL AND ${isFirstFailure}`,
               }),
             )}
           FROM judged
           WHERE user_id = $1 AND provider = $2 AND id = $3 AND lease_id = $4`,
      { origin: byRefresh, reason: failureReason, details: failureDetails },
      'status, end_reason AS "endReason"',
      {
        with: `circuit AS (
             SELECT coalesce(max(suspects_forgotten_at), '-infinity') AS forgotten_at,
               coalesce(bool_or(open_until IS NOT NULL), false) AS is_open
             FROM circuit_breakers WHERE registration_id = $10
           ), judged AS (
             SELECT ${verdict} AS verdict, (SELECT forgotten_at FROM circuit) AS forgotten_at, now() AS judged_at,
               ${dueIn('$11')} AS look_at, ${nextTrial} AS trial_at
             FROM connections WHERE user_id = $1 AND provider = $2 AND id = $3 AND lease_id = $4 FOR UPDATE
           )`,
      },
    ),
  },
  noteAccessRejected: {
    name: 'connections-note-access-rejected',
    text: `UPDATE connections SET access_rejected_at = now()
           WHERE user_id = $1 AND provider = $2 AND id = $3 AND secret_gen = $4`,
  },
  remove: {
    name: 'connections-remove',
    text: `WITH removed AS (DELETE FROM connections WHERE user_id = $1 AND provider = $2 RETURNING *),
             told AS (${writeRemoval('removed', { source: '$3', eventId: '$4', sealed: '$5' })}),
             unsubscribed AS (${deleteSubscriptions('removed')})
           SELECT ${connectionColumns} FROM removed`,
  },
} satisfies Record<string, Statement>;
