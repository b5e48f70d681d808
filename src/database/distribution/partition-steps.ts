import type { QueryRunner } from 'typeorm';
import { auditTables, replaceGlobalGuards, userTables } from './distributed-tables.js';
import { DistributionError, type DistributionStep } from './distribution-step.js';
import { isPartitioned } from './is-distributed.js';

const partitions = 16;
const tables = [...auditTables, ...userTables];
const names = tables.map(({ name }) => name);

/** The one step without Citus: partitions take the place of empty tables. */
export const partitionStep: DistributionStep = {
  text: `partitions by hash, ${partitions} of each table`,
  tables: names,
  isDone: (runner) => isPartitioned((text) => runner.query(text)),
  run: async (runner) => {
    await refuseRows(runner);
    for (const statement of replaceGlobalGuards) {
      await runner.query(statement);
    }
    const definitions = await readDefinitions(runner);
    const options = await readStorageOptions(runner);
    for (const { name, column } of tables) {
      await runner.query(`ALTER TABLE ${name} RENAME TO ${name}_whole`);
      await runner.query(
        `CREATE TABLE ${name} (LIKE ${name}_whole INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMMENTS)
         PARTITION BY HASH (${column})`,
      );
      for (let remainder = 0; remainder < partitions; remainder += 1) {
        await runner.query(
          `CREATE TABLE ${name}_${remainder} PARTITION OF ${name}
           FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${remainder})${options.get(name) ?? ''}`,
        );
      }
    }
    await runner.query(`DROP TABLE ${names.map((name) => `${name}_whole`).join(', ')}`);
    for (const definition of definitions) {
      await runner.query(definition);
    }
  },
};

/** @throws DistributionError when a table has rows, which this step would lose */
async function refuseRows(runner: QueryRunner): Promise<void> {
  for (const name of names) {
    const rows = (await runner.query(`SELECT 1 FROM ${name} LIMIT 1`)) as unknown[];
    if (rows.length > 0) {
      throw new DistributionError(
        `The table ${name} has rows, and without the extension citus only empty tables become partitions. ` +
          'Run "migrate --distributed" in a new database and move the connections there (docs/moving.md), or ' +
          'install Citus and run CREATE EXTENSION citus.',
      );
    }
  }
}

/** Returns the statements that make keys and indexes of the tables again: foreign keys last, because they need keys. */
async function readDefinitions(runner: QueryRunner): Promise<string[]> {
  const rows = (await runner.query(
    `SELECT format('ALTER TABLE %I ADD CONSTRAINT %I %s', relname, conname, pg_get_constraintdef(pg_constraint.oid)) AS text,
       CASE contype WHEN 'f' THEN 3 ELSE 1 END AS place
     FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
     WHERE conrelid = ANY ($1::regclass[]) AND contype IN ('p', 'u', 'c', 'f')
     UNION ALL
     SELECT pg_get_indexdef(indexrelid), 2 FROM pg_index
     WHERE indrelid = ANY ($1::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
     ORDER BY place, text`,
    [names],
  )) as { text: string }[];
  return rows.map(({ text }) => text);
}

/** Returns the storage options of each table, which only its partitions can have. */
async function readStorageOptions(runner: QueryRunner): Promise<Map<string, string>> {
  const rows = (await runner.query(
    `SELECT relname AS name, array_to_string(reloptions, ', ') AS options FROM pg_class
     WHERE oid = ANY ($1::regclass[]) AND reloptions IS NOT NULL`,
    [names],
  )) as { name: string; options: string }[];
  return new Map(rows.map(({ name, options }) => [name, ` WITH (${options})`]));
}
