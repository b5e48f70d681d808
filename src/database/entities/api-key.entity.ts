import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/**
 * A key of one of the company's services. Only the hash of its secret half is kept, and a MAC over it and what the key
 * may do.
 */
@Entity('api_keys')
export class ApiKeyEntity {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'api_keys_pkey' })
  id!: string;

  @Column('text')
  name!: string;

  /**
   * SHA-256 of the secret half. The secret has 256 random bits, so a slow hash would add nothing. Zeros once the key is
   * revoked.
   */
  @Column('bytea', { name: 'secret_hash' })
  secretHash!: Buffer;

  /** Keyed, over everything that decides what the key may do; `null` in a row that was never bound. */
  @Column('bytea', { nullable: true })
  mac!: Buffer | null;

  @Column('text', { array: true })
  scopes!: string[];

  /** Slugs of the only providers it may use; `null` is all. */
  @Column('text', { array: true, nullable: true })
  providers!: string[] | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt!: Date | null;

  /** To the minute. */
  @Column('timestamptz', { name: 'last_used_at', nullable: true })
  lastUsedAt!: Date | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt!: Date | null;
}
