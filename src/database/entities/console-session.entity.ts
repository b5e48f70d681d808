import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** The right of one browser to use the console with the permissions of an API key. */
@Entity('console_sessions')
@Index('console_sessions_expires_at', ['expiresAt'])
export class ConsoleSessionEntity {
  /** SHA-256 of the secret in the cookie. */
  @PrimaryColumn('bytea', { name: 'secret_hash', primaryKeyConstraintName: 'console_sessions_pkey' })
  secretHash!: Buffer;

  /** The key that was exchanged for the session. */
  @Column('text', { name: 'api_key_id' })
  apiKeyId!: string;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt!: Date;

  /** MAC over everything above, so that nobody can write or alter a row without the key. */
  @Column('bytea')
  mac!: Buffer;
}
