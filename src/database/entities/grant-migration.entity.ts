import { Column, CreateDateColumn, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { ConnectionEntity } from './connection.entity.js';

/**
 * A connection whose grant is being exchanged for one of its provider's successor. The row is deleted with the
 * connection.
 */
@Entity('grant_migrations')
export class GrantMigrationEntity {
  @PrimaryColumn('text', { name: 'user_id', primaryKeyConstraintName: 'grant_migrations_pkey' })
  userId!: string;

  /** The provider of the connection, which is replaced. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'grant_migrations_pkey' })
  provider!: string;

  @ManyToOne(() => ConnectionEntity, { onDelete: 'CASCADE' })
  @JoinColumn([
    { name: 'user_id', referencedColumnName: 'userId', foreignKeyConstraintName: 'grant_migrations_connection' },
    { name: 'provider', referencedColumnName: 'provider', foreignKeyConstraintName: 'grant_migrations_connection' },
  ])
  connection!: ConnectionEntity;

  /** Of the connection. */
  @Column('uuid')
  id!: string;

  /** The generation of the connection's token set. An exchange of another generation says nothing about this one. */
  @Column('integer', { name: 'secret_gen' })
  secretGen!: number;

  /** The provider that replaces it. */
  @Column('text')
  successor!: string;

  /** The client registration at the successor that the new grant belongs to. */
  @Column('text', { name: 'registration_id' })
  registrationId!: string;

  /** `ready`, `exchanged`, or `begun`: the exchange may have been made, and its response is not known. */
  @Column('text', { default: 'ready' })
  state!: string;

  /** The token set of the successor, after the exchange. */
  @Column('bytea', { nullable: true })
  sealed!: Buffer | null;

  /** The lease of the run that migrates it, and when it expires. */
  @Column('uuid', { name: 'lease_id', nullable: true })
  leaseId!: string | null;

  @Column('timestamptz', { name: 'leased_until', nullable: true })
  leasedUntil!: Date | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  /** Start of the last exchange. */
  @Column('timestamptz', { name: 'begun_at', nullable: true })
  begunAt!: Date | null;

  @Column('text', { name: 'last_error_code', nullable: true })
  lastErrorCode!: string | null;
}
