import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Whether refreshes may go to a provider now, shared by all replicas. No row: nothing has happened there yet. */
@Entity('provider_gates')
export class ProviderGateEntity {
  /** The client registration at the provider. */
  @PrimaryColumn('text', { name: 'registration_id', primaryKeyConstraintName: 'provider_gates_pkey' })
  registrationId!: string;

  /** `null` while the gate is open. Once it has passed, one refresh at a time tries whether the gate can be opened. */
  @Column('timestamptz', { name: 'closed_until', nullable: true })
  closedUntil!: Date | null;

  /** Error code of what closed the gate. */
  @Column('text', { nullable: true })
  reason!: string | null;

  /** Somebody is trying, and has until then. */
  @Column('timestamptz', { name: 'probe_until', nullable: true })
  probeUntil!: Date | null;

  /** How often the gate was closed since it last was open for good. */
  @Column('integer')
  closings!: number;

  /** Connections in a row whose refresh failed for the provider's sake. */
  @Column('integer')
  streak!: number;

  /** Since when the next two are counted. */
  @Column('timestamptz', { name: 'window_started_at' })
  windowStartedAt!: Date;

  /** Decisions of the provider, yes or no; halved when a window has passed. */
  @Column('double precision')
  answers!: number;

  /** Connections whose grant the provider called dead; halved when a window has passed. */
  @Column('double precision')
  suspects!: number;

  /** What the provider said against grants before this does not count. */
  @Column('timestamptz', { name: 'suspects_forgotten_at', nullable: true })
  suspectsForgottenAt!: Date | null;

  /** Increases with every change; compared on save. */
  @Column('integer')
  version!: number;
}
