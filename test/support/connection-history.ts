import type { INestApplicationContext } from '@nestjs/common';
import type { Connection } from '../../src/tokens/store/connection.js';
import { TokenVault } from '../../src/tokens/store/token-vault.js';
import type { TokenSet } from '../../src/tokens/token-set.js';
import { nodesOf, queryDatabase } from './test-database.js';

/** A token set that was stored once. */
export interface StoredVersion {
  readonly userId: string;
  readonly provider: string;
  readonly id: string;
  readonly secretGen: number;
  readonly tokens: TokenSet;
  /** When others could see it, milliseconds since 1970 on the clock of this machine. */
  readonly committedAtMs: number;
}

const table = 'test_connection_history';

/** Shows the shards of a node to this session, and lets it change them. */
const openShards = `SET citus.enable_ddl_propagation = off; SET citus.override_table_visibility = off;
  SET citus.enable_manual_changes_to_shards = on;`;

/**
 * Lets the database write down every token set that is stored in `connections`, whoever stores it. On Citus each node
 * writes down those of its shards.
 */
export async function recordConnectionHistory(databaseUrl: string): Promise<void> {
  const nodes = nodesOf(databaseUrl);
  const isCitus = nodes.length > 1;
  for (const node of nodes) {
    await queryDatabase(
      node,
      `${isCitus ? openShards : ''}
       CREATE TABLE ${table} (user_id text, provider text, id uuid, registration_id text, secret_gen int, sealed bytea);
       CREATE FUNCTION ${table}() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         INSERT INTO ${table}
         VALUES (NEW.user_id, NEW.provider, NEW.id, NEW.registration_id, NEW.secret_gen, NEW.sealed);
         RETURN NULL;
       END $$;
       DO $$
       DECLARE stored regclass;
       BEGIN
         FOR stored IN
           SELECT oid FROM pg_class WHERE relkind = 'r' AND relname ~ '${isCitus ? '^connections_[0-9]+$' : '^connections$'}'
         LOOP
           EXECUTE format('CREATE TRIGGER ${table} AFTER INSERT OR UPDATE OF sealed ON %s
                           FOR EACH ROW EXECUTE FUNCTION ${table}()', stored);
         END LOOP;
       END $$`,
    );
  }
}

/**
 * Returns what was stored since {@link recordConnectionHistory}, opened, in the order of the commits; sealing again is
 * no change.
 */
export async function readConnectionHistory(
  databaseUrl: string,
  vault: Pick<INestApplicationContext, 'get'>,
): Promise<StoredVersion[]> {
  // A row's own transaction id tells when it was committed.
  const rows = await Promise.all(
    nodesOf(databaseUrl).map((node) =>
      queryDatabase<Connection & { committedAtMs: number }>(
        node,
        `SELECT user_id AS "userId", provider, id, registration_id AS "registrationId", secret_gen AS "secretGen", sealed,
           (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::float8 AS "committedAtMs"
         FROM ${table}`,
      ),
    ),
  );
  const tokenVault = vault.get(TokenVault);
  const versions: StoredVersion[] = [];
  for (const row of rows.flat().sort((left, right) => left.committedAtMs - right.committedAtMs)) {
    const { userId, provider, id, secretGen, committedAtMs } = row;
    const tokens = await tokenVault.open(row);
    const isSealedAnew = versions.some(
      (each) => each.id === id && each.secretGen === secretGen && each.tokens.accessToken === tokens.accessToken,
    );
    if (!isSealedAnew) {
      versions.push({ userId, provider, id, secretGen, committedAtMs, tokens });
    }
  }
  return versions;
}
