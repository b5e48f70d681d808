/**
 * Measures the service against references in the same run, alternating, and prints medians and ratios;
 * `docs/performance.md` explains them and has the figures of one machine.
 *
 * Usage: npm run bench [-- token layers sweep links seal growth] [--rounds 7] [--connections 100000]
 *   [--against <built checkout>] ... (see arguments.ts)
 *
 * BENCH_DATABASE_URL names a PostgreSQL to use, as a superuser, instead of an embedded one.
 */
import { fileURLToPath } from 'node:url';
import { readArguments, type BenchmarkName, type Sizes } from './arguments.ts';
import { benchmarkGrowth } from './growth.ts';
import { benchmarkLayers } from './layers.ts';
import { benchmarkLinks } from './links.ts';
import { printFindings, writeFindings, type Findings } from './report.ts';
import { benchmarkSeal } from './seal.ts';
import { startServer, type BenchServer } from './server.ts';
import { benchmarkSweep } from './sweep.ts';
import { benchmarkToken } from './token.ts';

const benchmarks: Record<BenchmarkName, (server: BenchServer, sizes: Sizes) => Promise<Findings>> = {
  token: benchmarkToken,
  layers: benchmarkLayers,
  sweep: benchmarkSweep,
  links: benchmarkLinks,
  seal: benchmarkSeal,
  growth: benchmarkGrowth,
};

const { names, sizes, results } = readArguments(
  process.argv.slice(2),
  fileURLToPath(new URL('results', import.meta.url)),
);
const server = await startServer(process.env['BENCH_DATABASE_URL']);
try {
  for (const name of names) {
    const findings = await benchmarks[name](server, sizes);
    printFindings(findings);
    await writeFindings(results, findings, sizes);
  }
} finally {
  await server.stop();
}
