import { Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';

/** Permission for one browser to link accounts of one user on the hosted page. */
@Entity('link_sessions')
@Index('link_sessions_user', ['userId'])
@Index('link_sessions_created_at', ['createdAt'])
@Index('link_sessions_browser', ['browserHash'], { unique: true })
export class LinkSessionEntity {
  /** SHA-256 of the token in the link that opens the page. */
  @PrimaryColumn('bytea', { name: 'token_hash', primaryKeyConstraintName: 'link_sessions_pkey' })
  tokenHash!: Buffer;

  @Column('text', { name: 'user_id' })
  userId!: string;

  /** Slugs that may be linked; `null` for all. */
  @Column('text', { array: true, nullable: true })
  providers!: string[] | null;

  @Column('text', { name: 'return_url', nullable: true })
  returnUrl!: string | null;

  @Column('boolean', { name: 'require_confirmation' })
  requireConfirmation!: boolean;

  /** The page's access to the user's connections: `none`, `read`, or `write` to end them too. */
  @Column('text', { name: 'connection_access', default: 'none' })
  connectionAccess!: string;

  /** SHA-256 of the secret in the cookie of the browser that opened it; `null` until then. */
  @Column('bytea', { name: 'browser_hash', nullable: true })
  browserHash!: Buffer | null;

  /** MAC over everything above and the end, so that nobody can write or alter a row without the key. */
  @Column('bytea', { nullable: true })
  mac!: Buffer | null;

  /** Messages that the page shows once, each a slug and an outcome. They decide nothing. */
  @Column('text', { array: true, default: '{}' })
  notices!: string[];

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt!: Date;
}
