import { CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/**
 * The trace of an erased user: a keyed digest of the id, so that the erasure can be repeated in a restored database.
 */
@Entity('erasures')
export class ErasureEntity {
  @PrimaryColumn('bytea', { name: 'user_digest', primaryKeyConstraintName: 'erasures_pkey' })
  userDigest!: Buffer;

  @CreateDateColumn({ name: 'erased_at', type: 'timestamptz' })
  erasedAt!: Date;
}
