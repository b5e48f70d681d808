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
] as const;

export type AuditAction = (typeof auditActions)[number];

/** How what was tried ended: it was done, it was not allowed, or it went wrong. */
export const auditOutcomes = ['success', 'denied', 'failed'] as const;

export type AuditOutcome = (typeof auditOutcomes)[number];

/** Who asks, for the audit trail. */
export type Requester = Pick<AuditEvent, 'actor' | 'requestId' | 'address'>;

/** One fact for the audit trail. Holds no token, secret, code, verifier or key. */
export interface AuditEvent {
  readonly action: AuditAction;
  readonly outcome: AuditOutcome;
  /** Who acted: `api-key:<id>`, `user`, `browser`, `service` or `cli`. Never a user's id: entries outlive the user. */
  readonly actor: string;
  /** Whom it concerns. Only a keyed digest of it is kept. */
  readonly userId?: string | undefined;
  /** Slug. */
  readonly provider?: string | undefined;
  /** UUID. */
  readonly connectionId?: string | undefined;
  /**
   * What it was done to, or what came of it: `api-key:<id>`, `key:<kid>`, `link:<id>`, `before:<date>`,
   * `provider:<slug>`, `token-set:<number>`, `reason:<reason>` or, in a summary, `calls:<number>`.
   */
  readonly subject?: string | undefined;
  /** Why it was denied or failed. */
  readonly code?: ErrorCode | undefined;
  /** Joins the entry with the log lines of the request. */
  readonly requestId?: string | undefined;
  /** Where the caller is, as CALLER_ADDRESS says; absent where nobody calls. */
  readonly address?: string | undefined;
}
