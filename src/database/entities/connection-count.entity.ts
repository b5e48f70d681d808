import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The last count of connections in an hour. */
@Entity('connection_counts')
export class ConnectionCountEntity {
  /** The beginning of the hour. */
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'connection_counts_pkey' })
  hour!: Date;

  @Column('timestamptz', { name: 'counted_at' })
  countedAt!: Date;

  /** A list of objects with `provider`, `status`, `reason` and `connections`. */
  @Column('jsonb')
  counts!: unknown;
}
