import { Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';

/** A branch key, wrapped by the root key. */
@Entity('vault_keys')
@Index('vault_keys_one_active', ['purpose'], { unique: true, where: `state = 'active'` })
export class VaultKeyEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'vault_keys_pkey' })
  kid!: string;

  @Column('text')
  purpose!: string;

  /** `active` seals and opens, `decrypt_only` opens. */
  @Column('text')
  state!: string;

  @Column('bytea', { name: 'wrapped_key' })
  wrappedKey!: Buffer;

  @Column('text', { name: 'root_key_ref' })
  rootKeyRef!: string;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;
}
