import type { Database, Statement } from '../../database/database.js';
import { MicroBatch } from '../../database/micro-batch.js';
import { announce, withEvents } from '../../events/event-statement.js';
import { DatabaseUnavailableError } from '../../errors/request.errors.js';
import { afterRefresh, byRefresh, movedExpiry } from './connection-events.js';
import { activate, findAccount, isAccountTaken } from './account-holder.js';
import type { ConnectionKey, SealedTokenSet } from './connection.js';
import { clearedAttempt } from './connection.js';

/** The most saves in a batch, and in the queue. A process never runs more refreshes than can wait. */
const limits = { maxItems: 200, maxWaiting: 10_000 };

/** SQL: the scopes of a token response. */
const granted = `CASE WHEN saved.scopes IS NULL THEN NULL ELSE ARRAY(SELECT json_array_elements_text(saved.scopes::json)) END`;

/**
 * SQL: compares and sets each row by itself, and returns the numbers of those that were set. A list of scopes is passed
 * as JSON.
 */
const saveRows = (condition: string): string =>
  withEvents(
    `UPDATE connections SET secret_gen = connections.secret_gen + 1, sealed = saved.sealed,
           scopes_granted = ${granted},
           scopes_unknown = saved.scopes_unknown, expires_at = saved.expires_at, refreshable = saved.refreshable,
           ${movedExpiry('saved.refresh_expires_at', 'clock.now')},
           refresh_due_at = to_timestamp(clock.seconds + saved.due_in_ms / 1000), last_refreshed_at = clock.now,
           ${clearedAttempt}, ${announce(afterRefresh(granted))}
         FROM unnest($1::text[], $2::text[], $3::uuid[], $4::int[], $5::bytea[], $6::text[], $7::timestamptz[], $8::bool[],
           $9::timestamptz[], $10::float8[], $11::bool[]) WITH ORDINALITY
           AS saved (user_id, provider, id, secret_gen, sealed, scopes, expires_at, refreshable, refresh_expires_at, due_in_ms,
             scopes_unknown, number)
           CROSS JOIN (SELECT now() AS now, extract(epoch FROM now())::float8 AS seconds) AS clock
         WHERE connections.user_id = saved.user_id AND connections.provider = saved.provider
           AND connections.id = saved.id AND connections.secret_gen = saved.secret_gen ${condition}`,
    { origin: byRefresh },
    'number',
    { columns: 'saved.number::int AS number' },
  );

const saveAll: Statement = {
  name: 'connections-save-refreshed',
  text: saveRows(''),
  // Asks only the server that has the user. A connection that has ended needs its account again first.
  distributedText: saveRows(`AND connections.user_id = ANY ($1)
    AND (connections.status = 'active' OR NOT connections.account_exclusive OR connections.account_digest IS NULL)`),
};

/** The same for one connection that has ended, where tables are distributed. */
const saveEnded: Statement = {
  name: 'connections-save-refreshed-ended',
  text: saveRows('AND connections.user_id = ANY ($1)'),
};

interface Save {
  readonly key: ConnectionKey;
  readonly tokens: SealedTokenSet;
}

type SaveResult = { readonly saved: boolean } | { readonly error: unknown };

/**
 * Commits refreshed token sets in batches: sets that arrive during one commit share the next. A sweep then costs one
 * statement and one flush of the database's log instead of many. No save is reported before its commit.
 */
export class BatchedSaves {
  private readonly batch = new MicroBatch<Save, SaveResult>((saves) => this.saveTogether(saves), limits);

  constructor(private readonly database: Database) {}

  /**
   * Replaces the token set of a row if its generation is still that of the key.
   *
   * @returns whether it was replaced
   * @throws {@link DatabaseUnavailableError} when PostgreSQL cannot be reached; the save may have happened
   */
  async save(key: ConnectionKey, tokens: SealedTokenSet): Promise<boolean> {
    const result = await this.batch.add({ key, tokens });
    if ('error' in result) {
      throw result.error;
    }
    return result.saved;
  }

  /** A value that PostgreSQL refuses must not prevent the other saves: each is then repeated alone. */
  private async saveTogether(saves: readonly Save[]): Promise<SaveResult[]> {
    if (this.database.isDistributed && saves.length > 1) {
      // One statement for rows of several servers would be one transaction over all of them.
      return (await Promise.all(saves.map((save) => this.saveTogether([save])))).flat();
    }
    try {
      const numbers = await this.saveAll(saves);
      return saves.map((_, index) => ({ saved: numbers.has(index + 1) }));
    } catch (error) {
      if (saves.length === 1 && isAccountTaken(error)) {
        // An ended connection was tried once more, and another user has connected its account since.
        return [{ saved: false }];
      }
      if (saves.length === 1 || error instanceof DatabaseUnavailableError) {
        return saves.map(() => ({ error }));
      }
      const results = await Promise.all(saves.map((save) => this.saveTogether([save])));
      return results.flat();
    }
  }

  /** @returns the numbers, from 1, of those whose generation was the one given */
  private async saveAll(saves: readonly Save[]): Promise<ReadonlySet<number>> {
    let rows = await this.database.query<{ number: number }>(saveAll, valuesOf(saves));
    const [only] = saves;
    if (this.database.isDistributed && rows.length === 0 && only !== undefined) {
      const account = await findAccount(this.database, only.key);
      rows = await activate<{ number: number }>(this.database, account, only.key, saveEnded, valuesOf([only]));
    }
    return new Set(rows.map(({ number }) => number));
  }
}

function valuesOf(saves: readonly Save[]): unknown[] {
  const keys = saves.map(({ key }) => key);
  const tokens = saves.map((save) => save.tokens);
  return [
    keys.map(({ userId }) => userId),
    keys.map(({ provider }) => provider),
    keys.map(({ id }) => id),
    keys.map(({ secretGen }) => secretGen),
    tokens.map(({ sealed }) => sealed),
    tokens.map(({ scopesGranted }) => (scopesGranted === null ? null : JSON.stringify(scopesGranted))),
    tokens.map(({ expiresAt }) => expiresAt),
    tokens.map(({ refreshable }) => refreshable),
    tokens.map(({ refreshExpiresAt }) => refreshExpiresAt),
    tokens.map(({ refreshDueInMs }) => refreshDueInMs),
    tokens.map(({ scopesUnknown }) => scopesUnknown),
  ];
}
