import type { QueryRunner } from 'typeorm';
import {
  auditTables,
  referenceTables,
  replaceGlobalGuards,
  userTables,
  type DistributedTable,
} from './distributed-tables.js';
import { DistributionError, type DistributionStep } from './distribution-step.js';
import { isOnCitus } from './is-distributed.js';

/** The steps on Citus. Tables keep their rows. */
export function citusSteps(shards: number): DistributionStep[] {
  const all = [...referenceTables, ...[...auditTables, ...userTables].map(({ name }) => name)];
  return [
    ...referenceTables.map((name) => ({
      text: `${name} on every node`,
      tables: [name],
      isDone: (runner: QueryRunner) => isOnCitus((text) => runner.query(text), name),
      run: async (runner: QueryRunner) => {
        await runner.query('SELECT create_reference_table($1)', [name]);
      },
    })),
    {
      text: 'audit trail by writer',
      tables: auditTables.map(({ name }) => name),
      isDone: (runner) => isOnCitus((text) => runner.query(text), 'audit_entries'),
      run: (runner) => distributeTables(runner, auditTables, shards),
    },
    {
      text: 'connections by user',
      tables: userTables.map(({ name }) => name),
      isDone: (runner) => isOnCitus((text) => runner.query(text), 'connections'),
      run: async (runner) => {
        for (const statement of replaceGlobalGuards) {
          await runner.query(statement);
        }
        await distributeTables(runner, userTables, shards);
      },
    },
    {
      text: 'local copies removed',
      tables: [],
      isDone: async (runner) => (await withLocalRows(runner, all)).length === 0,
      run: async (runner) => {
        for (const name of await withLocalRows(runner, all)) {
          await runner.query('SELECT truncate_local_data_after_distributing_table($1)', [name]);
        }
      },
    },
  ];
}

/** @throws DistributionError when Citus has no node for rows, or nodes cannot reach the coordinator */
export async function checkNodes(runner: QueryRunner): Promise<void> {
  const [found] = (await runner.query(
    `SELECT count(*) FILTER (WHERE groupid = 0) > 0 AS coordinator,
       count(*) FILTER (WHERE isactive AND shouldhaveshards) > 0 AS workers FROM pg_dist_node`,
  )) as { coordinator: boolean; workers: boolean }[];
  if (found?.coordinator !== true || !found.workers) {
    throw new DistributionError(
      `Citus knows no ${found?.coordinator === true ? 'node for rows' : 'address of the coordinator'}. ` +
        'Run citus_set_coordinator_host and citus_add_node in this database first.',
    );
  }
}

async function distributeTables(
  runner: QueryRunner,
  tables: readonly DistributedTable[],
  shards: number,
): Promise<void> {
  // Colocated tables with foreign keys cannot be made over several connections to a node in one transaction.
  await runner.query(`SET LOCAL citus.multi_shard_modify_mode = 'sequential'`);
  for (const { name, column, with: first } of tables) {
    if (name === first) {
      await runner.query(`SELECT create_distributed_table($1, $2, shard_count => $3, colocate_with => 'none')`, [
        name,
        column,
        shards,
      ]);
    } else {
      await runner.query('SELECT create_distributed_table($1, $2, colocate_with => $3)', [name, column, first]);
    }
  }
}

/** Returns the tables whose rows are still on the coordinator, where nothing reads them. */
async function withLocalRows(runner: QueryRunner, names: readonly string[]): Promise<string[]> {
  const rows = (await runner.query(
    `SELECT name FROM unnest($1::text[]) AS name JOIN pg_dist_partition ON logicalrelid = name::regclass
     WHERE pg_relation_size(logicalrelid) > 0`,
    [names],
  )) as { name: string }[];
  return rows.map(({ name }) => name);
}
