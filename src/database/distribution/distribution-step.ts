import type { QueryRunner } from 'typeorm';

/** One part of the distribution. It is committed as a whole, so that a run that is interrupted leaves whole steps. */
export interface DistributionStep {
  /** For people. */
  readonly text: string;
  /** The tables that it moves. */
  readonly tables: readonly string[];
  /** Whether an earlier run has done it. */
  isDone(runner: QueryRunner): Promise<boolean>;
  /** Does it, in a transaction of the caller. */
  run(runner: QueryRunner): Promise<void>;
}

/** The database cannot be distributed as it is. The message says what to do. */
export class DistributionError extends Error {
  override readonly name = 'DistributionError';
}
