import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../database/database.js';
import { MicroBatch } from '../../database/micro-batch.js';
import type { SealedConnection } from './token-vault.js';

/** The columns needed to return a token that has enough life left. */
export type ReadConnection = SealedConnection & {
  readonly scopesRequested: readonly string[];
};

/** The columns that are read. The caller knows the others. */
type ReadColumns = Omit<ReadConnection, 'userId' | 'provider'> & { readonly place: number };

interface ConnectionRef {
  readonly userId: string;
  readonly provider: string;
}

const limits = { maxItems: 200, maxWaiting: 10_000 };

const readAsked = `SELECT asked.place::int4 AS place, id, registration_id AS "registrationId", secret_gen AS "secretGen", sealed,
           scopes_requested AS "scopesRequested"
         FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (asked_user, asked_provider, place)
         JOIN connections ON user_id = asked_user AND connections.provider = asked_provider`;

const readMany: Statement = {
  name: 'connections-read-many',
  text: readAsked,
  // Asks only the servers that have these users.
  distributedText: `${readAsked} WHERE user_id = ANY ($1)`,
};

/**
 * Reads connections for token calls. Calls at the same time share one statement: under load the round trip to the
 * database costs more than the rows.
 */
@Injectable()
export class ConnectionReader {
  private readonly reads = new MicroBatch<ConnectionRef, ReadConnection | undefined>(
    (refs) => this.readAll(refs),
    limits,
  );

  constructor(private readonly database: Database) {}

  /**
   * Returns the user's connection to a provider, if there is one. The statement begins after the call.
   *
   * @throws {@link DatabaseUnavailableError} when the database does not respond or is overloaded
   */
  find(userId: string, provider: string): Promise<ReadConnection | undefined> {
    return this.reads.add({ userId, provider });
  }

  private async readAll(refs: readonly ConnectionRef[]): Promise<(ReadConnection | undefined)[]> {
    const rows = await this.database.query<ReadColumns>(readMany, [
      refs.map(({ userId }) => userId),
      refs.map(({ provider }) => provider),
    ]);
    const found = new Array<ReadConnection | undefined>(refs.length).fill(undefined);
    for (const { place, ...columns } of rows) {
      const asked = refs[place - 1];
      if (asked !== undefined) {
        found[place - 1] = { ...asked, ...columns };
      }
    }
    return found;
  }
}
