import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How many connections there were in an hour, as counted last in it. */
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
