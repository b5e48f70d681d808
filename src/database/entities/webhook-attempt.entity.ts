import { Column, CreateDateColumn, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** One attempt to deliver an event to an endpoint. Of the event it has only the id. */
@Entity('webhook_attempts')
@Index('webhook_attempts_of_event', ['endpointId', 'eventId'])
@Index('webhook_attempts_of_endpoint', ['endpointId', 'number'])
@Index('webhook_attempts_attempted', ['attemptedAt'])
export class WebhookAttemptEntity {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'webhook_attempts_pkey',
  })
  number!: string;

  @Column('uuid', { name: 'endpoint_id' })
  endpointId!: string;

  @Column('uuid', { name: 'event_id' })
  eventId!: string;

  @Column('text', { name: 'event_type' })
  eventType!: string;

  /** Counts the attempts of one delivery, from 1. */
  @Column('integer')
  attempt!: number;

  @CreateDateColumn({ name: 'attempted_at', type: 'timestamptz' })
  attemptedAt!: Date;

  @Column('integer', { name: 'duration_ms' })
  durationMs!: number;

  /** `delivered`; `retrying` if another attempt follows; `failed` if none does. */
  @Column('text')
  outcome!: string;

  /** `null` when there was no response. */
  @Column('integer', { name: 'http_status', nullable: true })
  httpStatus!: number | null;

  /** Why there was no response, such as `TIMEOUT`. */
  @Column('text', { name: 'error_code', nullable: true })
  errorCode!: string | null;

  @Column('timestamptz', { name: 'next_attempt_at', nullable: true })
  nextAttemptAt!: Date | null;
}
