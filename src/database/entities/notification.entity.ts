import { Column, CreateDateColumn, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { ConnectionEntity } from './connection.entity.js';

/**
 * One event of a provider's notification about one connection. It holds ids, times and names, no body. The row is
 * deleted with the connection.
 */
@Entity('notifications')
@Index('notifications_due', ['dueAt'], { where: 'due_at IS NOT NULL' })
@Index('notifications_repeatable', ['repeatableAt'])
@Index('notifications_checked', ['provider', 'doneAt'], { where: `outcome = 'checked'` })
export class NotificationEntity {
  @PrimaryColumn('text', { name: 'user_id', primaryKeyConstraintName: 'notifications_pkey' })
  userId!: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'notifications_pkey' })
  provider!: string;

  /** Identifies the event among those about the connection, so that a repeated one is recognized. */
  @PrimaryColumn('bytea', { primaryKeyConstraintName: 'notifications_pkey' })
  digest!: Buffer;

  @ManyToOne(() => ConnectionEntity, { onDelete: 'CASCADE' })
  @JoinColumn([
    { name: 'user_id', referencedColumnName: 'userId', foreignKeyConstraintName: 'notifications_connection' },
    { name: 'provider', referencedColumnName: 'provider', foreignKeyConstraintName: 'notifications_connection' },
  ])
  connection!: ConnectionEntity;

  /** `deauthorized`, `account_deleted`, `permissions_changed` or `data`. */
  @Column('text')
  kind!: string;

  /** The provider's name of the kind of data. */
  @Column('text', { name: 'data_type', nullable: true })
  dataType!: string | null;

  /** By the provider's clock; `null` when the notification does not say. */
  @Column('timestamptz', { name: 'occurred_at', nullable: true })
  occurredAt!: Date | null;

  @CreateDateColumn({ name: 'received_at', type: 'timestamptz' })
  receivedAt!: Date;

  /** Whether its signature or token was right. */
  @Column('boolean')
  proven!: boolean;

  /** Whether it may mean something else, so that it ends nothing. */
  @Column('boolean')
  hint!: boolean;

  /** Fingerprint of the access token that it repeats, for the proof by that token. */
  @Column('text', { name: 'token_fingerprint', nullable: true })
  tokenFingerprint!: string | null;

  /** After this instant the same event counts as a new one. */
  @Column('timestamptz', { name: 'repeatable_at' })
  repeatableAt!: Date;

  /** When it is due; `null` after the processing. */
  @Column('timestamptz', { name: 'due_at', nullable: true })
  dueAt!: Date | null;

  @Column('timestamptz', { name: 'done_at', nullable: true })
  doneAt!: Date | null;

  /** The result of the processing. */
  @Column('text', { nullable: true })
  outcome!: string | null;
}
