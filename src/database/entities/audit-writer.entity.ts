import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A process that writes the audit trail, and how far its chain reaches. */
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

  /** Its last entry; 0 while it has none. Changes with every group of entries, as the next does. */
  @Column('bigint', { name: 'head_sequence' })
  headSequence!: string;

  @Column('bytea', { name: 'head_mac' })
  headMac!: Buffer;

  /** The last entry that was removed by `audit prune`; 0 when none was. */
  @Column('bigint', { name: 'pruned_sequence', default: 0 })
  prunedSequence!: string;

  @Column('bytea', { name: 'pruned_mac', nullable: true })
  prunedMac!: Buffer | null;

  /** Keyed: nobody removes entries without the root key and is not noticed. */
  @Column('bytea', { name: 'pruned_signature', nullable: true })
  prunedSignature!: Buffer | null;
}
