import { newDatabaseName, nodesOf, queryDatabase } from './test-database.js';
import { closeDatabase, withDatabase } from './test-server.js';

/**
 * Copies a test's database as it is now, like a backup that is restored beside it. Ends the sessions of those who use
 * it.
 */
export async function copyDatabase(url: string): Promise<string> {
  const copy = newDatabaseName();
  await whileUnused(url, (name) => [`CREATE DATABASE ${copy} TEMPLATE ${name}`]);
  return withDatabase(url, copy);
}

/** Puts a copy in the place of a test's database, under those who use it. */
export async function replaceDatabase(url: string, copy: string): Promise<void> {
  await closeDatabase(serversOf(copy), nameOf(copy));
  await whileUnused(url, (name) => [
    `ALTER DATABASE ${name} RENAME TO ${name}_replaced`,
    `ALTER DATABASE ${nameOf(copy)} RENAME TO ${name}`,
  ]);
}

/** Runs statements, on every node, about a database that nobody is connected to. */
async function whileUnused(url: string, statements: (name: string) => readonly string[]): Promise<void> {
  const name = nameOf(url);
  const servers = serversOf(url);
  await closeDatabase(servers, name);
  for (const server of servers) {
    for (const statement of [...statements(name), `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`]) {
      await queryDatabase(server, statement);
    }
  }
}

function serversOf(url: string): string[] {
  return nodesOf(url).map((node) => withDatabase(node, 'postgres'));
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}
