import { Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';

/** A call that its caller may repeat. Neither the caller's key nor the body is stored. */
@Entity('idempotency_keys')
@Index('idempotency_keys_created_at', ['createdAt'])
export class IdempotencyKeyEntity {
  /** SHA-256 of the caller, the call and the key. */
  @PrimaryColumn('bytea', { primaryKeyConstraintName: 'idempotency_keys_pkey' })
  digest!: Buffer;

  /** Id of one attempt, so that an attempt that took too long cannot overwrite the next one. */
  @Column('uuid')
  id!: string;

  /** SHA-256 of the body. */
  @Column('bytea', { name: 'body_hash' })
  bodyHash!: Buffer;

  /** The response, sealed; `null` while the call is in progress. */
  @Column('bytea', { nullable: true })
  sealed!: Buffer | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;
}
