import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { queryDatabase } from '../../support/test-database.js';

/** Every row as text, every bytea as bytes, and the files that the rows and the write-ahead log lie in. */
export async function readDatabaseFiles(databaseUrl: string): Promise<Buffer[]> {
  await queryDatabase(databaseUrl, 'CHECKPOINT');
  const parts: Buffer[] = [];
  const tables = await queryDatabase<{ name: string }>(
    databaseUrl,
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  );
  for (const { name } of tables) {
    const rows = await queryDatabase<{ text: string }>(databaseUrl, `SELECT t::text AS text FROM "${name}" t`);
    parts.push(Buffer.from(rows.map(({ text }) => text).join('\n')));
    for (const row of await queryDatabase<Record<string, unknown>>(databaseUrl, `SELECT * FROM "${name}"`)) {
      parts.push(...Object.values(row).filter((value) => Buffer.isBuffer(value)));
    }
  }
  const [place] = await queryDatabase<{ folder: string; id: number }>(
    databaseUrl,
    `SELECT current_setting('data_directory') AS folder, oid AS id FROM pg_database WHERE datname = current_database()`,
  );
  for (const folder of [join(place?.folder ?? '', 'base', String(place?.id)), join(place?.folder ?? '', 'pg_wal')]) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isFile()) {
        parts.push(await readFile(join(folder, entry.name)).catch(() => Buffer.alloc(0)));
      }
    }
  }
  return parts;
}
