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
  // Loaded behind the line above that closes the process: it brings the whole service.
  const { program } = await import('./program.js');
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has written the help or what is wrong with the arguments.
    process.exitCode = error.exitCode === 0 ? exitCodes.success : exitCodes.failed;
  } else {
    process.stderr.write(`${describeBootError(error)}\n`);
    process.exitCode = exitCodes.failed;
  }
}
