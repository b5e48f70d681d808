import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { checkout } from '../support/service-process.js';

const timeoutMs = 900_000;

interface WrittenFindings {
  readonly benchmark: string;
  readonly comparisons: readonly {
    readonly name: string;
    readonly unit: string;
    readonly ours: number;
    readonly reference: number;
    readonly ratio: number;
    readonly rounds: readonly unknown[];
  }[];
  readonly figures: Readonly<Record<string, number>>;
}

describe('the benchmarks', () => {
  let results: string;

  beforeEach(async () => {
    results = await mkdtemp(join(tmpdir(), 'cufflink-bench-results-'));
  });
  afterEach(() => rm(results, { recursive: true }));

  it(
    'measure all sides of everything and write it down',
    async () => {
      const sizes = {
        ...{ connections: '20', clients: '2', loads: '1,2', seconds: '0.1', due: '10', concurrency: '4' },
        ...{ links: '5', seals: '20', growth: '20', rounds: '1' },
      };
      const { PATH = '', HOME = '', TEST_DATABASE_URL = '' } = process.env;
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [
          join(checkout, 'bench/main.ts'),
          ...Object.entries({ ...sizes, results }).flatMap(([name, value]) => [`--${name}`, value]),
        ],
        { env: { PATH, HOME, BENCH_DATABASE_URL: TEST_DATABASE_URL }, timeout: timeoutMs },
      );

      const found = await Promise.all(
        (await readdir(results)).map(
          async (file) => JSON.parse(await readFile(join(results, file), 'utf8')) as WrittenFindings,
        ),
      );
      const comparisons = found.flatMap((findings) => findings.comparisons);
      expect(found.map(({ benchmark }) => benchmark).sort()).toEqual([
        'growth',
        'layers',
        'links',
        'seal',
        'sweep',
        'token',
      ]);
      expect(comparisons).toHaveLength(13);
      expect(comparisons.filter(({ name }) => name.endsWith(', same guarantees'))).toHaveLength(3);
      for (const { name, unit, ours, reference, ratio, rounds } of comparisons) {
        expect(stdout).toContain(`${name}  `);
        expect(unit).toMatch(/\/s$/);
        expect(Math.min(ours, reference, ratio)).toBeGreaterThan(0);
        expect(rounds).toHaveLength(1);
      }
      for (const [name, figure] of found.flatMap(({ figures }) => Object.entries(figures))) {
        // Linux counts processor time in hundredths of a second, and these measurements are that short.
        expect(figure).toBeGreaterThanOrEqual(name.startsWith('processor time') ? 0 : Number.MIN_VALUE);
      }
    },
    timeoutMs,
  );

  it('name unknown ids', async () => {
    const run = promisify(execFile)(process.execPath, [join(checkout, 'bench/main.ts'), 'tokens']);
    await expect(run).rejects.toMatchObject({ stderr: expect.stringContaining('There is no benchmark "tokens"') });
  });
});
