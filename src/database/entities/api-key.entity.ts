import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/**
 * A key of one of the company's services. It has the hash of the secret half, and a MAC over that hash and the rights
 * of the key.
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

  /** MAC over everything that decides about its rights; `null` in a row that was never bound. */
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
