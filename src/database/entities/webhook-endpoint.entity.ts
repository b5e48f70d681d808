import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** An endpoint at which the company receives events. */
@Entity('webhook_endpoints')
export class WebhookEndpointEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'webhook_endpoints_pkey' })
  id!: string;

  @Column('text')
  url!: string;

  /** Empty: all types. */
  @Column('text', { name: 'event_types', array: true })
  eventTypes!: string[];

  /** `null`: all providers. */
  @Column('text', { array: true, nullable: true })
  providers!: string[] | null;

  /** The signing secrets. They are bound to the columns above, so that nobody without the key can redirect events. */
  @Column('bytea')
  sealed!: Buffer;

  /** `enabled` or `disabled`. */
  @Column('text', { default: 'enabled' })
  status!: string;

  /** Why it is disabled: `failing`, `gone` or `call`; `null` while it is enabled. */
  @Column('text', { name: 'disabled_reason', nullable: true })
  disabledReason!: string | null;

  /** The first failure since the last success; `null` after a success. */
  @Column('timestamptz', { name: 'failing_since', nullable: true })
  failingSince!: Date | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;
}
