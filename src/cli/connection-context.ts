import type { INestApplicationContext } from '@nestjs/common';
import type { Print } from './output.js';
import type { ProgressOutput } from './progress-bar.js';

/** The environment of the commands about connections. */
export interface ConnectionCommandContext {
  /** Runs a command with the providers and the stored grants, against the database of the environment. */
  readonly withConnections: (command: (app: INestApplicationContext) => Promise<void>) => Promise<void>;
  readonly print: Print;
  readonly progress: ProgressOutput;
}
