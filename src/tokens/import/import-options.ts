import type { DryRun } from './dry-run.js';

/** How rows are imported. */
export interface ImportOptions {
  /** Replaces the tokens of connections that users have already, if the account is the same. */
  readonly replace: boolean;
  /** Set for a run that only checks. */
  readonly dryRun?: DryRun | undefined;
  /** If set, asks the provider whether each access token works, with at most this many calls a second. */
  readonly verifyPerSecond?: number | undefined;
}
