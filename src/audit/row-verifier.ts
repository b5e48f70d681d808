import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../database/database.js';
import { VaultService } from '../vault/vault.service.js';

/** A row that is older than what the audit trail has of it. */
export interface RowFinding {
  /** Such as `Connection <id>`. */
  readonly place: string;
  /** The finding, as the end of a sentence that begins with the place. */
  readonly problem: string;
}

interface ConnectionRow {
  readonly userId: string;
  readonly provider: string;
  readonly id: string;
  readonly secretGen: number;
}

/** Connections that are looked at together. */
const pageSize = 100;

const readConnections = (isBehind: boolean): Statement => ({
  name: `audit-read-connections-${isBehind ? 'next' : 'first'}`,
  text: `SELECT user_id AS "userId", provider, id, secret_gen AS "secretGen" FROM connections
         ${isBehind ? 'WHERE (user_id, provider) > ($2, $3)' : ''} ORDER BY user_id, provider LIMIT $1`,
});

/** SQL: whether an entry names a refreshed token set. */
const isTokenSet = `action = 'token.refreshed' AND subject ~ '^token-set:[0-9]{1,9}$'`;

const statements = {
  first: readConnections(false),
  next: readConnections(true),
  // The clocks of two processes differ a little: the highest of the last few.
  latestTokenSets: {
    name: 'audit-latest-token-sets',
    text: `SELECT asked.id, max(latest.number) AS number
           FROM unnest($1::uuid[], $2::bytea[]) AS asked (id, digest)
           CROSS JOIN LATERAL (
             SELECT substring(subject FROM 11)::int AS number FROM audit_entries
             WHERE user_digest = asked.digest AND connection_id = asked.id AND ${isTokenSet}
             ORDER BY recorded_at DESC LIMIT 5
           ) AS latest
           GROUP BY asked.id`,
    // Citus cannot limit the entries of each connection, so it reads all of them.
    distributedText: `SELECT asked.id, max(substring(subject FROM 11)::int) AS number
           FROM unnest($1::uuid[], $2::bytea[]) AS asked (id, digest)
           JOIN audit_entries ON user_digest = asked.digest AND connection_id = asked.id
           WHERE ${isTokenSet} GROUP BY asked.id`,
  },
  readGeneration: {
    name: 'audit-read-generation',
    text: 'SELECT secret_gen AS "secretGen" FROM connections WHERE user_id = $1 AND provider = $2 AND id = $3',
  },
  revivedKeys: {
    name: 'audit-revived-keys',
    text: `SELECT id FROM api_keys WHERE revoked_at IS NULL AND 'api-key:' || id IN (
             SELECT subject FROM audit_entries WHERE action = 'api_key.revoked') ORDER BY id`,
  },
} satisfies Record<string, Statement>;

/**
 * Compares rows with what the audit trail says of them: a copy of an older row, put back in its place, opens, because
 * it was sealed for this very place. The trail is only as good as its own verification. Reads in pages, and only what
 * the database has an index for.
 */
@Injectable()
export class RowVerifier {
  constructor(
    private readonly database: Database,
    private readonly vault: VaultService,
  ) {}

  /**
   * Looks at every connection and every API key.
   *
   * @returns each finding as it is made; nothing when no row was set back
   */
  async *verify(): AsyncGenerator<RowFinding, void> {
    let page = await this.database.query<ConnectionRow>(statements.first, [pageSize]);
    for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
      yield* this.verifyConnections(page);
      page = await this.database.query<ConnectionRow>(statements.next, [pageSize, last.userId, last.provider]);
    }
    for (const { id } of await this.database.query<{ id: string }>(statements.revivedKeys)) {
      yield { place: `API key ${id}`, problem: 'was revoked, and is active again' };
    }
  }

  private async *verifyConnections(page: readonly ConnectionRow[]): AsyncGenerator<RowFinding, void> {
    const latest = await this.database.query<{ id: string; number: number }>(statements.latestTokenSets, [
      page.map(({ id }) => id),
      page.map(({ userId }) => this.vault.digest('audit.user', [userId])),
    ]);
    for (const { id, number } of latest) {
      const row = page.find((each) => each.id === id);
      if (row !== undefined && row.secretGen < number && (await this.isStillBehind(row, number))) {
        const problem = `holds token set ${row.secretGen}, although the trail has ${number}: an older row was put back`;
        yield { place: `Connection ${id}`, problem };
      }
    }
  }

  /** A refresh may have been stored after the page was read. */
  private async isStillBehind({ userId, provider, id }: ConnectionRow, number: number): Promise<boolean> {
    const [row] = await this.database.query<{ secretGen: number }>(statements.readGeneration, [userId, provider, id]);
    return row !== undefined && row.secretGen < number;
  }
}
