import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** Parts of each distributed table. Few, because each test file copies all of them. */
const shards = 4;

/**
 * Makes the database that most test files copy: every migration has run on it, and on Citus its tables are distributed.
 *
 * @param nodes - URLs of the servers; with more than one, the coordinator of Citus comes first
 * @param name - of the new database
 */
export async function createTemplate(nodes, name) {
  await migrate(await createOnNodes(nodes, name), nodes.length > 1);
  await closeDatabase(nodes, name);
}

/**
 * Makes a database on which every migration has run, and whose tables are not distributed yet.
 *
 * @param nodes - as for {@link createTemplate}
 * @returns its URL, on Citus that of the coordinator
 */
export async function createUndistributed(nodes, name) {
  const url = await createOnNodes(nodes, name);
  await migrate(url, false);
  return url;
}

/** Makes an empty database on each node, and lets the nodes know each other. Returns the URL of the first. */
async function createOnNodes(nodes, name) {
  for (const node of nodes) {
    await run(node, `CREATE DATABASE ${name}`);
  }
  const urls = nodes.map((node) => withDatabase(node, name));
  if (nodes.length > 1) {
    for (const url of urls) {
      await run(url, 'CREATE EXTENSION citus');
    }
    const [coordinator, ...workers] = urls.map((url) => new URL(url));
    await run(coordinator.href, `SELECT citus_set_coordinator_host('${coordinator.hostname}', ${coordinator.port})`);
    for (const { hostname, port } of workers) {
      await run(coordinator.href, `SELECT citus_add_node('${hostname}', ${port})`);
    }
  }
  return urls[0];
}

/** Returns the URLs of the nodes of a Citus cluster, the coordinator first; the URL alone where there are no others. */
export async function findNodes(coordinator) {
  const rows = await run(
    coordinator,
    `SELECT nodename AS host, nodeport AS port FROM pg_dist_node
     WHERE isactive AND groupid > 0 ORDER BY nodeid`,
  );
  if (rows.length === 0) {
    throw new Error('The database of CITUS_DATABASE_URL has no nodes: add them with citus_add_node.');
  }
  const workers = rows.map(({ host, port }) => Object.assign(new URL(coordinator), { hostname: host, port }).href);
  return [coordinator, ...workers];
}

/** Ends the sessions of a database on every node and lets nobody in, so that it can be copied. */
export async function closeDatabase(nodes, name) {
  for (const node of nodes) {
    await run(node, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  }
  for (const node of nodes) {
    // Citus has a process of its own in each database.
    await run(node, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '${name}'`);
  }
}

/** Removes the databases of a run from every node. */
export async function dropDatabases(nodes, prefix) {
  for (const node of nodes) {
    const rows = await run(node, `SELECT datname AS name FROM pg_database WHERE starts_with(datname, '${prefix}')`);
    for (const { name } of rows) {
      await run(node, `DROP DATABASE ${name} WITH (FORCE)`);
    }
  }
}

/** A name that no other run on the same servers has. */
export function newPrefix() {
  return `test_${randomBytes(4).toString('hex')}`;
}

/** Returns the URL of another database on the same server. */
export function withDatabase(server, name) {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function migrate(url, isDistributed) {
  const { DataSource } = await import('typeorm');
  const { migrationOptions } = await import('../../dist/database/data-source-options.js');
  const { readDatabaseConfig } = await import('../../dist/database/database.config.js');
  const { distribute } = await import('../../dist/database/distribution/distribute.js');
  const options = migrationOptions(readDatabaseConfig({ ...process.env, DATABASE_URL: url }));
  const dataSource = new DataSource({ ...options, migrationsRun: false });
  await dataSource.initialize();
  try {
    await dataSource.runMigrations();
    if (isDistributed) {
      await distribute(dataSource, { shards });
    }
  } finally {
    await dataSource.destroy();
  }
}

async function run(url, text) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
