import { Column, CreateDateColumn, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** An event for the company. Deliveries and the list of events read it here; nothing else keeps its content. */
@Entity('events')
@Index('events_id', ['id'], { unique: true })
@Index('events_position', ['position'], { unique: true })
@Index('events_unpublished', ['number'], { where: 'position IS NULL' })
@Index('events_occurred', ['occurredAt'])
@Index('events_of_user', ['userId', 'position'])
export class EventEntity {
  /** The order of writing. Within a connection it is the order of its changes. */
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'events_pkey',
  })
  number!: string;

  @Column('uuid')
  id!: string;

  /** The place in the stream, assigned after the commit; `null` until then. See `EventPublisher`. */
  @Column('bigint', { nullable: true })
  position!: string | null;

  @Column('text')
  type!: string;

  @CreateDateColumn({ name: 'occurred_at', type: 'timestamptz' })
  occurredAt!: Date;

  /** `null` for events of a provider, and once the user was erased. */
  @Column('text', { name: 'user_id', nullable: true })
  userId!: string | null;

  /** The id of an erased user, sealed, because the company must still learn it. */
  @Column('bytea', { nullable: true })
  sealed!: Buffer | null;

  @Column('text', { nullable: true })
  provider!: string | null;

  @Column('uuid', { name: 'connection_id', nullable: true })
  connectionId!: string | null;

  /** Counts the events of the connection, from 1. */
  @Column('integer', { nullable: true })
  sequence!: number | null;

  @Column('text', { nullable: true })
  reason!: string | null;

  /** Further fields of the payload. */
  @Column('jsonb', { default: {} })
  details!: object;

  @Column('text')
  source!: string;

  @Column('text')
  proof!: string;
}
