import { Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';

/** A branch key, wrapped by the root key. */
@Entity('vault_keys')
@Index('vault_keys_one_active', ['purpose'], { unique: true, where: `state = 'active'` })
export class VaultKeyEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'vault_keys_pkey' })
  kid!: string;

  @Column('text')
  purpose!: string;

  /**
   * `pending` waits until every replica has it, `active` seals and opens, `decrypt_only` opens, `destroyed` is gone.
   */
  @Column('text')
  state!: string;

  /** `null` once destroyed. */
  @Column('bytea', { name: 'wrapped_key', nullable: true })
  wrappedKey!: Buffer | null;

  /** How the keys of its messages are derived (`vault/message-key.ts`). */
  @Column('smallint', { default: 1 })
  suite!: number;

  @Column('text', { name: 'root_key_ref' })
  rootKeyRef!: string;

  /** Identifies the key, so that an unwrapped one can be checked. Reveals nothing else about it. */
  @Column('bytea', { name: 'key_check', nullable: true })
  keyCheck!: Buffer | null;

  /** Values sealed under this key, as reported by the replicas so far. */
  @Column('bigint', { default: 0 })
  operations!: string;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'activated_at', nullable: true })
  activatedAt!: Date | null;

  @Column('timestamptz', { name: 'retired_at', nullable: true })
  retiredAt!: Date | null;

  @Column('timestamptz', { name: 'destroyed_at', nullable: true })
  destroyedAt!: Date | null;
}
