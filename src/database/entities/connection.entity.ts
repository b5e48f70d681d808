import { Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';

/** One of the company's users linked to one provider, with the sealed token set and the state of its refresh. */
@Entity('connections')
@Index('connections_account', ['accountDigest'])
@Index('connections_one_per_account', ['accountDigest'], {
  unique: true,
  where: `account_exclusive AND status = 'active'`,
})
@Index('connections_account_due', ['accountDueAt'], { where: `account_due_at IS NOT NULL AND status = 'active'` })
@Index('connections_account_unknown', ['registrationId'], { where: `account_digest IS NULL AND status = 'active'` })
@Index('connections_dead', ['endedAt'], { where: `status = 'needs_relink' AND sealed IS NOT NULL` })
@Index('connections_not_refreshable', ['expiresAt'], {
  where: `status = 'active' AND NOT refreshable AND expires_at IS NOT NULL`,
})
@Index('connections_ended', ['userId', 'provider'], { where: `status = 'needs_relink'` })
@Index('connections_error', ['lastErrorCode', 'userId', 'provider'], { where: 'last_error_code IS NOT NULL' })
@Index('connections_of_provider', ['provider', 'status', 'userId'])
// Indexes of expressions, which TypeORM cannot describe: see fleet/fleet-columns.ts.
@Index('connections_reason', { synchronize: false })
@Index('connections_updated', { synchronize: false })
@Index('connections_refresh_expires', ['refreshExpiresAt'], {
  where: `status = 'active' AND refresh_expires_at IS NOT NULL`,
})
@Index('connections_refresh_due', ['provider', 'refreshDueAt'], {
  where: 'refresh_due_at IS NOT NULL AND frozen_at IS NULL',
})
@Index('connections_frozen', ['provider', 'userId'], { where: 'frozen_at IS NOT NULL' })
export class ConnectionEntity {
  @PrimaryColumn('text', { name: 'user_id', primaryKeyConstraintName: 'connections_pkey' })
  userId!: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'connections_pkey' })
  provider!: string;

  /** New for every link after an unlink, so that an old sealed value fits no later row. */
  @Column('uuid')
  id!: string;

  /** The client registration at the provider that the grant belongs to. */
  @Column('text', { name: 'registration_id' })
  registrationId!: string;

  /** Keyed digest of the registration and the account at the provider; `null` while the account is not known. */
  @Column('bytea', { name: 'account_digest', nullable: true })
  accountDigest!: Buffer | null;

  /** Whether no other active connection may have this account. */
  @Column('boolean', { name: 'account_exclusive', default: false })
  accountExclusive!: boolean;

  /**
   * When the provider is asked for the account again, because it did not return it at the link; `null` if it is not
   * asked.
   */
  @Column('timestamptz', { name: 'account_due_at', nullable: true })
  accountDueAt!: Date | null;

  /** `active` or `needs_relink`. */
  @Column('text')
  status!: string;

  /** Increases with every new token set; bound into the sealed value and compared on save. */
  @Column('integer', { name: 'secret_gen' })
  secretGen!: number;

  /** `null` when the connection has ended and its tokens were erased. */
  @Column('bytea', { nullable: true })
  sealed!: Buffer | null;

  @Column('text', { name: 'scopes_requested', array: true })
  scopesRequested!: string[];

  /** `null` when the provider does not say. */
  @Column('text', { name: 'scopes_granted', array: true, nullable: true })
  scopesGranted!: string[] | null;

  /**
   * Whether the provider listed the granted scopes in an unreadable way. `scopes_granted` takes precedence if it is
   * set.
   */
  @Column('boolean', { name: 'scopes_unknown', default: false })
  scopesUnknown!: boolean;

  /** When the access token expires; `null` when it does not, or the expiry is unknown. */
  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt!: Date | null;

  @Column('boolean')
  refreshable!: boolean;

  @Column('timestamptz', { name: 'refresh_expires_at', nullable: true })
  refreshExpiresAt!: Date | null;

  @CreateDateColumn({ name: 'linked_at', type: 'timestamptz' })
  linkedAt!: Date;

  @Column('timestamptz', { name: 'last_refreshed_at', nullable: true })
  lastRefreshedAt!: Date | null;

  /** The lease of the process that refreshes now, and when it expires. */
  @Column('uuid', { name: 'lease_id', nullable: true })
  leaseId!: string | null;

  @Column('timestamptz', { name: 'leased_until', nullable: true })
  leasedUntil!: Date | null;

  /**
   * Set with a lease, cleared when the outcome is known. A value that stays means that the refresh token may be spent.
   */
  @Column('timestamptz', { name: 'attempt_started_at', nullable: true })
  attemptStartedAt!: Date | null;

  @Column('integer', { name: 'failed_attempts', default: 0 })
  failedAttempts!: number;

  /** No refresh before this instant. */
  @Column('timestamptz', { name: 'retry_at', nullable: true })
  retryAt!: Date | null;

  /**
   * When the scheduler refreshes it; `null` when only callers do. A lease moves a later instant to the end of the lease
   * and of the hold after an attempt of unknown outcome. A leased row is not leased again while it is due.
   */
  @Column('timestamptz', { name: 'refresh_due_at', nullable: true })
  refreshDueAt!: Date | null;

  /** When the provider first said that the grant is dead. */
  @Column('timestamptz', { name: 'suspect_since', nullable: true })
  suspectSince!: Date | null;

  @Column('text', { name: 'last_error_code', nullable: true })
  lastErrorCode!: string | null;

  @Column('timestamptz', { name: 'last_error_at', nullable: true })
  lastErrorAt!: Date | null;

  /** Why it needs a new link, see `EndReason`; `null` while it is active. */
  @Column('text', { name: 'end_reason', nullable: true })
  endReason!: string | null;

  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt!: Date | null;

  /** When the provider first responded with HTTP 410 to a refresh. */
  @Column('timestamptz', { name: 'gone_since', nullable: true })
  goneSince!: Date | null;

  /** Since when every response to a refresh was a failure that says nothing about the grant. */
  @Column('timestamptz', { name: 'failing_since', nullable: true })
  failingSince!: Date | null;

  /** When the provider's API rejected the current access token although it had not expired. */
  @Column('timestamptz', { name: 'access_rejected_at', nullable: true })
  accessRejectedAt!: Date | null;

  /** The expiry of the refresh token in the last notice to the company; `null` before the first notice. */
  @Column('timestamptz', { name: 'expiry_announced', nullable: true })
  expiryAnnounced!: Date | null;

  /** When `refresh_expires_at` last changed; `null` if at the link. */
  @Column('timestamptz', { name: 'expiry_moved_at', nullable: true })
  expiryMovedAt!: Date | null;

  /** The types of the events that the last change of the row caused; `null` when none did. */
  @Column('text', { name: 'last_events', array: true, nullable: true })
  lastEvents!: string[] | null;

  /** Start of its freeze: its tokens are not refreshed, because another system may use them. `null` without one. */
  @Column('timestamptz', { name: 'frozen_at', nullable: true })
  frozenAt!: Date | null;

  /** When its current tokens were given to another deployment; `null` when they were not. */
  @Column('timestamptz', { name: 'exported_at', nullable: true })
  exportedAt!: Date | null;

  /** Keyed digest of the imported tokens, so that a second import changes nothing; `null` when it was linked. */
  @Column('bytea', { name: 'import_digest', nullable: true })
  importDigest!: Buffer | null;

  /** The company's own notes about it. */
  @Column('jsonb', { default: {} })
  metadata!: Record<string, string>;

  /** Events of this connection so far. */
  @Column('integer', { name: 'event_sequence', default: 0 })
  eventSequence!: number;
}
