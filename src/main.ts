import './config/debug-signal.js';
import { existsSync } from 'node:fs';
import { describeBootError } from './config/boot-error.js';
import { checkProcessFlags } from './config/process-flags.js';
import { describeError } from './ops/describe-error.js';

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    // Node itself would print every property of the error (LOG-02).
    process.stderr.write(`${JSON.stringify({ level: 60, msg: 'Unexpected error.', err: describeError(error) })}\n`);
    process.exit(1);
  });
}

try {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 24) {
    throw new Error(
      `Cufflink needs Node 24 or later, and this is ${process.version}. The npm scripts use the version in node_modules.`,
    );
  }
  if (existsSync('.env')) {
    process.loadEnvFile('.env');
  }
  checkProcessFlags(process.execArgv, process.env);
  if (process.argv[2] === 'worker') {
    const { work } = await import('./serve.js');
    await work();
  } else if (process.env['NODE_ENV'] === 'production') {
    const { serve } = await import('./serve.js');
    await serve();
  } else {
    const { startDevelopment } = await import('./development/development.js');
    await startDevelopment();
  }
} catch (error) {
  process.stderr.write(`Cufflink cannot start. ${describeBootError(error)}\n`);
  process.exit(1);
}
