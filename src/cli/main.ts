import '../config/debug-signal.js';
import { existsSync } from 'node:fs';
import { CommanderError } from 'commander';
import { describeBootError } from '../config/boot-error.js';
import { checkProcessFlags } from '../config/process-flags.js';
import { exitCodes } from './output.js';

try {
  if (existsSync('.env')) {
    process.loadEnvFile('.env');
  }
  checkProcessFlags(process.execArgv, process.env);
  // Loaded after the checks above, because it loads the whole service.
  const { program } = await import('./program.js');
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has already written the help, or the fault of the arguments.
    process.exitCode = error.exitCode === 0 ? exitCodes.success : exitCodes.failed;
  } else {
    process.stderr.write(`${describeBootError(error)}\n`);
    process.exitCode = exitCodes.failed;
  }
}
