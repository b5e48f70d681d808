import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * The connection that holds an account which only one user may link. Only where tables are distributed: there no unique
 * index reaches over all users. Elsewhere the table is empty, and `connections_one_per_account` does the same.
 */
@Entity('accounts')
@Index('accounts_of_user', ['userId', 'provider'])
export class AccountEntity {
  /** Of the registration and the account at the provider, as in `connections`. */
  @PrimaryColumn('bytea', { primaryKeyConstraintName: 'accounts_pkey' })
  digest!: Buffer;

  @Column('text', { name: 'user_id' })
  userId!: string;

  @Column('text')
  provider!: string;

  /** The id of the connection: a later one of the same user holds the account for itself. */
  @Column('uuid', { name: 'connection_id' })
  connectionId!: string;
}
