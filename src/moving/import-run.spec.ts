import { describe, expect, it } from '@jest/globals';
import { DatabaseUnavailableError } from '../errors/request.errors.js';
import type { ConnectionImporter } from '../tokens/import/connection-importer.js';
import type { ImportedGrant, ImportResult } from '../tokens/import/imported-grant.js';
import { ImportRun, type ImportCounts } from './import-run.js';
import type { SourceRow } from './row-source.js';

const requester = { requester: 'key:test' } as never;

async function* rowsOf(...users: readonly string[]): AsyncGenerator<SourceRow, void> {
  for (const [at, userId] of users.entries()) {
    yield { number: at + 1, row: { grant: { userId, provider: 'whoop' } }, userId, bytes: at + 1 };
  }
}

/** An importer that fails in these ways, then imports. */
function runWith(...failures: readonly Error[]): {
  readonly run: () => Promise<ImportCounts>;
  readonly tried: string[][];
} {
  const tried: string[][] = [];
  const importer = {
    import: async (grants: readonly ImportedGrant[]): Promise<ImportResult[]> => {
      tried.push(grants.map(({ userId }) => userId));
      const failure = failures[tried.length - 1];
      if (failure !== undefined) {
        throw failure;
      }
      return grants.map(() => ({ outcome: 'imported', connectionId: 'id', warnings: [] }));
    },
  } as unknown as ConnectionImporter;
  const run = (): Promise<ImportCounts> =>
    new ImportRun(importer).run(
      rowsOf('user-1', 'user-2'),
      { replace: false },
      requester,
      () => {},
      () => {},
    );
  return { run, tried };
}

describe('an import', () => {
  it('tries the same batch again when the database was away', async () => {
    const { run, tried } = runWith(new DatabaseUnavailableError('The database is away.'));
    expect(await run()).toMatchObject({ imported: 2, refused: 0 });
    expect(tried).toEqual([
      ['user-1', 'user-2'],
      ['user-1', 'user-2'],
    ]);
  });

  it('ends at once with any other error', async () => {
    const { run, tried } = runWith(new Error('A fault of the program.'));
    await expect(run()).rejects.toThrow('A fault of the program.');
    expect(tried).toHaveLength(1);
  });
});
