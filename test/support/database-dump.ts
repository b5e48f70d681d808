import { expect } from '@jest/globals';
import type { TestApplication } from './application.js';
import { queryDatabase } from './test-database.js';

/** Every row of every table as text; bytes in hexadecimal. */
export async function dumpDatabase({ databaseUrl: url }: TestApplication): Promise<string> {
  const tables = await queryDatabase<{ name: string }>(
    url,
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
  );
  const rows = await Promise.all(
    tables.map(({ name }) => queryDatabase<{ row: string }>(url, `SELECT to_jsonb(t)::text AS row FROM "${name}" t`)),
  );
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n');
}

/** The shapes in which a secret could turn up. */
function shapesOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    bytes.toString('hex'),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    encodeURIComponent(secret),
  ];
}

/** Checks that a secret is in none of these places, in any shape. */
export function expectAbsent(secret: string | undefined, ...places: string[]): void {
  expect(secret?.length).toBeGreaterThan(10);
  for (const shape of shapesOf(String(secret))) {
    for (const place of places) {
      expect(place.includes(shape)).toBe(false);
    }
  }
}
