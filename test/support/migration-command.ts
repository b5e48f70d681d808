import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkout, startProcess, type Ending } from './service-process.js';

/**
 * Runs the command of `npm run typeorm` without the build before it: other tests use the built files at the same time.
 *
 * @param args - such as `migration:run`
 */
export async function runMigrationCommand(
  args: readonly string[],
  databaseUrl: string,
): Promise<Ending & { readonly output: string }> {
  const { scripts } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const [build, node, ...command] = (scripts['typeorm'] ?? '').split(/ && | /).slice(2);
  if (build !== 'build' || node !== 'node' || scripts['migration:run'] !== 'npm run typeorm -- migration:run') {
    throw new Error('The scripts of package.json have another shape than this test knows.');
  }
  const service = startProcess([...command, ...args], checkout, { NODE_ENV: 'production', DATABASE_URL: databaseUrl });
  return { ...(await service.ended()), output: service.output() };
}
