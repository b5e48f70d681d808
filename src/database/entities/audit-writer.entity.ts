import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A process that writes the audit trail, and the head of its chain. */
@Entity('audit_writers')
export class AuditWriterEntity {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'audit_writers_pkey' })
  number!: number;

  /** The key of its chain. */
  @Column('uuid')
  kid!: string;

  @Column('timestamptz', { name: 'started_at' })
  startedAt!: Date;

  /** Head of the writer before it when it began. */
  @Column('bigint', { name: 'witnessed_sequence' })
  witnessedSequence!: string;

  @Column('bytea', { name: 'witnessed_mac' })
  witnessedMac!: Buffer;

  /** Its last entry; 0 while it has none. It changes with every group of entries, like the next column. */
  @Column('bigint', { name: 'head_sequence' })
  headSequence!: string;

  @Column('bytea', { name: 'head_mac' })
  headMac!: Buffer;

  /** The last entry that was removed by `audit prune`; 0 when none was. */
  @Column('bigint', { name: 'pruned_sequence', default: 0 })
  prunedSequence!: string;

  @Column('bytea', { name: 'pruned_mac', nullable: true })
  prunedMac!: Buffer | null;

  /** MAC: without the root key nobody can remove entries unnoticed. */
  @Column('bytea', { name: 'pruned_signature', nullable: true })
  prunedSignature!: Buffer | null;
}
