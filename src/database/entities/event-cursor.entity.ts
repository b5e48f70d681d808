import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Positions in the stream of events: `stream` has the last assigned place, and each of our readers has a row. */
@Entity('event_cursors')
export class EventCursorEntity {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'event_cursors_pkey' })
  name!: string;

  @Column('bigint', { default: 0 })
  position!: string;
}
