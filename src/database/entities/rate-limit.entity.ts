import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Calls of a caller in the current window. Unlogged: after a crash everybody begins again. */
@Entity('rate_limits')
@Index('rate_limits_ends_at', ['endsAt'])
export class RateLimitEntity {
  /** Digest of the limit's name and of the address, caller or user. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'rate_limits_pkey' })
  key!: string;

  @Column('integer')
  hits!: number;

  @Column('timestamptz', { name: 'ends_at' })
  endsAt!: Date;
}
