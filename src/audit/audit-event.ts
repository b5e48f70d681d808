import type { ErrorCode } from '../errors/error-code.js';

/** Everything that leaves an entry. An action that is not listed cannot be recorded. */
export const auditActions = [
  'link.started',
  'link.completed',
  'link.failed',
  'link.confirmed',
  'connection.unlinked',
  'connection.needs_relink',
  'connection.recovered',
  'connection.exchange_begun',
  'connection.exchanged',
  'connection.exchange_failed',
  'connection.migrated',
  'connection.imported',
  'connection.exported',
  'connections.frozen',
  'connections.thawed',
  'token.handed_out',
  'request.proxied',
  'request.signed',
  'token.rejected',
  'token.refreshed',
  'token.refresh_failed',
  'token.refresh_superseded',
  'access.denied',
  'user.erased',
  'user.exported',
  'key.added',
  'key.promoted',
  'key.reencrypted',
  'key.rewrapped',
  'key.retired',
  'api_key.created',
  'api_key.rotated',
  'api_key.revoked',
  'api_key.bound',
  'audit.pruned',
  'webhook_endpoint.created',
  'webhook_endpoint.changed',
  'webhook_endpoint.rotated',
  'webhook_endpoint.removed',
  'console.signed_in',
  'console.signed_out',
  'console.user_viewed',
  'console.delivery_resent',
] as const;

export type AuditAction = (typeof auditActions)[number];

/** Result of an action: done, not allowed, or failed. */
export const auditOutcomes = ['success', 'denied', 'failed'] as const;

export type AuditOutcome = (typeof auditOutcomes)[number];

/** The origin of a request, for the audit trail. */
export type Requester = Pick<AuditEvent, 'actor' | 'requestId' | 'address'>;

/** One fact for the audit trail. Holds no token, secret, code, verifier or key. */
export interface AuditEvent {
  readonly action: AuditAction;
  readonly outcome: AuditOutcome;
  /** The actor: `api-key:<id>`, `user`, `browser`, `service` or `cli`. Never a user's id: entries outlive the user. */
  readonly actor: string;
  /** Whom it concerns. Only a keyed digest of it is kept. */
  readonly userId?: string | undefined;
  /** Slug. */
  readonly provider?: string | undefined;
  /** UUID. */
  readonly connectionId?: string | undefined;
  /**
   * The object or the result of the action: `api-key:<id>`, `key:<kid>`, `link:<id>`, `before:<date>`,
   * `provider:<slug>`, `token-set:<number>`, `reason:<reason>`, of an export `move` or `copy`, or, in a summary,
   * `calls:<number>`.
   */
  readonly subject?: string | undefined;
  /** Why it was denied or failed. */
  readonly code?: ErrorCode | undefined;
  /** Joins the entry with the log lines of the request. */
  readonly requestId?: string | undefined;
  /** The caller's address in the form of CALLER_ADDRESS; absent without a caller. */
  readonly address?: string | undefined;
}
