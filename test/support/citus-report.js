import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** Says, after the run, whether its databases were distributed, and which tests did not run for it. */
export default class CitusReport {
  onRunComplete() {
    if (process.env.CITUS_DATABASE_URL === undefined) {
      process.stderr.write('\nNothing ran on Citus: CITUS_DATABASE_URL is not set (test/README.md).\n');
      return;
    }
    const nodes = process.env.TEST_DATABASE_NODES?.split(' ') ?? [];
    const file = process.env.NOT_ON_CITUS_FILE;
    const left = file !== undefined && existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    const lines = left
      .map((line) => JSON.parse(line))
      .map(({ testPath, reason }) => `  not on Citus: ${relative(process.cwd(), testPath)}, because ${reason}\n`);
    process.stderr.write(`\nOn Citus with ${nodes.length} nodes.\n${lines.sort().join('')}`);
  }
}
