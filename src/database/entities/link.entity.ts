import { Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';

/** One attempt to connect. Found by the hash of its `state`; used once. */
@Entity('links')
@Index('links_user', ['userId'])
export class LinkEntity {
  /** SHA-256 of the `state` that travels through the browser. */
  @PrimaryColumn('bytea', { name: 'state_hash', primaryKeyConstraintName: 'links_pkey' })
  stateHash!: Buffer;

  @Column('uuid')
  id!: string;

  @Column('text', { name: 'user_id' })
  userId!: string;

  @Column('text')
  provider!: string;

  @Column('text', { name: 'registration_id' })
  registrationId!: string;

  /** SHA-256 of the endpoints and client that were in force when the link was started. */
  @Column('bytea', { name: 'registration_hash' })
  registrationHash!: Buffer;

  @Column('text', { name: 'return_url', nullable: true })
  returnUrl!: string | null;

  @Column('text', { array: true })
  scopes!: string[];

  /** The sealed PKCE verifier or temporary credentials; erased when the link ends. */
  @Column('bytea', { nullable: true })
  sealed!: Buffer | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt!: Date;

  @Column('timestamptz', { name: 'consumed_at', nullable: true })
  consumedAt!: Date | null;

  /** `connected`, or the code of the error that ended it. */
  @Column('text', { nullable: true })
  outcome!: string | null;
}
