import '../config/debug-signal.js';
import { existsSync } from 'node:fs';
import { describeBootError } from '../config/boot-error.js';
import { checkProcessFlags } from '../config/process-flags.js';

try {
  if (existsSync('.env')) {
    process.loadEnvFile('.env');
  }
  checkProcessFlags(process.execArgv, process.env);
  // Loaded behind the line above that closes the process: it brings the whole service.
  const { program } = await import('./program.js');
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${describeBootError(error)}\n`);
  process.exitCode = 1;
}
