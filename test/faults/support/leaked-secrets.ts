import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sandboxClientSecret } from '../../../src/provider-kit/definition/provider-settings.js';
import type { StoredVersion } from '../../support/connection-history.js';
import type { Violation } from '../../support/history-checker.js';
import { type Secret, SecretSearch } from '../../support/secret-search.js';
import { queryDatabase } from '../../support/test-database.js';
import type { Replica } from './replica.js';

/** The places where a secret may leak to. */
export interface Sinks {
  readonly databaseUrl: string;
  readonly replicas: readonly Pick<Replica, 'output' | 'journalDirectory'>[];
}

/** I7: looks for the tokens, and for the keys to them, where they must not be. */
export async function findLeakedSecrets(
  rootKey: string,
  history: readonly StoredVersion[],
  sinks: Sinks,
): Promise<Violation[]> {
  const secrets: Secret[] = [{ kind: 'root key', value: rootKey }];
  for (const { provider, tokens } of history) {
    secrets.push({ kind: 'client secret', value: sandboxClientSecret(provider) });
    secrets.push({ kind: 'access token', value: tokens.accessToken });
    secrets.push(...(tokens.refreshToken === undefined ? [] : [{ kind: 'refresh token', value: tokens.refreshToken }]));
  }
  return findSecrets(secrets, sinks);
}

/** In the output of the processes, in their journals and in the whole database. */
async function findSecrets(secrets: readonly Secret[], { databaseUrl, replicas }: Sinks): Promise<Violation[]> {
  const search = new SecretSearch(new Map(secrets.map((secret) => [secret.value, secret])).values());
  const sinks: [string, string][] = [['the database', await databaseText(databaseUrl)]];
  for (const [index, replica] of replicas.entries()) {
    sinks.push([`the output of replica ${index}`, replica.output]);
    for (const file of await readdir(replica.journalDirectory)) {
      sinks.push([`the journal of replica ${index}`, await readFile(join(replica.journalDirectory, file), 'utf8')]);
    }
  }
  return sinks.flatMap(([sink, text]) =>
    search
      .find(text)
      .map(({ kind, form }) => ({ invariant: 'I7' as const, userId: '', what: `a ${kind} (${form}) in ${sink}` })),
  );
}

async function databaseText(databaseUrl: string): Promise<string> {
  const tables = await queryDatabase<{ name: string }>(
    databaseUrl,
    `SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = current_schema()`,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const rows = await queryDatabase<{ text: string }>(databaseUrl, `SELECT ${name}::text AS text FROM ${name}`);
    texts.push(...rows.map(({ text }) => text));
  }
  return texts.join('\n');
}
