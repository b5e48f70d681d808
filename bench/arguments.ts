import { parseArgs } from 'node:util';
import { usualTokenLength } from './token-set.ts';

export const benchmarkNames = ['token', 'layers', 'sweep', 'links', 'seal', 'growth'] as const;
export type BenchmarkName = (typeof benchmarkNames)[number];

/** How much is measured. */
export interface Sizes {
  /** Connections of the token and layers benchmarks. */
  readonly connections: number;
  /** Keep-alive clients that ask for tokens, in the layers and growth benchmarks. */
  readonly clients: number;
  /** The same for the token benchmark, which measures each number of clients. */
  readonly loads: readonly number[];
  /** How long each side is measured in each round of the token and layers benchmarks. */
  readonly seconds: number;
  /** Connections refreshed in each round of the sweep. */
  readonly due: number;
  /** Refreshes, or links, under way at once. */
  readonly concurrency: number;
  /** Links in each round. */
  readonly links: number;
  /** Token sets sealed and opened in each round. */
  readonly seals: number;
  /** Connections of the growth benchmark, ascending. */
  readonly growth: readonly number[];
  /** Characters of an access token in the growth benchmark, so that large tables fit on the disk. */
  readonly tokenLength: number;
  readonly rounds: number;
  /** A built checkout of an earlier version, which the sweep is measured against as well. */
  readonly against: string | undefined;
}

export interface BenchArguments {
  readonly names: readonly BenchmarkName[];
  readonly sizes: Sizes;
  /** Folder for the JSON files. */
  readonly results: string;
}

/**
 * Reads the command line: names of benchmarks, all when none is given, `--<size> <number>` and `--against <folder>`.
 *
 * @throws Error naming what is not known or not a positive number
 */
export function readArguments(args: readonly string[], defaultResults: string): BenchArguments {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      connections: { ...text, default: '100000' },
      clients: { ...text, default: '32' },
      loads: { ...text, default: '1,4,32,128' },
      seconds: { ...text, default: '5' },
      due: { ...text, default: '20000' },
      concurrency: { ...text, default: '32' },
      links: { ...text, default: '3000' },
      seals: { ...text, default: '50000' },
      growth: { ...text, default: '10000,100000,1000000' },
      'token-length': { ...text, default: String(usualTokenLength) },
      rounds: { ...text, default: '7' },
      against: text,
      results: { ...text, default: defaultResults },
    },
  });
  const { results, growth, loads, against, 'token-length': tokenLength, ...single } = values;
  const toCounts = (name: string, list: string): number[] => list.split(',').map((part) => toCount(name, part));
  const sizes = Object.fromEntries(Object.entries(single).map(([name, value]) => [name, toCount(name, value)]));
  const names = positionals.length === 0 ? benchmarkNames : positionals.map(toName);
  return {
    names,
    results,
    sizes: {
      ...sizes,
      growth: toCounts('growth', growth),
      loads: toCounts('loads', loads),
      tokenLength: toCount('token-length', tokenLength),
      against,
    } as unknown as Sizes,
  };
}

function toName(text: string): BenchmarkName {
  const name = benchmarkNames.find((each) => each === text);
  if (name === undefined) {
    throw new Error(`There is no benchmark "${text}"; there are ${benchmarkNames.join(', ')}.`);
  }
  return name;
}

function toCount(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) {
    throw new Error(`--${name} must be a positive number, got "${text}".`);
  }
  return value;
}
