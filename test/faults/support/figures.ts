import { appendFileSync } from 'node:fs';
import type { Violation } from '../../support/history-checker.js';
import { lostUsers } from '../../support/history-checker.js';

/** How many rounds the scenarios take; the short form takes one. */
export const rounds = Number(process.env['FAULT_ROUNDS'] ?? 1);
/** The seed of the scenarios' random numbers. */
export const seed = Number(process.env['FAULT_SEED'] ?? 1);

/** Counts and findings of a scenario. */
export interface Figures {
  /** Of `security.md` 2.3. */
  readonly id: string;
  readonly what: string;
  readonly rounds: number;
  /** Processes killed or frozen, statements, responses and connections broken. */
  readonly faults: number;
  readonly connections: number;
  readonly violations: number;
  /** Connections whose users must link again. */
  readonly lost: number;
  /** The defence that was switched off; the violations are then the point. */
  readonly without?: string;
  /** Why nothing could be done; the loss is documented. */
  readonly limit?: string;
}

/** Prints one line, and leaves the figures for the table at the end of the run. */
export function report(
  id: string,
  what: string,
  counts: Pick<Figures, 'rounds' | 'faults' | 'connections' | 'without' | 'limit'>,
  violations: readonly Violation[],
): void {
  const figures: Figures = { id, what, ...counts, violations: violations.length, lost: lostUsers(violations).size };
  const without = counts.without === undefined ? '' : ` without ${counts.without}`;
  const limit = counts.limit === undefined ? '' : ` (${counts.limit})`;
  process.stdout.write(
    `${id} ${what}${without}${limit}: ${figures.rounds} rounds, ${figures.faults} faults, ${figures.connections} connections, ` +
      `${figures.violations} violations, ${figures.lost} lost\n`,
  );
  const file = process.env['FAULT_FIGURES_FILE'];
  if (file !== undefined) {
    appendFileSync(file, `${JSON.stringify(figures)}\n`);
  }
}
