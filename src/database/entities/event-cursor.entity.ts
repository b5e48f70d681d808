import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How far the stream of events has come: `stream` for the last place given, and one row for each reader of ours. */
@Entity('event_cursors')
export class EventCursorEntity {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'event_cursors_pkey' })
  name!: string;

  @Column('bigint', { default: 0 })
  position!: string;
}
