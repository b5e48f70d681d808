import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** A key of one of the company's services. Only the hash of its secret half is kept. */
@Entity('api_keys')
export class ApiKeyEntity {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'api_keys_pkey' })
  id!: string;

  @Column('text')
  name!: string;

  /** SHA-256 of the secret half. The secret has 256 random bits, so a slow hash would add nothing. */
  @Column('bytea', { name: 'secret_hash' })
  secretHash!: Buffer;

  @Column('text', { array: true })
  scopes!: string[];

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt!: Date | null;
}
