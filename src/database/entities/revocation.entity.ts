import { Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';

/** A grant that must still be ended at its provider, although its connection is gone. */
@Entity('revocations')
@Index('revocations_due', ['dueAt'])
export class RevocationEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'revocations_pkey' })
  id!: string;

  /**
   * The id of the removed connection, never the user's id. Only the sealed value, which is bound to this id, names the
   * user.
   */
  @Column('text', { name: 'user_id' })
  userId!: string;

  @Column('text')
  provider!: string;

  @Column('text', { name: 'registration_id' })
  registrationId!: string;

  @Column('bytea')
  sealed!: Buffer;

  /** Whether its refresh token may be spent first: not of a frozen connection, whose tokens another system may use. */
  @Column('boolean', { name: 'may_refresh', default: true })
  mayRefresh!: boolean;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  /** Started attempts. */
  @Column('integer', { default: 1 })
  attempts!: number;

  /** When the next attempt may be made. During an attempt, the instant at which it counts as lost. */
  @Column('timestamptz', { name: 'due_at' })
  dueAt!: Date;

  @Column('text', { name: 'last_error_code', nullable: true })
  lastErrorCode!: string | null;
}
