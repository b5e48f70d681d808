/**
 * Runs the fault scenarios, each as many rounds as given; `npm test` runs one round.
 *
 * Usage: npm run test:faults [-- --rounds 50] [--seed 7] [arguments of Jest, such as -t R-05]
 */
import { spawnSync } from 'node:child_process';

const forJest = process.argv.slice(2);

/** Takes an option and its value out of the arguments. */
function takeNumber(option: string): string {
  const at = forJest.indexOf(option);
  const value = at === -1 ? '1' : forJest.splice(at, 2)[1];
  if (value === undefined || !/^[1-9]\d*$/.test(value)) {
    process.stderr.write(`${option} takes a whole number from 1.\n`);
    process.exit(2);
  }
  return value;
}

const rounds = takeNumber('--rounds');
const seed = takeNumber('--seed');
const environment = {
  FAULT_ROUNDS: rounds,
  FAULT_SEED: seed,
  // Four interleavings a round, as between processes.
  RACE_INTERLEAVINGS: String(Math.max(12, 4 * Number(rounds))),
  RACE_SEED: seed,
};
const { status } = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', '--testPathPatterns', 'test/(faults/|refresh/refresh-races)', ...forJest],
  { stdio: 'inherit', env: { ...process.env, ...environment, NODE_OPTIONS: '--experimental-vm-modules' } },
);
process.exit(status ?? 1);
