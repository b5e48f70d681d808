/**
 * Runs the rooms whose tables are distributed on the Citus of CITUS_DATABASE_URL: the URL of a database on its
 * coordinator, as a superuser, in which the other nodes are known (`citus_add_node`).
 *
 * Usage: CITUS_DATABASE_URL=postgres://... npm run test:citus [-- arguments of Jest]
 */
import { spawnSync } from 'node:child_process';

if (process.env['CITUS_DATABASE_URL'] === undefined) {
  process.stderr.write('Set CITUS_DATABASE_URL to the URL of a database on the coordinator (test/README.md).\n');
  process.exit(2);
}
const places = [
  'links',
  'refresh',
  'connections',
  'users',
  'audit',
  'events',
  'faults',
  'ops/interrupted-distribution',
];
const { status } = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', '--testPathPatterns', `test/(${places.join('|')})[/.]`, ...process.argv.slice(2)],
  { stdio: 'inherit', env: { ...process.env, NODE_OPTIONS: '--experimental-vm-modules' } },
);
process.exit(status ?? 1);
