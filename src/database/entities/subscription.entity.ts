import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { ConnectionEntity } from './connection.entity.js';

/** The subscriptions by which a provider sends notifications: those of the app, or those of one user. */
@Entity('subscriptions')
@Index('subscriptions_of_app', ['provider'], { unique: true, where: 'user_id IS NULL' })
@Index('subscriptions_of_user', ['userId', 'provider'], { unique: true })
@Index('subscriptions_due', ['dueAt'])
export class SubscriptionEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'subscriptions_pkey' })
  id!: string;

  @Column('text')
  provider!: string;

  /** `null`: one set of subscriptions serves all users. */
  @Column('text', { name: 'user_id', nullable: true })
  userId!: string | null;

  @ManyToOne(() => ConnectionEntity, { onDelete: 'CASCADE', nullable: true })
  @JoinColumn([
    { name: 'user_id', referencedColumnName: 'userId', foreignKeyConstraintName: 'subscriptions_connection' },
    { name: 'provider', referencedColumnName: 'provider', foreignKeyConstraintName: 'subscriptions_connection' },
  ])
  connection!: ConnectionEntity | null;

  /** `pending`, `active`, `failed`, `blocked` or `not_configured`. */
  @Column('text', { default: 'pending' })
  state!: string;

  /** Number of subscriptions that should exist. */
  @Column('integer', { default: 0 })
  wanted!: number;

  /** Number of subscriptions at the last check. */
  @Column('integer', { default: 0 })
  active!: number;

  @Column('text', { name: 'error_code', nullable: true })
  errorCode!: string | null;

  /** The provider's id of the subscription, if the app can have only one. Notifications name it. */
  @Column('text', { name: 'only_id', nullable: true })
  onlyId!: string | null;

  /** Failed checks since the last one that succeeded. */
  @Column('integer', { default: 0 })
  failures!: number;

  /** When the first of them expires. */
  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt!: Date | null;

  @Column('timestamptz', { name: 'checked_at', nullable: true })
  checkedAt!: Date | null;

  /** When they are checked again. During a check, the instant at which it counts as lost. */
  @Column('timestamptz', { name: 'due_at', default: () => 'now()' })
  dueAt!: Date;

  /** The secret of the proofs, if the provider has chosen it. */
  @Column('bytea', { nullable: true })
  sealed!: Buffer | null;
}
