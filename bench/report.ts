import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import type { BenchmarkName, Sizes } from './arguments.ts';
import type { Comparison } from './rounds.ts';

/** The figures of one benchmark. */
export interface Findings {
  readonly benchmark: BenchmarkName;
  readonly comparisons: readonly Comparison[];
  /** Single figures beside, such as a process's memory in MiB. */
  readonly figures: Readonly<Record<string, number>>;
}

/** Prints the findings as a table. */
export function printFindings({ benchmark, comparisons, figures }: Findings): void {
  const rows = comparisons.map(({ name, unit, ours, reference, ratio, rounds }) => {
    const ratios = rounds.map((round) => round.ours / round.reference);
    const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
    return [name, unit, format(ours), format(reference), ratio.toFixed(2), spread, String(rounds.length)];
  });
  const lines = [['', 'unit', 'ours', 'reference', 'ratio', 'spread', 'rounds'], ...rows];
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  process.stdout.write(`\n${benchmark}\n`);
  for (const line of comparisons.length === 0 ? [] : lines) {
    process.stdout.write(`  ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`);
  }
  for (const [name, value] of Object.entries(figures)) {
    process.stdout.write(`  ${name}: ${format(value)}\n`);
  }
}

/** Writes the findings with the machine and the sizes beside them, as `<benchmark>.json`. */
export async function writeFindings(folder: string, findings: Findings, sizes: Sizes): Promise<void> {
  const machine = {
    processors: cpus().length,
    model: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadAverage: loadavg()[0],
  };
  await mkdir(folder, { recursive: true });
  const content = { ...findings, sizes, machine, finishedAt: new Date().toISOString() };
  await writeFile(join(folder, `${findings.benchmark}.json`), `${JSON.stringify(content, null, 2)}\n`);
}

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2);
}
