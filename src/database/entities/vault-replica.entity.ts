import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A running process and the branch keys it has in memory, so that no key is promoted that a replica lacks (CR-07). */
@Entity('vault_replicas')
export class VaultReplicaEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'vault_replicas_pkey' })
  id!: string;

  @Column('uuid', { array: true })
  kids!: string[];

  /** The generation of stored values that it understands (`vault/process-generation.ts`). */
  @Column('smallint', { default: 1 })
  generation!: number;

  /** The process counts as dead after this instant. */
  @Column('timestamptz', { name: 'live_until' })
  liveUntil!: Date;
}
