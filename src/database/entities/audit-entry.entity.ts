import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** One entry of the audit trail. Rows are added, and neither changed nor deleted. */
@Entity('audit_entries')
@Index('audit_entries_recorded_at', ['recordedAt'])
@Index('audit_entries_user', ['userDigest', 'recordedAt'])
export class AuditEntryEntity {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'audit_entries_pkey' })
  writer!: number;

  /** Counts the entries of one writer without a gap. */
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'audit_entries_pkey' })
  sequence!: string;

  @Column('timestamptz', { name: 'recorded_at' })
  recordedAt!: Date;

  @Column('text')
  action!: string;

  @Column('text')
  outcome!: string;

  @Column('text')
  actor!: string;

  /** Keyed digest of the user's id: the id itself is erased with the user, the entry is not. */
  @Column('bytea', { name: 'user_digest', nullable: true })
  userDigest!: Buffer | null;

  @Column('text', { nullable: true })
  provider!: string | null;

  @Column('uuid', { name: 'connection_id', nullable: true })
  connectionId!: string | null;

  /** The object of the action, if it is no connection. */
  @Column('text', { nullable: true })
  subject!: string | null;

  @Column('text', { nullable: true })
  code!: string | null;

  @Column('text', { name: 'request_id', nullable: true })
  requestId!: string | null;

  /** Of the caller, as CALLER_ADDRESS says: a keyed digest, a network or the address. */
  @Column('text', { nullable: true })
  address!: string | null;

  /** MAC over the entry before it and the whole content of this one. */
  @Column('bytea')
  mac!: Buffer;
}
