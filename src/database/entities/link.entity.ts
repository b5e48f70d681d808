import { Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';

/** One attempt to connect. Found by the hash of its `state`; used once. */
@Entity('links')
@Index('links_user', ['userId'])
@Index('links_id', ['id'], { unique: true })
@Index('links_created_at', ['createdAt'])
export class LinkEntity {
  /** SHA-256 of the `state` that travels through the browser. */
  @PrimaryColumn('bytea', { name: 'state_hash', primaryKeyConstraintName: 'links_pkey' })
  stateHash!: Buffer;

  @Column('uuid')
  id!: string;

  @Column('text', { name: 'user_id' })
  userId!: string;

  @Column('text')
  provider!: string;

  @Column('text', { name: 'registration_id' })
  registrationId!: string;

  /** SHA-256 of the endpoints and client at the start of the link. */
  @Column('bytea', { name: 'registration_hash' })
  registrationHash!: Buffer;

  @Column('text', { name: 'return_url', nullable: true })
  returnUrl!: string | null;

  @Column('text', { array: true })
  scopes!: string[];

  /** Whether the code is redeemed only after the company has confirmed who is signed in (AR-04). */
  @Column('boolean', { name: 'require_confirmation', default: false })
  requireConfirmation!: boolean;

  /** The rule for another account at the provider than before: `refuse` or `replace`. */
  @Column('text', { name: 'on_account_change', default: 'refuse' })
  onAccountChange!: string;

  /** The company's notes for the connection; `null` keeps those that a connection has. */
  @Column('jsonb', { nullable: true })
  metadata!: Record<string, string> | null;

  /**
   * SHA-256 of the secret in the cookie of the browser that started the link; `null` for one that any browser may
   * finish.
   */
  @Column('bytea', { name: 'browser_hash', nullable: true })
  browserHash!: Buffer | null;

  /** The step for which the callback is held: `binding` or `confirmation`. */
  @Column('text', { name: 'held_for', nullable: true })
  heldFor!: string | null;

  /**
   * SHA-256 of the one-time secret with which the browser continues. It is kept afterwards for a browser that comes
   * again with its cookie.
   */
  @Column('bytea', { name: 'held_hash', nullable: true })
  heldHash!: Buffer | null;

  @Column('timestamptz', { name: 'held_until', nullable: true })
  heldUntil!: Date | null;

  /**
   * The sealed PKCE verifier or temporary credentials, and the callback while it waits. Erased when the link ends. It
   * is bound to every column that a decision depends on.
   */
  @Column('bytea', { nullable: true })
  sealed!: Buffer | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt!: Date;

  @Column('timestamptz', { name: 'consumed_at', nullable: true })
  consumedAt!: Date | null;

  /** `connected`, `user_mismatch`, `rejected_binding`, or the code of the error that ended it. */
  @Column('text', { nullable: true })
  outcome!: string | null;
}
