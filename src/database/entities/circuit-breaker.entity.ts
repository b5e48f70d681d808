import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The circuit breaker of a client registration, shared by all replicas. No row: no refresh has ended there yet. */
@Entity('circuit_breakers')
export class CircuitBreakerEntity {
  /** The client registration at the provider. */
  @PrimaryColumn('text', { name: 'registration_id', primaryKeyConstraintName: 'circuit_breakers_pkey' })
  registrationId!: string;

  /**
   * `null` while the circuit breaker is closed. After this instant it is half-open: one refresh at a time is the trial.
   */
  @Column('timestamptz', { name: 'open_until', nullable: true })
  openUntil!: Date | null;

  /** The error code that opened the circuit breaker. */
  @Column('text', { nullable: true })
  reason!: string | null;

  /** Until when a half-open trial runs. */
  @Column('timestamptz', { name: 'trial_until', nullable: true })
  trialUntil!: Date | null;

  /** How many times in a row the circuit breaker opened. */
  @Column('integer')
  openings!: number;

  /** Consecutive connections that failed because of the provider. */
  @Column('integer')
  streak!: number;

  /** Start of the window of the next two counters. */
  @Column('timestamptz', { name: 'window_started_at' })
  windowStartedAt!: Date;

  /** Decisions of the provider for or against a grant; halved after a window. */
  @Column('double precision')
  decisions!: number;

  /** Connections whose grant the provider called dead; halved after a window. */
  @Column('double precision')
  suspects!: number;

  /** Refusals before this instant do not count. */
  @Column('timestamptz', { name: 'suspects_forgotten_at', nullable: true })
  suspectsForgottenAt!: Date | null;

  /** Increases with every change; compared on save. */
  @Column('integer')
  version!: number;
}
