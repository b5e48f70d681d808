import type { Sizes } from './arguments.ts';
import { startChild } from './child.ts';
import { createDeployment } from './deployment.ts';
import type { SealWork } from './processes/sealer.ts';
import type { Findings } from './report.ts';
import { compare, type Comparison } from './rounds.ts';
import type { BenchServer } from './server.ts';

/** How many token sets of about a kilobyte are sealed and opened a second, against AES-256-GCM with one key. */
export async function benchmarkSeal(server: BenchServer, sizes: Sizes): Promise<Findings> {
  const { environment } = await createDeployment(server, 1);
  const sealer = startChild('processes/sealer.ts', environment);
  const measure = (what: SealWork) => async () =>
    sizes.seals / (await sealer.call<number>({ what, times: sizes.seals }));
  try {
    const comparisons: Comparison[] = [];
    for (const name of ['seal', 'open'] as const) {
      const comparison = await compare(
        name,
        'values/s',
        sizes.rounds,
        measure(`${name} ours`),
        measure(`${name} reference`),
      );
      comparisons.push(comparison);
    }
    return { benchmark: 'seal', comparisons, figures: {} };
  } finally {
    await sealer.stop();
  }
}
