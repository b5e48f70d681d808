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

const isWorker = process.argv[2] === 'worker';
let areFlagsChecked = false;

try {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 24) {
    throw new Error(
      `Cufflink needs Node 24 or later, and this is ${process.version}. After \`npm ci\` the npm scripts use a suitable one; \`npm ci --omit=dev\` installs none.`,
    );
  }
  if (existsSync('.env')) {
    process.loadEnvFile('.env');
  }
  checkProcessFlags(process.execArgv, process.env);
  areFlagsChecked = true;
  if (isWorker) {
    // A worker that starts before the API must not decide which root key and name the database gets.
    process.env['KEY_CREATION'] = 'off';
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
  if (areFlagsChecked) {
    // The boot ends at the first wrong setting. The operator can correct all of them at once.
    const { findWrongSettings } = await import('./cli/wrong-settings.js');
    const others = await findWrongSettings(process.env, isWorker, describeBootError(error));
    process.stderr.write(others.map((text) => `Also wrong: ${text}\n`).join(''));
  }
  process.exit(1);
}
