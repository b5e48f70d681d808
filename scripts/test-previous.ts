/**
 * Runs the previous version and this one on one database: links, refreshes, unlinks, audit, and the way back.
 *
 * Usage: npm run test:previous -- --against <commit or tag>
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { against: { type: 'string' } } });
if (values.against === undefined) {
  process.stderr.write('Name the previous version: npm run test:previous -- --against <commit or tag>\n');
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'cufflink-previous-'));
const program = join(folder, 'program');
let status: number | null;
try {
  execFileSync('git', ['worktree', 'add', '--quiet', '--detach', program, values.against], { stdio: 'inherit' });
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: program, stdio: ['ignore', 'ignore', 'inherit'] });
  execFileSync('npm', ['run', 'build'], { cwd: program, stdio: ['ignore', 'ignore', 'inherit'] });
  ({ status } = spawnSync(process.execPath, ['node_modules/jest/bin/jest.js', '--testMatch', '**/*.upgrade-spec.ts'], {
    stdio: 'inherit',
    env: { ...process.env, NODE_OPTIONS: '--experimental-vm-modules', PREVIOUS_PROGRAM: program },
  }));
} finally {
  execFileSync('git', ['worktree', 'remove', '--force', program], { stdio: 'inherit' });
  rmSync(folder, { recursive: true, force: true });
}
process.exit(status ?? 1);
